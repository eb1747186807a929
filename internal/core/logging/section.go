package logging

import (
	"fmt"
	"slices"

	"nowcast/internal/core/config"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/pyyaml"
)

// section is a dictConfig mapping, read and checked.
type section struct {
	handlers []handlerSpec
	loggers  map[string]loggerSpec
	root     loggerSpec
	warnings config.Errors
}

type handlerSpec struct {
	name  string
	class string
	level int

	format   *formatter
	stderr   bool   // StreamHandler: which stream
	path     string // files
	truncate bool
	delay    bool
	limit    int64
	backups  int
	timed    *timed
	mail     *mailSpec
	syslog   *syslogSpec
}

type loggerSpec struct {
	level     int
	propagate bool
	handlers  []string
}

// parseSection reads the part of the section logging that the role uses. Its error is a config.Errors.
func parseSection(c *config.Config, role Role) (*section, error) {
	switch {
	case c.Logging == nil:
		return defaultSection(), nil
	case !c.Distributed():
		return parseDict(c, c.Logging, "logging")
	case role != Aggregator:
		return parsePart(c, "publisher")
	}
	if _, ok := c.Logging.Get("aggregator"); !ok {
		s := defaultSection()
		s.warnings = append(s.warnings, c.Complaint("is missing, so log messages go to stderr", "write version, formatters, handlers and root below it", "logging", "aggregator"))
		return s, nil
	}
	return parsePart(c, "aggregator")
}

func parsePart(c *config.Config, name string) (*section, error) {
	v, _ := c.Logging.Get(name)
	m, ok := v.(*pyyaml.Map)
	if !ok {
		return nil, config.Errors{c.Complaint("is empty or not a mapping", "write version, formatters, handlers and root below it", "logging", name)}
	}
	return parseDict(c, m, "logging", name)
}

// defaultSection is for a configuration without logging: everything from INFO on, to stderr.
func defaultSection() *section {
	return &section{
		handlers: []handlerSpec{{name: "console", class: classStream, stderr: true, format: mustFormatter(ourFormat)}},
		root:     loggerSpec{level: info, handlers: []string{"console"}},
	}
}

// console returns the section for --debug: everything to the console handler, or to stdout if there is none.
func (s *section) console() *section {
	h := handlerSpec{name: "console", class: classStream, format: mustFormatter(ourFormat)}
	if i := slices.IndexFunc(s.handlers, func(h handlerSpec) bool { return h.class == classStream && h.name == "console" }); i >= 0 {
		h.format, h.stderr = s.handlers[i].format, s.handlers[i].stderr
	}
	h.level = debug
	return &section{handlers: []handlerSpec{h}, root: loggerSpec{level: debug, handlers: []string{h.name}}}
}

// parser reads one dictConfig mapping and collects what is wrong with it.
type parser struct {
	c      *config.Config
	prefix []string
	errs   config.Errors
	warns  config.Errors
}

func parseDict(c *config.Config, m *pyyaml.Map, prefix ...string) (*section, error) {
	p := &parser{c: c, prefix: prefix}
	if v, ok := m.Get("version"); v != int64(1) {
		problem := "is not 1"
		if !ok {
			problem = "is missing"
		}
		p.errorf([]string{"version"}, "write version: 1", "%s", problem)
	}
	if v, _ := m.Get("incremental"); v == true {
		p.errorf([]string{"incremental"}, "delete it, and write the whole configuration", "is true, which nothing can be added to here")
	}
	formatters := p.formatters(m)
	s := &section{loggers: map[string]loggerSpec{}}
	for name, h := range p.entries(m, "handlers") {
		s.handlers = append(s.handlers, p.handler(name, h, formatters))
	}
	names := map[string]bool{}
	for _, h := range s.handlers {
		names[h.name] = true
	}
	for name, l := range p.entries(m, "loggers") {
		s.loggers[name] = p.logger(l, names, notSet, "loggers", name)
	}
	s.root = loggerSpec{level: warning}
	if v, _ := m.Get("root"); v != nil {
		if root, ok := v.(*pyyaml.Map); ok {
			s.root = p.logger(root, names, warning, "root")
		} else {
			p.errorf([]string{"root"}, "write level and handlers below it", "is not a mapping")
		}
	}
	if len(p.errs) > 0 {
		return nil, p.errs
	}
	s.warnings = p.warns
	return s, nil
}

func (p *parser) errorf(keys []string, remedy, format string, args ...any) {
	p.errs = append(p.errs, p.c.Complaint(fmt.Sprintf(format, args...), remedy, slices.Concat(p.prefix, keys)...))
}

// warnf is for what is accepted and not done.
func (p *parser) warnf(keys []string, remedy, format string, args ...any) {
	p.warns = append(p.warns, p.c.Complaint(fmt.Sprintf(format, args...), remedy, slices.Concat(p.prefix, keys)...))
}

// entries yields the mappings in a mapping of mappings, by name.
func (p *parser) entries(m *pyyaml.Map, key string) func(func(string, *pyyaml.Map) bool) {
	return func(yield func(string, *pyyaml.Map) bool) {
		v, _ := m.Get(key)
		if v == nil {
			return
		}
		all, ok := v.(*pyyaml.Map)
		if !ok {
			p.errorf([]string{key}, "write names below it", "is not a mapping")
		}
		for k, v := range all.All() {
			name, isText := k.(string)
			entry, isMap := v.(*pyyaml.Map)
			if v == nil {
				entry, isMap = pyyaml.NewMap(0), true
			}
			switch {
			case !isText:
				p.errorf([]string{key}, "quote it", "has a name that is not text")
			case !isMap:
				p.errorf([]string{key, name}, "write its settings below it", "is not a mapping")
			case !yield(name, entry):
				return
			}
		}
	}
}

func (p *parser) formatters(m *pyyaml.Map) map[string]*formatter {
	formatters := map[string]*formatter{}
	for name, entry := range p.entries(m, "formatters") {
		keys := []string{"formatters", name}
		for _, key := range []string{"()", "class"} {
			if v, ok := entry.Get(key); ok && v != "logging.Formatter" {
				p.errorf(append(keys, key), "use format, datefmt and style instead", "is Python code, which is not run here")
			}
		}
		style := p.text(entry, keys, "style")
		if style == "" {
			style = "%"
		}
		format := p.text(entry, keys, "format")
		f, err := newFormatter(format, p.text(entry, keys, "datefmt"), style)
		if err != nil {
			p.errorf(append(keys, "format"), "correct it; the fields are those of Python's LogRecord", "%q %v", format, err)
			f = mustFormatter(defaultFormat)
		}
		formatters[name] = f
	}
	return formatters
}

func (p *parser) logger(m *pyyaml.Map, known map[string]bool, level int, keys ...string) loggerSpec {
	l := loggerSpec{level: p.level(m, keys, level), propagate: true}
	if v, ok := m.Get("propagate"); ok {
		l.propagate = truth(v)
	}
	p.filters(m, keys)
	v, _ := m.Get("handlers")
	list, ok := v.([]pyyaml.Value)
	if v != nil && !ok {
		p.errorf(append(keys, "handlers"), "write a list of names from handlers", "is not a list")
	}
	for _, item := range list {
		name, _ := item.(string)
		if !known[name] {
			p.errorf(append(keys, "handlers"), "define it below handlers, or delete it here", "has %q, which is not there", name)
		}
		l.handlers = append(l.handlers, name)
	}
	return l
}

// truth is what Python's bool() makes of the values that are written for propagate.
func truth(v pyyaml.Value) bool {
	switch v := v.(type) {
	case bool:
		return v
	case int64:
		return v != 0
	case string:
		return v != ""
	}
	return v != nil
}

func (p *parser) level(m *pyyaml.Map, keys []string, absent int) int {
	v, _ := m.Get("level")
	if v == nil {
		return absent
	}
	switch v := v.(type) {
	case int64:
		return int(v)
	case string:
		if n, ok := feed.PythonLevelNumber(v); ok {
			return n
		}
	}
	p.errorf(append(keys, "level"), "give DEBUG, INFO, WARNING, ERROR, CRITICAL or a number", "is %s, not a level", pyyaml.Repr(v))
	return absent
}

func (p *parser) filters(m *pyyaml.Map, keys []string) {
	if v, ok := m.Get("filters"); ok {
		if list, ok := v.([]pyyaml.Value); !ok || len(list) > 0 {
			p.warnf(append(keys, "filters"), "delete them", "are not used: they are Python code, which is not run here")
		}
	}
}

// text returns a string, "" if it is absent or null.
func (p *parser) text(m *pyyaml.Map, keys []string, key string) string {
	v, _ := m.Get(key)
	s, ok := v.(string)
	if v != nil && !ok {
		p.errorf(append(keys, key), "write text, in quotes if need be", "is %s, not text", pyyaml.Repr(v))
	}
	return s
}
