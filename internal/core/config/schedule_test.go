package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestEveryEntryOfTheScheduleIsRead(t *testing.T) {
	c, err := parse("n.yaml", "/sys/n.yaml", []byte(`
checklist file: c.yaml
zmq: {host: localhost, ports: {manager: 1, workers: 2}}
message registry: {next workers module: rules.star, workers: {sleep: {checklist key: a, success: ok}}}
scheduled workers:
  - nowcast.workers.sleep:
      every: day
      at: 05:15
      cmd line opts: "  --debug   06 "
  - nowcast.workers.sleep: 7
  - nowcast.workers.sleep:
      cron: 15 5 * * mon
      timezone: America/Vancouver
      missed: run
  - 5
  - sleep: {every: hour, at: ":30", cmd line opts: }
`), env(nil))
	if err != nil {
		t.Fatal(err)
	}
	const module = "nowcast.workers.sleep"
	want := []Scheduled{
		{ID: "sleep", Module: module, Args: []string{"--debug", "06"}, Every: "day", At: "05:15", Missed: MissedReport},
		{ID: "sleep#2", Module: module, Missed: MissedReport},
		{ID: "sleep#3", Module: module, Cron: "15 5 * * mon", Timezone: "America/Vancouver", Missed: MissedRun},
		{ID: "item 4", Missed: MissedReport},
		{ID: "sleep#4", Module: "sleep", Every: "hour", At: ":30", Missed: MissedReport},
	}
	if diff := cmp.Diff(want, c.Schedule, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Scheduled{}, "Problems", "Where")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var wrong []int
	for i, s := range c.Schedule {
		if len(s.Problems) > 0 {
			wrong = append(wrong, i)
		}
	}
	if diff := cmp.Diff([]int{1, 3}, wrong); diff != "" {
		t.Errorf("entries with problems (-want +got):\n%s", diff)
	}
	got := c.Schedule[2].Complaint("timezone", "is strange", "change it").Error()
	if want := "n.yaml:11: scheduled workers: item 3: nowcast.workers.sleep: timezone: is strange: change it"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
