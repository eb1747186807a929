package config

import (
	"regexp"
	"strings"

	"nowcast/internal/core/pyyaml"
)

const envPrefix = "$(NOWCAST.ENV."

var envReference = regexp.MustCompile(`\$\(NOWCAST\.ENV\.(\w*)\)`)

// expand replaces each $(NOWCAST.ENV.NAME) by the value of the environment variable.
func (n node) expand(text string) string {
	expanded := envReference.ReplaceAllStringFunc(text, func(ref string) string {
		name := envReference.FindStringSubmatch(ref)[1]
		value, ok := n.lookup(name)
		switch {
		case name == "":
			n.errorf("write "+envPrefix+"NAME)", "has a reference without a name, %s", ref)
		case !ok:
			n.errorf("set it before the start, e.g. export "+name+"=...", "environment variable %s is not set", name)
		}
		return value
	})
	if strings.Contains(envReference.ReplaceAllString(text, ""), envPrefix) {
		n.errorf("write "+envPrefix+"NAME), where NAME has only letters, digits and _", "has a reference that is not complete")
	}
	return expanded
}

// logging returns the section logging with the file names of its handlers expanded, nil if there is none. What
// the handlers mean is package logging's business.
func (n node) logging() *pyyaml.Map {
	c, ok := n.section("logging", "")
	if !ok {
		return nil
	}
	expanded := c.value.(*pyyaml.Map).Clone()
	if m := c.handlers(); m != nil {
		expanded.Set("handlers", m)
	}
	for _, part := range []string{"publisher", "aggregator"} {
		p, ok := c.section(part, "")
		if !ok {
			continue
		}
		m := p.value.(*pyyaml.Map).Clone()
		if h := p.handlers(); h != nil {
			m.Set("handlers", h)
		}
		expanded.Set(part, m)
	}
	return expanded
}

// handlers returns the mapping handlers with each filename expanded, nil if there is none.
func (n node) handlers() *pyyaml.Map {
	section, ok := n.section("handlers", "")
	if !ok {
		return nil
	}
	expanded := pyyaml.NewMap(0)
	keys, nodes := section.children()
	for i, key := range keys {
		m, ok := nodes[i].value.(*pyyaml.Map)
		if !ok {
			nodes[i].errorf("write class, level and formatter below it", "is %s, not a mapping", describe(nodes[i].value))
			continue
		}
		if _, ok := m.Get("filename"); ok {
			name, at := nodes[i].text("filename", "name the log file")
			m = m.Clone()
			m.Set("filename", at.expand(name))
		}
		expanded.Set(key, m)
	}
	return expanded
}
