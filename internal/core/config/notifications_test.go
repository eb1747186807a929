package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSlackNotificationsAreReadInTheOrderOfTheFile(t *testing.T) {
	c, err := Load(productionFile(t), env(map[string]string{"NOWCAST_LOGS": "/logs", "NOWCAST_ENV": "/venv"}))
	if err != nil {
		t.Fatal(err)
	}
	want := Slack{
		Channels: []SlackChannel{
			{Variable: "SLACK_SSC_DAILY_PROGRESS", Workers: []string{
				"collect_weather", "crop_gribs", "download_weather", "download_live_ocean", "watch_NEMO", "watch_NEMO_agrif", "watch_ww3"}},
			{Variable: "SLACK_SSC_HINDCAST_PROGRESS", Workers: []string{"watch_NEMO_hindcast"}},
		},
		LogURL:       "https://salishsea.eos.ubc.ca/nemo/nowcast/logs/nowcast.log",
		ChecklistURL: "https://salishsea.eos.ubc.ca/nemo/nowcast/logs/nowcast_checklist.yaml",
	}
	if diff := cmp.Diff(want, c.Slack); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
