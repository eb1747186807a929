package migrate

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nowcast/internal/core/config"
)

// placeholder begins what stands for a variable that is not set, so that the rest can be looked at all the same.
const placeholder = "/not-set/"

// environment is what the daemons will have: that of this process, and over it what the services file sets.
type environment struct {
	own   map[string]string
	extra map[string]string
}

func (e environment) lookup(name string) (string, bool) {
	if v, ok := e.extra[name]; ok {
		return v, true
	}
	v, ok := e.own[name]
	return v, ok
}

// list returns the environment as a process is given it.
func (e environment) list() (list []string) {
	all := maps.Clone(e.own)
	maps.Copy(all, e.extra)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, name+"="+all[name])
	}
	return list
}

func variables(environ []string) map[string]string {
	all := map[string]string{}
	for _, v := range environ {
		if name, value, ok := strings.Cut(v, "="); ok {
			all[name] = value
		}
	}
	return all
}

// environment loads the configuration with the variables that the daemons will have, and says which are missing.
func (x *examination) environment() {
	x.env = environment{own: variables(x.Options.Environ)}
	for _, s := range x.services {
		if s.daemon == "manager" {
			x.env.extra = s.environment
		}
	}
	cfg, err := config.Load(x.ConfigFile, x.env.lookup)
	x.mistakes(err)
	if err != nil {
		cfg, err = config.Load(x.ConfigFile, func(name string) (string, bool) {
			v, ok := x.env.lookup(name)
			if !ok && name != "XDG_RUNTIME_DIR" && name != "TMPDIR" {
				return placeholder + name, true
			}
			return v, ok
		})
		if err != nil {
			return // what is wrong has been said
		}
		x.Incomplete = true
	}
	x.Config = cfg
	for _, c := range cfg.Slack.Channels {
		if _, ok := x.env.lookup(c.Variable); !ok {
			x.about(x.had(c.Variable), "environment variable "+c.Variable+" is not set, so nothing goes to this channel",
				x.toSet(c.Variable, "if this channel is in use"), "slack notifications", c.Variable)
		}
	}
	if _, ok := x.env.lookup("SENTRY_DSN"); ok {
		x.add(Same, "errors go to Sentry: SENTRY_DSN is set", "")
	} else {
		x.add(x.had("SENTRY_DSN"), "environment variable SENTRY_DSN is not set, so errors do not go to Sentry", x.toSet("SENTRY_DSN", "if you use Sentry"))
	}
	x.inherited()
}

// mistakes adds what makes the configuration unusable.
func (x *examination) mistakes(err error) {
	var mistakes config.Errors
	if err != nil && !errors.As(err, &mistakes) {
		x.add(Must, err.Error(), "")
	}
	for _, e := range mistakes {
		remedy := e.Remedy
		if isOurs(e.Key) {
			remedy += "; or, if it is your workers' own, give theirs another name: it has a meaning here"
		}
		e.Remedy = ""
		x.Findings = append(x.Findings, Finding{Group: Must, File: e.File, Line: e.Line, Text: e.Text(), Remedy: remedy})
	}
}

// had is how much a missing variable matters: a Python manager that runs with it shows that it is in use.
func (x *examination) had(name string) Group {
	for _, d := range x.daemons {
		if _, ok := d.environ[name]; ok {
			return Must
		}
	}
	return Look
}

func (x *examination) toSet(name, when string) string {
	where := "where nowcastd is started"
	if x.Services != "" {
		where = "in environment= of the programs in " + x.Services + ", or where supervisord is started"
	}
	for _, d := range x.daemons {
		if _, ok := d.environ[name]; ok {
			return fmt.Sprintf("set it %s; the %s that runs as process %d has it", where, d.daemon, d.pid)
		}
	}
	return "set it " + where + ", " + when
}

// noise are variables that say something about a shell and nothing to a worker.
var noise = []string{"_", "SHLVL", "PWD", "OLDPWD", "TERM", "COLORTERM", "LS_COLORS", "LESSOPEN", "LESSCLOSE", "PS1", "INVOCATION_ID",
	"JOURNAL_STREAM", "MAIL", "HISTSIZE", "COLUMNS", "LINES", "TMUX", "TMUX_PANE", "STY", "WINDOW"}

// inherited compares with the manager that runs now, from which the workers of today have what they need.
func (x *examination) inherited() {
	for _, d := range x.daemons {
		if d.daemon != "manager" || len(d.environ) == 0 {
			continue
		}
		var missing, other []string
		for _, name := range slices.Sorted(maps.Keys(d.environ)) {
			if slices.Contains(noise, name) || strings.HasPrefix(name, "SUPERVISOR_") || strings.HasPrefix(name, "SSH_") || strings.HasPrefix(name, "XDG_") {
				continue
			}
			if v, ok := x.env.lookup(name); !ok {
				missing = append(missing, name)
			} else if v != d.environ[name] {
				other = append(other, name)
			}
		}
		if len(missing)+len(other) == 0 {
			x.add(Same, fmt.Sprintf("workers inherit the environment that the manager (process %d) has", d.pid), "")
			return
		}
		x.add(Must, fmt.Sprintf("workers inherit the manager's environment, and that of the Python manager (process %d) is not the one here: not set here: %s; with another value here: %s",
			d.pid, list(missing), list(other)), "start nowcastd the way the Python manager was started, or compare with /proc/"+fmt.Sprint(d.pid)+"/environ")
		return
	}
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
