package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckFindsMistakesInLoggingAndModulesThatAreNotThere(t *testing.T) {
	for _, tc := range []struct {
		name     string
		old, new string // in the configuration
		rules    string // of late
		code     int
		output   string
	}{
		{name: "an unknown class of handler", old: "logging.handlers.RotatingFileHandler", new: "own.Handler", code: exitUsage,
			output: "CONFIG:15: error: logging: handlers: text: class: is own.Handler, which is not known here"},
		{name: "a log file in no directory", old: "filename: ", new: "filename: logs/", code: exitUsage,
			output: "CONFIG:18: error: logging: handlers: text: filename: is in DIR/logs, which does not exist: make it"},
		{name: "an entry of the schedule without a unit", old: "zmq:", new: "scheduled workers:\n  - any:\n      at: '05:15'\nzmq:", code: exitUsage,
			output: "CONFIG:4: error: scheduled workers: item 1: any: does not say when: every is missing: write every: day and at: \"05:15\", or cron: 15 5 * * *"},
		{name: "a time of day that is none", old: "zmq:", new: "scheduled workers:\n  - any:\n      every: hour\n      at: '05:15:00'\nzmq:", code: exitUsage,
			output: "CONFIG:4: error: scheduled workers: item 1: any: at: is \"05:15:00\", which is no time for every hour: write it as :MM or MM:SS, in quotes"},
		{name: "slack notifications", old: "zmq:", new: "slack notifications: {slack url envvar: X}\nzmq:", code: 0,
			output: "warning: CONFIG:3: slack notifications: slack url envvar: is not a key that is used here: begin the name"},
		{name: "a module that Python does not find", code: exitUsage,
			rules:  `[NextWorker("nowhere.workers.late"), NextWorker("json.late"), NextWorker("json.decoder.late")]`,
			output: "error: nowhere.workers.late cannot be started here: /usr/bin/python3 cannot find it (ModuleNotFoundError: No module named 'nowhere')"},
		{name: "modules that Python finds", old: "    late: {checklist key: late, ", new: "    decoder: {checklist key: d, success: done}\n    late: {checklist key: late, ", code: 0,
			rules: `[NextWorker("json.decoder")] if msg.payload else []` + "\n\nafter_decoder = after_any\n", output: "is in order"},
		{name: "policies are said in words", old: "    late: {checklist key: late, ", new: "    late: {policy: {timeout: 2 h, concurrency: 1}, checklist key: late, ", code: 0,
			rules: "[]", output: "policy: late: ended after 2 h; at most 1 at once\n"},
		{name: "a policy with a mistake", old: "    late: {checklist key: late, ", new: "    late: {policy: {time out: 2 h}, checklist key: late, ", code: exitUsage,
			rules: "[]", output: "policy: time out: is not a key that is used here: delete it or correct its spelling; known here: retries, timeout, expected duration, deadline, concurrency"},
		{name: "rules that are not there", old: "next_workers.star", new: "gone.star", code: exitUsage,
			output: "CONFIG:30: error: message registry: next workers module: is DIR/gone.star, which does not exist: create it with a function after_WORKER"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newAny(t)
			config := s.read("nowcast.yaml")
			if !strings.Contains(config, tc.old) {
				t.Fatalf("the configuration has no %q", tc.old)
			}
			config = strings.Replace(config, tc.old, tc.new, 1)
			s.write("nowcast.yaml", config)
			rules := anyRules + "\nafter_late = after_any\n"
			if tc.rules != "" {
				rules = anyRules + "\ndef after_late(msg, config, checklist):\n    return " + tc.rules + "\n"
			}
			s.write("next_workers.star", rules)
			got := s.execute("", "check", s.config)
			want := strings.NewReplacer("CONFIG", s.config, "DIR", s.dir).Replace(tc.output)
			if all := got.stdout + got.stderr; got.code != tc.code || !strings.Contains(all, want) {
				t.Errorf("got %d\n%s\nwant %d and\n%s", got.code, all, tc.code, want)
			}
		})
	}
}

func TestAllAfterTheModuleBelongsToTheWorker(t *testing.T) {
	for _, tc := range []struct{ given, want []string }{
		{words("c.yaml w 06 --yesterday"), words("c.yaml w 06 --yesterday")},
		{words("c.yaml w -- --yesterday"), words("c.yaml w --yesterday")},
		{words("c.yaml w"), words("c.yaml w")},
	} {
		if diff := cmp.Diff(tc.want, withoutDashes(tc.given, 2)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tc.given, diff)
		}
	}
}
