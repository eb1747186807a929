package config

import (
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"nowcast/internal/core/pyyaml"
)

// replies are the reply types of the manager with the words that NEMO_Nowcast's documentation gives them.
var replies = []struct{ typ, words string }{
	{"ack", "message acknowledged"},
	{"checklist cleared", "system checklist cleared"},
	{"unregistered worker", "ERROR - message received from unregistered worker"},
	{"unregistered message type", "ERROR - unregistered message type received from worker"},
	{"no after_worker function", "ERROR - after_worker function not found in next_workers module"},
}

// dotted tells whether text is a Python name, or several with dots between them.
func dotted(text string) bool {
	return !slices.ContainsFunc(strings.Split(text, "."), func(name string) bool {
		for i, r := range name {
			if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsNumber(r)) {
				return true
			}
		}
		return name == ""
	})
}

func (c *Config) registry(top node) Registry {
	s, ok := top.section("message registry", "write manager, next workers module and workers below it")
	if !ok {
		return Registry{}
	}
	s.unknownKeys("manager", "next workers module", "workers")
	return Registry{
		Manager:     s.manager(c.Python != ""),
		NextWorkers: c.nextWorkers(s),
		Workers:     s.workers(),
	}
}

// manager returns the words of each reply type; those that are absent get their usual ones.
func (n node) manager(python bool) map[string]string {
	s, _ := n.section("manager", "")
	words := map[string]string{}
	keys, nodes := s.children()
	for i, c := range nodes {
		key, isText := keys[i].(string)
		text, ok := c.value.(string)
		if !isText || !ok {
			c.errorf("write a reply type, a colon and its meaning in quotes", "is not a reply type with words")
			continue
		}
		words[key] = text
	}
	for _, r := range replies {
		if _, ok := words[r.typ]; ok {
			continue
		}
		words[r.typ] = r.words
		if python {
			c, _ := s.child(r.typ)
			c.warnf("add "+r.typ+": "+r.words, "is missing, and a Python worker fails on this reply without it")
		}
	}
	return words
}

func (c *Config) nextWorkers(n node) string {
	text, at := n.text("next workers module", "give a Starlark file, e.g. next_workers.star, or a dotted Python module")
	switch {
	case text == "":
		return ""
	case strings.HasSuffix(text, ".star"):
		if strings.Contains(text, envPrefix) {
			at.warnf("write the path without it", "has %s...), which is not replaced here", envPrefix)
		}
		return c.path(filepath.FromSlash(text))
	case !dotted(text):
		at.errorf("give a Starlark file, e.g. next_workers.star, or a dotted Python module, e.g. nowcast.next_workers",
			"is %q, neither a file that ends in .star nor a dotted Python name", text)
	}
	return text
}

func (n node) workers() map[string]Worker {
	s, _ := n.section("workers", "write a name for each worker below it")
	workers := map[string]Worker{}
	keys, nodes := s.children()
	for i, c := range nodes {
		name, ok := keys[i].(string)
		switch c.value.(type) {
		case *pyyaml.Map:
		case nil:
			c.warnf("write its message types below it, e.g. success, failure and crash", "has no message types, so nothing it sends is accepted")
		default:
			c.errorf("write its message types below it, e.g. success, failure and crash", "is %s, not a mapping", describe(c.value))
			continue
		}
		if !ok {
			c.errorf("quote it", "is not text, so it cannot be a worker's name")
			continue
		}
		workers[name] = c.worker(name)
	}
	return workers
}

// worker reads one entry. Its keys are message types, except those that are known to be something else.
func (n node) worker(name string) Worker {
	w := Worker{Name: name, Types: map[string]string{}}
	w.ChecklistKey, _ = n.text("checklist key", "")
	keys, nodes := n.children()
	for i, c := range nodes {
		switch key := keys[i]; key {
		case "checklist key":
		case "command":
			w.Command = c.command()
		case policyKey: // as text it would be a message type
			if m, isMapping := c.value.(*pyyaml.Map); isMapping && m != nil {
				w.Policy = c.policy()
				break
			}
			fallthrough
		default:
			typ, isText := key.(string)
			words, ok := c.value.(string)
			switch {
			case !ok:
				c.errorf("a message type has its meaning as text, in quotes if need be; other keys here are checklist key, command and policy",
					"is %s, so it is not a message type", describe(c.value))
			case !isText:
				c.errorf("quote it", "is not text, so no message can have this type")
			default:
				w.Types[typ] = words
			}
		}
	}
	if w.ChecklistKey == "" && w.succeeds() {
		n.warnf("add checklist key: ... to it", "can report success but has no checklist key, so what it reports is kept under its own name")
	}
	return w
}

// succeeds tells whether a success of the worker can carry something for the checklist. One that clears the
// checklist has nothing to put there.
func (w Worker) succeeds() bool {
	if _, clears := w.Types["clear checklist"]; clears {
		return false
	}
	for typ := range w.Types {
		if strings.HasPrefix(typ, "success") {
			return true
		}
	}
	return false
}

// command returns the argv prefix.
func (n node) command() []string {
	const remedy = "write a list of texts, e.g. [./make_plots.sh, --fast]"
	nodes := n.items()
	if len(nodes) == 0 {
		n.errorf(remedy, "is %s, not a command", describe(n.value))
	}
	var argv []string
	for _, c := range nodes {
		text, ok := c.value.(string)
		if !ok {
			c.errorf("quote it", "is %s, not text", describe(c.value))
		}
		if strings.Contains(text, envPrefix) {
			c.warnf("let a small script put it in", "has %s...), which is not replaced here", envPrefix)
		}
		argv = append(argv, text)
	}
	if len(argv) > 0 && slices.Contains(argv[:1], "") {
		n.errorf(remedy, "begins with an empty text")
	}
	return argv
}
