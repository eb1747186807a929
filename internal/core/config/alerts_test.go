package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const alertsHead = "checklist file: c.yaml\nzmq: {host: localhost, ports: {manager: 1, workers: 2}}\n" +
	"message registry: {next workers module: rules.star, workers: {run_NEMO: {checklist key: a, success: ok}}}\n"

func TestAlertsAreRead(t *testing.T) {
	c, err := parse("n.yaml", "/sys/n.yaml", []byte(alertsHead+`
alerts:
  slack:
    - url: SLACK_ALERTS
      kinds: [worker crashed, daemon down]
    - {url: SLACK_MODEL, workers: run_NEMO}
  mail: {to: [ops@example.org, Sue <sue@example.org>], from: nowcast@example.org, server: "localhost:25"}
  webhook: [{url: "https://hooks.example.org/secret"}]
  sentry: {}
  all well: "08:00"
  ping: HEALTHCHECK_URL
  ping every: 1 min
  disk free: 2 GB
  remind: 1 h
  limit: 10
`), env(map[string]string{"SLACK_ALERTS": "https://s", "HEALTHCHECK_URL": "https://h", "SENTRY_DSN": "https://d"}))
	if err != nil {
		t.Fatal(err)
	}
	want := Alerts{
		Destinations: []Destination{
			{Kind: ToSlack, URL: "SLACK_ALERTS", Kinds: []string{"worker crashed", "daemon down"}},
			{Kind: ToSlack, URL: "SLACK_MODEL", Workers: []string{"run_NEMO"}},
			{Kind: ToMail, To: []string{"ops@example.org", "Sue <sue@example.org>"}, From: "nowcast@example.org", Server: "localhost:25"},
			{Kind: ToWebhook, URL: "https://hooks.example.org/secret"},
			{Kind: ToSentry, URL: "SENTRY_DSN"},
		},
		AllWell: &ClockTime{8, 0}, Ping: "HEALTHCHECK_URL", PingEvery: time.Minute, DiskFree: 2_000_000_000, Remind: time.Hour, Limit: 10,
	}
	if diff := cmp.Diff(want, c.Alerts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Error(), "environment variable SLACK_MODEL is not set here") {
		t.Errorf("got the warnings %v, want one of SLACK_MODEL", c.Warnings)
	}
	if name := want.Destinations[3].Name(); name != "webhook hooks.example.org" {
		t.Errorf("got the name %q, want one without the secret", name)
	}
}

func TestWithoutAlertsThereAreDefaults(t *testing.T) {
	c, err := parse("n.yaml", "/sys/n.yaml", []byte(alertsHead), env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Alerts{PingEvery: 5 * time.Minute, DiskFree: 1_000_000_000, Limit: 30}, c.Alerts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestADestinationTakesWhatItNames(t *testing.T) {
	for _, c := range []struct {
		to           Destination
		kind, worker string
		want         bool
	}{
		{Destination{}, "late", "run_NEMO", true},
		{Destination{Kinds: []string{"late"}}, "late", "", true},
		{Destination{Kinds: []string{"late"}}, "disk low", "", false},
		{Destination{Workers: []string{"run_NEMO"}}, "late", "run_NEMO", true},
		{Destination{Workers: []string{"run_NEMO"}}, "late", "", false},
	} {
		if got := c.to.Takes(c.kind, c.worker); got != c.want {
			t.Errorf("%+v, %s of %q: got %v", c.to, c.kind, c.worker, got)
		}
	}
}
