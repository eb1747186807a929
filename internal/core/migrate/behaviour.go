package migrate

import (
	"fmt"
	"maps"
	"slices"

	"nowcast/internal/core/config"
)

// behaviour says what is different on purpose for this configuration, and what is not.
func (x *examination) behaviour() {
	cfg := x.Config
	with := func(has func(config.Worker) bool) (names []string) {
		for _, name := range slices.Sorted(maps.Keys(cfg.Registry.Workers)) {
			if has(cfg.Registry.Workers[name]) {
				names = append(names, name)
			}
		}
		return names
	}
	if names := with(func(w config.Worker) bool { _, ok := w.Types["need"]; return ok }); len(names) > 0 {
		x.add(Differ, "need for a key that is not in the checklist is answered with null, and an ERROR in the log; the worker used to wait for ever: "+list(names), "look that these workers can do with None")
	}
	if names := with(func(w config.Worker) bool {
		return w.ChecklistKey == "" && len(w.Types) > 0 && w.Types["clear checklist"] == ""
	}); len(names) > 0 {
		x.add(Differ, "a payload of a worker without checklist key is kept under the worker's name; the manager used to die of it: "+list(names), "nothing, or add the key")
	}
	x.add(Differ, "a rule that raises or hangs costs one message: CRITICAL with the traceback, an alert, and the worker is answered; the worker used to wait for ever", "watch the alerts in nowcast-tui or nowcastd status; an alert offers to evaluate again")
	x.add(Differ, "a message that cannot be read is refused, answered and logged; a daemon used to exit or hang", "nothing")
	x.add(Differ, "a worker that dies, or cannot be started, is an alert; nobody used to notice", "watch the alerts")
	x.add(Differ, "a failure or crash that a worker reports is an alert, too, whoever started it, until a later launch of it succeeds or it is run by hand and reports success; so it is for workers whose failures are part of the day", "workers: and kinds: of a destination in alerts: say what it is told")
	x.add(Differ, "what workers print goes to a file for each launch, not to the manager's standard output", "o in the console shows it; nowcastd status --json has its name")
	x.add(Differ, "after a crash or restart the manager goes on where it was: nothing acknowledged is lost, running workers are known", "start a new day with --ignore-checklist only if you mean it")
	x.add(Differ, "two processes more for each launch, nowcast-keeper and nowcast-shim: a worker's parent is its shim, not the manager", "raise limits on processes (ulimit -u) that are close; change scripts that look for children of the manager; leave these processes alone")
	x.add(Differ, "history and the records of the log take up to 2 GB each", "look that the disk of the state directory has room; history: and log history: change it")
	x.add(Differ, "alerts come without any configuration: late (longer than was learned from earlier launches) and silent (not launched for longer than usual)", "nothing; without alerts: in the configuration they are shown and not sent")
	x.ownKeys()
	x.schedule()
	x.slack()
	x.workersStay()
	x.add(Same, "SIGHUP reloads; SIGTERM and SIGINT stop; the log lines of daemons and workers", "")
}

// workersStay says that workers are launched as before, and on which hosts.
func (x *examination) workersStay() {
	cfg := x.Config
	var complete, others []string
	for _, name := range slices.Sorted(maps.Keys(cfg.Hosts)) {
		if h := cfg.Hosts[name]; h.EnvVars != "" && h.Python != "" && h.ConfigFile != "" {
			complete = append(complete, name)
		} else {
			others = append(others, name)
		}
	}
	where := ""
	if len(complete) > 0 {
		where = "; those on other hosts are started with the same ssh commands: " + list(complete)
	}
	x.add(Same, fmt.Sprintf("%d workers with their message types, checklist keys and command lines%s", len(cfg.Registry.Workers), where), "")
	if len(others) > 0 {
		x.about(Same, "without all of envvars, python and config file, so nothing is launched there, as today; they belong to the workers: "+list(others), "", "run", "enabled hosts")
	}
}

func (x *examination) schedule() {
	daemon := slices.ContainsFunc(x.services, func(s service) bool { return s.daemon == "scheduler" })
	if len(x.Config.Schedule) == 0 {
		return
	}
	if len(x.services) > 0 && !daemon {
		x.about(Must, "are there, but "+x.Services+" has no program that runs a scheduler", "add one, as the others, with the command "+x.Nowcastd+" scheduler", "scheduled workers")
	}
	x.about(Differ, fmt.Sprintf("%d entries start when they are due, not up to 60 s later, and what was due while the scheduler was down is reported; it used to be forgotten", len(x.Config.Schedule)),
		"write missed: run or missed: skip into an entry to have it launched late, or not mentioned", "scheduled workers")
}

func (x *examination) slack() {
	if len(x.Config.Slack.Channels) == 0 {
		return
	}
	x.about(Same, fmt.Sprintf("the same messages to %d channels", len(x.Config.Slack.Channels)), "", "slack notifications")
	x.about(Differ, "no worker waits for Slack; what Slack does not take is tried again for an hour, then logged", "nothing", "slack notifications")
}
