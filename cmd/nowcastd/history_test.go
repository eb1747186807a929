package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/store"
	"nowcast/internal/core/store/storetest"
)

// What happened is shown while the manager runs, and when it does not any more.
func TestTheHistoryIsShownWithAndWithoutAManager(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { historyIsShown(t, newSystem(t, operateWorkers, operateRules)) })
	t.Run("PostgreSQL", func(t *testing.T) {
		s := newSystem(t, operateWorkers, operateRules)
		s.write("nowcast.yaml", s.read("nowcast.yaml")+"state: "+storetest.Postgres(t, false).Database()+"\n")
		historyIsShown(t, s)
	})
}

func historyIsShown(t *testing.T, s *system) {
	up := s.up()
	s.must("send", s.config, "any", "success", "{tide: high}")
	before := time.Now()
	s.must("send", s.config, "any", "success", "{tide: low}")
	s.must("launch", s.config, "sleep", "--sleep-time", "0")
	s.reachesState(1, launch.Succeeded)
	s.execute("", "kill", s.config, "99")

	line := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (message|launch|operation|alert) +`)
	for _, tc := range []struct {
		args string
		want []string
	}{
		{"--kind message --worker any", []string{"1 any (success), answered with ack, checklist: set any", "2 any (success), answered with ack, checklist: update any"}},
		{"--worker any -n 1", []string{"2 any (success), answered with ack, checklist: update any"}},
		{"--kind launch", []string{"1 sleep --sleep-time 0: succeeded after "}},
		{"--kind operation", []string{`: launch {"module":"sleep","args":["--sleep-time","0"],"host":"localhost"}: done`, `: kill {"launch":99,"signal":"TERM"}: refused: there is no launch 99`}},
		{"--kind message --until 2031-05-17T00:00:00Z --since 2031-05-16T00:00:00Z", nil},
	} {
		got := strings.Split(strings.TrimSuffix(s.must(append(append([]string{"history"}, strings.Fields(tc.args)...), s.config)...), "\n"), "\n")
		if got[0] == "" {
			got = nil
		}
		if len(got) != len(tc.want) {
			t.Errorf("history %s has %d lines, want %d:\n%s", tc.args, len(got), len(tc.want), strings.Join(got, "\n"))
			continue
		}
		for i := range got {
			if !line.MatchString(got[i]) || !strings.Contains(got[i], tc.want[i]) {
				t.Errorf("history %s: line %d is %q, want %q in it", tc.args, i, got[i], tc.want[i])
			}
		}
	}
	if err := up.stop(); err != nil {
		t.Fatal(err)
	}
	var record struct {
		Kind    string
		Message struct{ Body string }
	}
	first, _, _ := strings.Cut(s.must("history", "--json", "--worker", "any", s.config), "\n")
	if err := json.Unmarshal([]byte(first), &record); err != nil || record.Kind != "message" || !strings.Contains(record.Message.Body, "tide: high") {
		t.Errorf("the first record is %s (%v)", first, err)
	}
	if got, want := s.must("history", "--checklist", before.Format(time.RFC3339Nano), s.config), "any:\n  tide: high\n"; got != want {
		t.Errorf("the checklist was %q, want %q", got, want)
	}
	s.try(t, example{args: words("history --checklist 2001-01-01 CONFIG"), code: exitFailed, stderr: "checklist of 2001-01-01 00:00:00: "})
	s.try(t, example{args: words("history --kind weather CONFIG"), code: exitUsage, stderr: "--kind weather: give one of message, launch, operation, alert"})
	s.try(t, example{args: words("history -n 0 CONFIG"), code: exitUsage, stderr: "-n 0: give a number from 1 to 100000"})
	s.try(t, example{args: words("history --since soon CONFIG"), code: exitUsage, stderr: "--since: "})
}

func TestAStrangersTextStaysInItsLine(t *testing.T) {
	ended := noonish
	for _, r := range []store.Record{
		{Time: noonish, Message: &engine.Message{Source: "a\nb\x1b[2J", Type: "x\r", Reply: "y", Op: "update", Key: "\x07"}},
		{Time: noonish, Alert: &engine.Alert{Kind: "k\n", Message: "m\x1b]0;x\x07", Ended: &ended, End: "e\n\n"}},
		{Time: noonish, Operation: &engine.Operation{Author: "a\nb", Command: "c", Args: "\x1b", Reply: "not JSON\n"}},
		{Time: noonish, Launch: &launch.Launch{NextWorker: launch.NextWorker{Module: "m\n", Args: []string{"\x1b[2J"}}, Cause: "c\nd"}},
	} {
		if got := recordAsLine(&r); strings.ContainsAny(got, "\n\r\x1b\x07") {
			t.Errorf("got %q", got)
		}
		if _, err := json.Marshal(recordAsJSON(&r)); err != nil {
			t.Error(err)
		}
	}
	got := messageAsJSON(&engine.Message{Body: []byte("\xff")})
	if diff := cmp.Diff([]byte("\xff"), got["body_base64"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatTheManagerHasRecordedItselfWasAnsweredToNobody(t *testing.T) {
	m := &engine.Message{ID: 3, Source: "/day/checklist.yaml", Type: "another checklist"}
	if got, want := messageLine(m), "3 /day/checklist.yaml (another checklist)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
