// Package migrate looks at an installation of NEMO_Nowcast and says what moving over takes: what must be done before, what
// will be different, and what stays as it is (specs: compat sections 1 to 9). It changes nothing, stops nobody, binds no
// port and writes no file; of environment variables it shows names and never values, for some are secrets.
//
// It knows what is peculiar to moving. Mistakes in the configuration itself are found by the packages that read its
// sections; `nowcastd check --from-nemo` puts both together.
//
// Each file here looks at one thing and can be read alone: environment.go, services.go (supervisord and circus), running.go
// (/proc), network.go, files.go, python.go, behaviour.go (what differs on purpose).
package migrate

import (
	"cmp"
	"context"
	"net"
	"os"

	"nowcast/internal/core/config"
)

// Group says what a finding asks of the reader.
type Group string

// The groups, in the order in which they are read.
const (
	Must   Group = "must be done before" // else something will go wrong
	Step   Group = "moving over"
	Differ Group = "will be different"
	Look   Group = "worth a look" // no consequence of moving
	Same   Group = "the same"
)

// Groups are all groups in their order.
var Groups = []Group{Must, Step, Differ, Look, Same}

// Finding is one thing to know, and what to do about it.
type Finding struct {
	Group  Group  `json:"group"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// Options say what to look at.
type Options struct {
	ConfigFile string
	Services   string   // supervisord.ini or circus.ini; "" if there is none
	Nowcastd   string   // path of the program that takes over
	Environ    []string // of this process
	Proc       string   // "" is /proc

	Resolve   func(ctx context.Context, host string) ([]string, error) // nil: as this machine does
	Addresses func() ([]net.Addr, error)                               // of this machine; nil: its interfaces
}

// Report is what was found. Config is nil if the configuration cannot be read at all.
type Report struct {
	Findings   []Finding
	Config     *config.Config
	Incomplete bool // Config has placeholders where environment variables are not set: its paths mean nothing

	Directory string   // where the daemons run today
	Environ   []string // what they will have
}

// examination is one run of Examine.
type examination struct {
	Options
	Report
	env      environment
	services []service // in Services, the daemons among them
	daemons  []process // of Python, running now

	alerting       bool   // the services file runs our alerter
	supervisorUser string // user= of supervisord itself; "" is who starts it
}

// Examine looks at an installation. The error is that of a services file that cannot be read.
func Examine(ctx context.Context, o Options) (*Report, error) {
	x := &examination{Options: o}
	x.Proc = cmp.Or(o.Proc, "/proc")
	if x.Resolve == nil {
		x.Resolve = net.DefaultResolver.LookupHost
	}
	if x.Addresses == nil {
		x.Addresses = net.InterfaceAddrs
	}
	if err := x.readServices(); err != nil {
		return nil, err
	}
	x.findDaemons()
	x.environment()
	x.Directory, x.Report.Environ = x.daemonDirectory(), x.env.list()
	x.replaceServices()
	if x.Config != nil {
		here := x.network(ctx)
		x.running(here)
		x.files()
		x.python(ctx)
		x.behaviour()
	} else {
		x.running(true)
	}
	return &x.Report, nil
}

func (x *examination) add(g Group, text, remedy string) {
	x.Findings = append(x.Findings, Finding{Group: g, Text: text, Remedy: remedy})
}

// about adds a finding about keys of the configuration.
func (x *examination) about(g Group, problem, remedy string, keys ...string) {
	e := x.Config.Complaint(problem, "", keys...)
	x.Findings = append(x.Findings, Finding{Group: g, File: e.File, Line: e.Line, Text: e.Text(), Remedy: remedy})
}

// daemonDirectory is where the Python daemons run, which is what their relative paths are relative to.
func (x *examination) daemonDirectory() string {
	for _, s := range x.services {
		if s.daemon == "manager" && s.values["directory"] != "" {
			return s.values["directory"]
		}
	}
	for _, d := range x.daemons {
		if d.daemon == "manager" && d.directory != "" {
			return d.directory
		}
	}
	here, err := os.Getwd()
	if err != nil {
		return ""
	}
	return here
}
