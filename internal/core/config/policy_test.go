package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const policies = `
checklist file: c.yaml
clear checklist: refuse
barrier time limit: 12 h
waiting workers: end
zmq: {host: localhost, ports: {manager: 1, workers: 2}}
message registry:
  next workers module: rules.star
  workers:
    run_NEMO:
      checklist key: run
      success: it ran
      policy:
        retries: 3
        timeout: 2 h
        expected duration: 20 min
        deadline: "05:30"
        concurrency: 2
    fetch:
      checklist key: fetch
      success: it is there
      policy:
        retries: {most: 10, wait: 10 s, longest wait: 5 min}
        deadline: {time: "23:15", days: [monday, Friday]}
    talk:
      checklist key: talk
      policy: a message type, as it always was
run:
  slots: 4
  enabled hosts:
    cluster: {slots: 8}
`

func TestPoliciesAreRead(t *testing.T) {
	c, err := parse("n.yaml", "/sys/n.yaml", []byte(policies), env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.Clear != ClearRefuse || c.Barrier != 12*time.Hour || c.Waiting != WaitingEnd || c.Slots != 4 || c.Hosts["cluster"].Slots != 8 {
		t.Errorf("got %q, %v, %q, %d and %d slots", c.Clear, c.Barrier, c.Waiting, c.Slots, c.Hosts["cluster"].Slots)
	}
	workers := c.Registry.Workers
	want := Policy{Retries: Retries{3, time.Minute, 30 * time.Minute}, Timeout: 2 * time.Hour, Expected: 20 * time.Minute, Concurrency: 2,
		Deadline: Deadline{true, 5, 30, [7]bool{true, true, true, true, true, true, true}}}
	if diff := cmp.Diff(want, workers["run_NEMO"].Policy); diff != "" {
		t.Errorf("run_NEMO (-want +got):\n%s", diff)
	}
	want = Policy{Retries: Retries{10, 10 * time.Second, 5 * time.Minute}, Deadline: Deadline{true, 23, 15, [7]bool{time.Monday: true, time.Friday: true}}}
	if diff := cmp.Diff(want, workers["fetch"].Policy); diff != "" {
		t.Errorf("fetch (-want +got):\n%s", diff)
	}
	if talk := workers["talk"]; talk.Types["policy"] == "" || talk.Policy != (Policy{}) {
		t.Errorf("a policy that is text is a message type: got %+v", talk)
	}
}

func TestWithoutPoliciesThereAreDefaults(t *testing.T) {
	c, err := parse("n.yaml", "/sys/n.yaml", []byte("checklist file: c.yaml\nzmq: {host: localhost, ports: {manager: 1, workers: 2}}\n"+
		"message registry: {next workers module: rules.star, workers: {a: {checklist key: a, success: ok}}}\n"), env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.Clear != ClearAllow || c.Barrier != 24*time.Hour || c.Waiting != WaitingReport || c.Slots != 0 {
		t.Errorf("got %q, %v, %q and %d slots", c.Clear, c.Barrier, c.Waiting, c.Slots)
	}
}

func TestAPolicyInWords(t *testing.T) {
	for _, c := range []struct {
		policy Policy
		want   string
	}{
		{Policy{}, ""},
		{Policy{Retries: Retries{3, time.Minute, 30 * time.Minute}, Timeout: 90 * time.Minute},
			"tried again up to 3 times, first after 1 min, at most 30 min apart; ended after 90 min"},
		{Policy{Retries: Retries{1, time.Minute, 30 * time.Minute}}, "tried again once, after 1 min"},
		{Policy{Expected: 20 * time.Minute, Deadline: Deadline{true, 5, 30, [7]bool{true, true, true, true, true, true, true}}},
			"late after 20 min; must have succeeded by 05:30 each day"},
		{Policy{Concurrency: 2, Deadline: Deadline{true, 23, 5, [7]bool{time.Sunday: true, time.Friday: true}}},
			"must have succeeded by 23:05 on friday, sunday; at most 2 at once"},
	} {
		if got := c.policy.String(); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

func TestALengthOfTimeInWords(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1500 * time.Millisecond: "1.5 s", 90 * time.Second: "90 s", 2 * time.Minute: "2 min", 12*time.Minute + 20*time.Second: "12 min",
		time.Hour: "1 h", 90 * time.Minute: "90 min", 2 * time.Hour: "2 h", 150 * time.Minute: "2 h 30 min", 24 * time.Hour: "1 day", 25 * time.Hour: "25 h", 75 * time.Hour: "3 days",
	} {
		if got := Length(d); got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}
