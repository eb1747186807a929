package migrate

import (
	"strings"
	"testing"
)

func TestKeysThatHaveAMeaningHereAreTold(t *testing.T) {
	i := install(t)
	i.change("download: {checklist key: weather, success: done}", "download: {checklist key: weather, success: done, command: [./fetch]}\n    crop: {policy: chosen, success: done}\n    plot: {policy: {timeout: 1 h}, success: done}")
	i.change("message registry", `history: {keep: 3 d}
run:
  slots: 4
  enabled hosts:
    cluster: {slots: 8}
scheduled workers:
  - nowcast.workers.download: {every: day, at: "05:15", missed: run}
message registry`)
	r := i.examine()
	i.wants(r,
		"will be different: nowcast.yaml:11: history: history has a meaning here: how much history is kept > if it is your workers' own, give theirs another name",
		"will be different: nowcast.yaml:13: run: slots: slots has a meaning here: ",
		"will be different: nowcast.yaml:15: run: enabled hosts: cluster: slots: slots has a meaning here: ",
		"will be different: nowcast.yaml:16: scheduled workers: missed: missed has a meaning here: ",
		"will be different: nowcast.yaml:21: message registry: workers: download: command: command has a meaning here: ",
		"will be different: nowcast.yaml:23: message registry: workers: plot: policy: policy has a meaning here: ")
	told := 0
	for _, f := range r.Findings {
		if strings.Contains(f.Text, "has a meaning here") {
			told++
		}
	}
	if told != 6 {
		t.Errorf("got %d findings, want 6: policy: chosen is a message type", told)
	}
}

func TestAMistakeAtAKeyOfOursMayBeSomebodyElsesKey(t *testing.T) {
	i := install(t)
	i.change("success: done}", "success: done, command: fetch}")
	i.change("message registry", "state: 3\nmessage registry")
	i.wants(i.examine(),
		`must be done before: nowcast.yaml:15: message registry: workers: download: command: is "fetch", not a command > write a list of texts, e.g. [./make_plots.sh, --fast]; or, if it is your workers' own`,
		`must be done before: nowcast.yaml:11: state: `)
}

func TestWhatComesWithoutBeingAskedForIsTold(t *testing.T) {
	i := install(t)
	r := i.examine()
	i.wants(r,
		"will be different: two processes more for each launch, nowcast-keeper and nowcast-shim",
		"will be different: history and the records of the log take up to 2 GB each",
		"will be different: alerts come without any configuration")
	for _, f := range r.Findings {
		if strings.Contains(f.Text, "has a meaning here") {
			t.Errorf("got %q of a file that has no key of ours", f.Text)
		}
	}
}
