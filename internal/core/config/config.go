// Package config reads the configuration file (specs: compat section 4): it expands, defaults, validates and
// freezes it. After Load a Config is plain data that nobody changes; a reload makes a new one.
//
// A file that NEMO_Nowcast accepts is accepted, except where it could not have worked. Load reports every mistake at
// once, each with file, line, key and remedy. What is legal but probably not meant is a warning and not an error.
// Keys that are not ours are never looked at: they reach rules and workers as they are.
//
// The package also knows where the state directory and the unix sockets are (state.go), because that follows
// from the configuration alone and every process must find the same place.
package config

import (
	"time"

	"nowcast/internal/core/pyyaml"
)

// Config is a validated configuration. The keys it is read from are named on the fields; "ours" marks those that
// NEMO_Nowcast does not have and that have defaults, so a reference file is complete. Relative paths in the
// file are relative to the file's own directory.
type Config struct {
	File          string        // the file it was read from, absolute
	ChecklistFile string        // checklist file, absolute
	Python        string        // python; "" if there is none
	StateDir      string        // state dir (ours), absolute; default .nowcast beside the checklist file
	MessageLimit  int           // message size limit (ours), bytes; default 64 MiB
	RuleTimeLimit time.Duration // rule time limit (ours) of one call; 0: what the rules' language has
	LogHistory    int64         // log history (ours): bytes of log records that are kept for questions; default 2 GB

	State   string        // state (ours): URL of a PostgreSQL database; "": SQLite in the state directory
	History History       // history (ours)
	Clear   ClearPolicy   // clear checklist (ours), while launches run
	Barrier time.Duration // barrier time limit (ours): a barrier that is open longer is an alert; default 24 h
	Waiting WaitingPolicy // waiting workers (ours): what becomes of those that wait for an answer that cannot reach them
	Slots   int           // run: slots (ours): how many launches run on localhost at once; 0 any number
	Alerts  Alerts        // alerts (ours)

	ZMQ      ZMQ
	Registry Registry
	Hosts    map[string]Host // run: enabled hosts
	Schedule []Scheduled     // scheduled workers, in order
	Slack    Slack           // slack notifications
	Logging  *pyyaml.Map     // logging, with file names expanded; nil if there is none
	Values   *pyyaml.Map     // the whole file as rules and workers see it
	Warnings Errors          // what is legal, but probably not what was meant

	given      string        // the file as the caller named it, for messages
	root       *pyyaml.Map   // the whole file as it was read, which lines knows
	lines      *pyyaml.Lines // where things stand in it
	runtimeDir string        // XDG_RUNTIME_DIR
	tempDir    string        // TMPDIR
}

// ZMQ is the section zmq.
type ZMQ struct {
	Host         string              // host
	Bind         string              // bind (ours): the address to bind instead of all interfaces; "" default
	ManagerPort  int                 // ports: manager
	WorkersPort  int                 // ports: workers
	LoggingPorts map[string][]string // ports: logging: process or worker name to "port" or "host:port", in order
}

// Registry is the section message registry.
type Registry struct {
	Manager     map[string]string // manager: reply type to its words
	NextWorkers string            // next workers module: a *.star file (absolute), or a dotted Python module
	Workers     map[string]Worker // workers, by name
}

// Worker is one entry of message registry: workers.
type Worker struct {
	Name         string
	ChecklistKey string            // checklist key; "" if there is none
	Types        map[string]string // message type to its words
	Command      []string          // command (ours): argv prefix instead of python -m module; nil if there is none
	Policy       Policy            // policy (ours)
}

// Host is one entry of run: enabled hosts, as far as launching needs it (specs: compat section 2).
type Host struct {
	Name       string
	EnvVars    string // envvars: file to source
	Python     string // python
	ConfigFile string // config file, on that host
	Slots      int    // slots (ours): how many launches run there at once; 0 any number
}

// Distributed tells whether processes publish their log for the log aggregator (logging: publisher) instead of writing it.
func (c *Config) Distributed() bool {
	_, ok := c.Logging.Get("publisher")
	return ok
}

// Complaint returns an Error about the value at the given keys, for packages that look deeper into a section than
// Load does. It stands at the line of the last key that is in the file.
func (c *Config) Complaint(problem, remedy string, keys ...string) Error {
	return Error{File: c.given, Line: c.line(keys), Key: joinKeys(keys), Problem: problem, Remedy: remedy}
}

func (c *Config) line(keys []string) int {
	line, at := 0, c.root
	for _, key := range keys {
		if l := c.lines.Key(at, key); l > 0 {
			line = l
		}
		v, _ := at.Get(key)
		at, _ = v.(*pyyaml.Map)
	}
	return line
}
