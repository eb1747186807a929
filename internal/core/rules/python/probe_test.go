package python

import (
	"context"
	"strings"
	"testing"

	"nowcast/internal/core/rules"
)

func TestProbingShowsWhereArgumentsComeFrom(t *testing.T) {
	b := newBench(t, "next_workers", "arrow.py", `
import datetime
class Day(datetime.datetime):
    def floor(self, unit): return self
    def shift(self, days): return "the day before" if days == -1 else "?"
def now(): return Day.now()
def get(text): return Day.fromisoformat(text)
`, "next_workers.py", `
import arrow
from nemo_nowcast import NextWorker

def after_w(msg, config, checklist):
    return [NextWorker("m", args=eval(msg.type), host=msg.payload["host"])]
`)
	if err := b.open(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ expr, everything, nothing string }{
		{`[msg.payload["date"], checklist["NEMO run"]["x"]]`, "<payload[date]> <checklist[NEMO run][x]>", ""},
		{`["--run-date=" + msg.payload["date"], f"{checklist['d']:%Y-%m-%d} x", "%s" % checklist["a"]]`, "--run-date=<payload[date]> <checklist[d]> x <checklist[a]>", ""},
		{`["a" if "k" in checklist else "b"]`, "a", "b"},
		{`["a" if checklist["k"] else "b"]`, "a", "b"},
		{`[checklist.get("k", "none")]`, "<checklist[k]>", "none"},
		{`[f"{k}={v}" for k, v in msg.payload.items()]`, "<payload.key>=<payload[0]>", ""},
		{`list(msg.payload["files"])`, "<payload[files][0]>", ""},
		{`[config["results"], checklist[msg.payload["k"]].year]`, "/results <checklist[payload[k]].year>", ""},
		{`[msg.payload["name"].split("_")[1].upper()]`, "<payload[name].split[1].upper>", ""},
		{`["x" if msg.payload["k"].startswith("y") else "z"]`, "x", "z"},
		{`[checklist["date"] - __import__("datetime").timedelta(days=1)]`, "<checklist[date]>", ""},
		{`[arrow.get(checklist["date"]).shift(days=-1)]`, "the day before", ""},
	} {
		if c.nothing == "" {
			c.nothing = c.everything
		}
		for a, want := range map[rules.Assumption]string{rules.Everything: c.everything, rules.Nothing: c.nothing} {
			n, err := b.Probe(context.Background(), "w", c.expr, a)
			if err != nil || len(n.Workers) != 1 || strings.Join(n.Workers[0].Args, " ") != want || n.Workers[0].Host != "<payload[host]>" {
				t.Errorf("%s: got %+v, %v, want %s", c.expr, n, err, want)
			}
		}
	}
	for _, expr := range []string{`[__import__("datetime").date.fromisoformat(checklist["d"])]`, `[int(msg.payload["n"])]`, `[__import__("datetime").date.today() < checklist["d"]]`} {
		_, err := b.Probe(context.Background(), "w", expr, rules.Everything)
		if text := failed(t, err).Message; !strings.Contains(text, "placeholder") && !strings.Contains(text, "<") {
			t.Errorf("%s: got %v, want that it is about a placeholder", expr, err)
		}
	}
}
