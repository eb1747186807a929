package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nowcast/internal/core/pyyaml"
)

// DefaultMessageLimit is how many bytes a message may have unless the file says otherwise: 64 MiB.
const DefaultMessageLimit = 64 << 20

// DefaultLogHistory is how many bytes of log records are kept unless the file says otherwise: 2 GB.
const DefaultLogHistory = 2_000_000_000

// Load reads a configuration file. lookupEnv is os.LookupEnv, or a stand-in. If there are mistakes in the file, the
// error is an Errors with all of them.
func Load(file string, lookupEnv func(string) (string, bool)) (*Config, error) {
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, Errors{{File: file, Problem: "there is no such configuration file", Remedy: "give the path of an existing one"}}
	case err != nil:
		return nil, fmt.Errorf("read configuration %s: %w", file, err)
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, fmt.Errorf("find configuration %s: %w", file, err)
	}
	return parse(file, abs, data, lookupEnv)
}

// parse is Load without the file system.
func parse(given, abs string, data []byte, lookupEnv func(string) (string, bool)) (*Config, error) {
	value, lines, err := pyyaml.DecodeLines(data)
	if err != nil {
		return nil, Errors{yamlError(given, err)}
	}
	root, ok := value.(*pyyaml.Map)
	if !ok {
		return nil, Errors{{File: given, Line: 1, Problem: "is " + describe(value) + ", not a mapping",
			Remedy: "a configuration has keys such as checklist file, zmq and message registry"}}
	}
	l := &loader{file: given, lines: lines, lookup: lookupEnv}
	c := &Config{File: abs, given: given, root: root, lines: lines, MessageLimit: DefaultMessageLimit, LogHistory: DefaultLogHistory}
	c.runtimeDir, _ = lookupEnv("XDG_RUNTIME_DIR")
	c.tempDir, _ = lookupEnv("TMPDIR")
	c.read(node{loader: l, value: root})
	l.duplicates()
	if len(l.errs) > 0 {
		sortErrors(l.errs)
		return nil, l.errs
	}
	sortErrors(l.warnings)
	c.Warnings = l.warnings
	return c, nil
}

// directories notes where sockets may be whose own place has too long a path.
func (c *Config) directories(lookupEnv func(string) (string, bool)) {
	c.runtimeDir, _ = lookupEnv("XDG_RUNTIME_DIR")
	c.tempDir, _ = lookupEnv("TMPDIR")
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// yamlError says where the file stops being YAML.
func yamlError(file string, err error) Error {
	text := err.Error()
	e := Error{File: file, Remedy: "correct the YAML there"}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	e.Problem = "cannot be read as YAML: " + text
	return e
}

// read fills c from the top of the file.
func (c *Config) read(top node) {
	values := top.value.(*pyyaml.Map).Clone()

	checklist := c.places(top)
	var n node
	c.Python, n = top.text("python", "")
	c.Python = n.expand(c.Python)
	for key, text := range map[string]string{"checklist file": checklist, "python": c.Python} {
		if text != "" {
			values.Set(key, text)
		}
	}

	if n, ok := top.child("message size limit"); ok {
		c.MessageLimit = n.size()
	}
	if n, ok := top.child("log history"); ok {
		c.LogHistory = int64(n.size())
	}
	if n, ok := top.child("rule time limit"); ok {
		c.RuleTimeLimit = n.duration()
	}

	if c.Logging = top.logging(); c.Logging != nil {
		values.Set("logging", c.Logging)
	}
	c.Values = values
	c.Registry = c.registry(top)
	c.ZMQ = top.zmq(c.Registry.Workers)
	c.Hosts = top.hosts()
	c.Schedule = top.scheduledWorkers(c.Registry.Workers)
	c.Slack = top.notifications(c.Registry.Workers)
	c.storage(top)
	c.policies(top)
	c.alerts(top)
}

// places reads where the checklist and the state directory are, and returns the checklist file as it is named, expanded.
func (c *Config) places(top node) (checklist string) {
	checklist, n := top.text("checklist file", "name the file that the checklist is kept in")
	checklist = n.expand(checklist)
	c.ChecklistFile = c.path(checklist)
	state, n := top.text("state dir", "")
	if c.StateDir = c.path(n.expand(state)); state == "" {
		c.StateDir = filepath.Join(filepath.Dir(c.ChecklistFile), ".nowcast")
	}
	return checklist
}

// path makes a path of the file absolute.
func (c *Config) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(filepath.Dir(c.File), name)
}

var sizeUnits = []struct {
	suffix string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}

// size returns a number of bytes, written as a number or with a unit.
func (n node) size() int {
	count, unit := int64(-1), int64(1)
	switch v := n.value.(type) {
	case int64:
		count = v
	case string:
		for _, u := range sizeUnits {
			if digits, ok := strings.CutSuffix(v, u.suffix); ok {
				if i, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64); err == nil {
					count, unit = i, u.bytes
				}
				break
			}
		}
	}
	if count <= 0 || count > 1<<40/unit {
		n.errorf("give bytes, or a number with kB, MB, GB, KiB, MiB or GiB", "is %s, not a size", describe(n.value))
		return 0
	}
	return int(count * unit)
}

// duplicates warns of keys that stand twice in one mapping: the last one counts.
func (l *loader) duplicates() {
	for _, d := range l.lines.Duplicates() {
		l.warnings = append(l.warnings, Error{File: l.file, Line: d.Line, Key: keyText(d.Key),
			Problem: "is there twice in the same mapping, and the last one counts", Remedy: "delete one of them"})
	}
}

func sortErrors(e Errors) {
	slices.SortStableFunc(e, func(a, b Error) int { return cmp.Compare(a.Line, b.Line) })
}
