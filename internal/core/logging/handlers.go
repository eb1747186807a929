package logging

import (
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/pyyaml"
)

// The handler classes that may be named.
const (
	classStream   = "logging.StreamHandler"
	classFile     = "logging.FileHandler"
	classNull     = "logging.NullHandler"
	classRotating = "logging.handlers.RotatingFileHandler"
	classTimed    = "logging.handlers.TimedRotatingFileHandler"
	classWatched  = "logging.handlers.WatchedFileHandler"
	classSMTP     = "logging.handlers.SMTPHandler"
	classSysLog   = "logging.handlers.SysLogHandler"
	classPUB      = "zmq.log.handlers.PUBHandler"
)

// arguments are what each class takes beside class, level, formatter and filters.
var arguments = map[string][]string{
	classStream:   {"stream"},
	classFile:     {"filename", "mode", "encoding", "delay", "errors"},
	classNull:     {},
	classRotating: {"filename", "mode", "maxBytes", "backupCount", "encoding", "delay", "errors"},
	classTimed:    {"filename", "when", "interval", "backupCount", "encoding", "delay", "utc", "atTime", "errors"},
	classWatched:  {"filename", "mode", "encoding", "delay", "errors"},
	classSMTP:     {"mailhost", "fromaddr", "toaddrs", "subject", "credentials", "secure", "timeout"},
	classSysLog:   {"address", "facility", "socktype"},
	classPUB:      {"interface_or_socket", "context", "root_topic"},
}

// objects are the Python objects that arguments may name.
var objects = []string{"ext://sys.stdout", "ext://sys.stderr", streamSocket, datagramSocket}

// handler reads one entry of handlers.
func (p *parser) handler(name string, m *pyyaml.Map, formatters map[string]*formatter) handlerSpec {
	keys := []string{"handlers", name}
	h := handlerSpec{name: name, class: p.text(m, keys, "class"), level: p.level(m, keys, notSet), format: mustFormatter(defaultFormat)}
	if v, ok := m.Get("()"); ok {
		p.errorf(append(keys, "()"), "name a class of Python's logging instead", "is %s, Python code which is not run here", pyyaml.Repr(v))
		return h
	}
	known, ok := arguments[h.class]
	if !ok {
		p.unknownClass(keys, h.class)
		return h
	}
	for k, v := range m.All() {
		if s, _ := v.(string); strings.HasPrefix(s, "cfg://") || strings.HasPrefix(s, "ext://") && !slices.Contains(objects, s) {
			p.errorf(append(keys, strings.Trim(pyyaml.Repr(k), "'")), "write the value itself", "is %q, which only Python can look up", s)
			continue
		}
		if key, ok := k.(string); !ok || !slices.Contains(known, key) && !slices.Contains([]string{"class", "level", "formatter", "filters"}, key) {
			p.errorf(append(keys, strings.Trim(pyyaml.Repr(k), "'")), "delete it", "is not an argument of %s", h.class)
		}
	}
	if ref := p.text(m, keys, "formatter"); ref != "" {
		if f := formatters[ref]; f != nil {
			h.format = f
		} else {
			p.errorf(append(keys, "formatter"), "define it below formatters", "is %q, which is not there", ref)
		}
	}
	p.filters(m, keys)
	switch h.class {
	case classStream:
		p.stream(m, keys, &h)
	case classFile, classRotating, classWatched:
		p.file(m, keys, &h)
	case classTimed:
		p.file(m, keys, &h)
		p.timed(m, keys, &h)
	case classSMTP:
		h.mail = p.mail(m, keys)
	case classSysLog:
		h.syslog = p.syslog(m, keys)
	}
	return h
}

func (p *parser) unknownClass(keys []string, class string) {
	known := make([]string, 0, len(arguments))
	for c := range arguments {
		known = append(known, c)
	}
	slices.Sort(known)
	remedy := "use one of " + strings.Join(known, ", ")
	if class == "" {
		p.errorf(keys, remedy, "has no class")
		return
	}
	p.errorf(append(keys, "class"), remedy, "is %s, which is not known here", class)
}

func (p *parser) stream(m *pyyaml.Map, keys []string, h *handlerSpec) {
	switch name := p.text(m, keys, "stream"); name {
	case "ext://sys.stdout":
	case "", "ext://sys.stderr":
		h.stderr = true
	default:
		p.errorf(append(keys, "stream"), "write ext://sys.stdout or ext://sys.stderr", "is %q", name)
	}
}

func (p *parser) file(m *pyyaml.Map, keys []string, h *handlerSpec) {
	name := p.text(m, keys, "filename")
	if name == "" {
		p.errorf(append(keys, "filename"), "name the log file", "is missing")
	}
	h.path = absolute(p.c, name)
	switch mode := p.text(m, keys, "mode"); mode {
	case "", "a", "at", "a+":
	case "w", "wt", "w+":
		h.truncate = true
	default:
		p.errorf(append(keys, "mode"), "write a or w", "is %q", mode)
	}
	switch encoding := strings.ToLower(strings.ReplaceAll(p.text(m, keys, "encoding"), "_", "-")); encoding {
	case "", "utf-8", "utf8", "locale":
	default:
		p.errorf(append(keys, "encoding"), "write utf-8, or delete it", "is %q, and log files are written in UTF-8", encoding)
	}
	if v, ok := m.Get("delay"); ok {
		h.delay = truth(v)
	}
	h.limit = p.count(m, keys, "maxBytes")
	h.backups = int(p.count(m, keys, "backupCount"))
	if h.limit > 0 && h.class == classRotating {
		h.truncate = false // as Python has it: a file that is rolled is never emptied
	}
}

// timed reads when a TimedRotatingFileHandler rolls.
func (p *parser) timed(m *pyyaml.Map, keys []string, h *handlerSpec) {
	interval := int64(1)
	if v, ok := m.Get("interval"); ok && v != nil {
		if interval = p.count(m, keys, "interval"); interval == 0 {
			p.errorf(append(keys, "interval"), "give a number above 0", "is %s", pyyaml.Repr(v))
			interval = 1
		}
	}
	var err error
	if h.timed, err = newTimed(p.text(m, keys, "when"), interval); err != nil {
		p.errorf(append(keys, "when"), "write S, M, H, D, midnight, or W0 (Monday) to W6", "%v", err)
		return
	}
	h.timed.backups = h.backups
	if v, ok := m.Get("utc"); ok {
		h.timed.utc = truth(v)
	}
	v, _ := m.Get("atTime")
	if v == nil {
		return
	}
	text, _ := v.(string)
	at, err := time.Parse(time.TimeOnly, text)
	if err != nil {
		at, err = time.Parse("15:04", text)
	}
	if err != nil {
		p.errorf(append(keys, "atTime"), `write a time of day in quotes, such as "05:30"`, "is %s", pyyaml.Repr(v))
		return
	}
	h.timed.at = int64(at.Hour()*60+at.Minute())*60 + int64(at.Second())
}

func (p *parser) count(m *pyyaml.Map, keys []string, key string) int64 {
	v, ok := m.Get(key)
	n, isInt := v.(int64)
	if ok && (!isInt || n < 0) {
		p.errorf(append(keys, key), "give a number", "is %s", pyyaml.Repr(v))
		return 0
	}
	return n
}
