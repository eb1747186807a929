package faults

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/launch"
)

// Report is what became of the promises.
type Report struct {
	Kills           int
	Acked           int // reports
	Unanswered      int
	UnansweredAgain int // of clients that ask again
	Launches        int
	Lost            int
	Duplicated      int
	InDoubt         int
	Late            int                  // reports of attempts that others had replaced
	Alarms          int                  // messages to the webhook
	Repeated        int                  // of them came again, with the same key
	Slowest         time.Duration        // from sending a report to its acknowledgement
	States          map[launch.State]int // of launches
	Recovery        []time.Duration      // from a death to the first acknowledgement after it
	Detection       []time.Duration      // from the end of a worker's process to its being told

	Broken []string // each broken promise, in words
}

func (r *Report) lost(format string, args ...any) {
	r.Lost++
	r.broken(format, args...)
}

func (r *Report) doubled(format string, args ...any) {
	r.Duplicated++
	r.broken(format, args...)
}

func (r *Report) broken(format string, args ...any) {
	r.Broken = append(r.Broken, fmt.Sprintf(format, args...))
}

// Add adds what another run found.
func (r *Report) Add(o *Report) {
	r.Kills += o.Kills
	r.Acked += o.Acked
	r.Unanswered += o.Unanswered
	r.UnansweredAgain += o.UnansweredAgain
	r.Launches += o.Launches
	r.Lost += o.Lost
	r.Duplicated += o.Duplicated
	r.InDoubt += o.InDoubt
	r.Late += o.Late
	r.Alarms += o.Alarms
	r.Slowest = max(r.Slowest, o.Slowest)
	r.Repeated += o.Repeated
	r.Recovery = append(r.Recovery, o.Recovery...)
	r.Detection = append(r.Detection, o.Detection...)
	r.Broken = append(r.Broken, o.Broken...)
	if r.States == nil {
		r.States = map[launch.State]int{}
	}
	for s, n := range o.States {
		r.States[s] += n
	}
}

// Bad returns how many launches ended in another way than with success.
func (r *Report) Bad() int { return r.Launches - r.States[launch.Succeeded] }

// Head is the line above those of Row.
func Head() string {
	return fmt.Sprintf("%-44s %6s %7s %5s %6s %5s %8s %9s %9s %9s %9s", "fault", "kills", "reports", "lost", "double", "doubt", "unansw.", "recov p50", "p99", "detect p50", "p99")
}

// Row is the report as a line of a table.
func (r *Report) Row(name string) string {
	return fmt.Sprintf("%-44s %6d %7d %5d %6d %5d %8d %9s %9s %9s %9s", name, r.Kills, r.Acked, r.Lost, r.Duplicated, r.InDoubt, r.Unanswered,
		quantile(r.Recovery, 0.5), quantile(r.Recovery, 0.99), quantile(r.Detection, 0.5), quantile(r.Detection, 0.99))
}

// Outcomes says how the launches ended.
func (r *Report) Outcomes() string {
	var words []string
	for _, s := range slices.Sorted(maps.Keys(r.States)) {
		words = append(words, fmt.Sprintf("%d %s", r.States[s], s))
	}
	if r.Late > 0 {
		words = append(words, fmt.Sprintf("%d late reports", r.Late))
	}
	if r.Alarms > 0 {
		words = append(words, fmt.Sprintf("%d alarms, %d of them again", r.Alarms, r.Repeated))
	}
	return strings.Join(words, ", ")
}

// quantile returns the value that the share q of all does not exceed, for people; "-" if there is none.
func quantile(all []time.Duration, q float64) string {
	if len(all) == 0 {
		return "-"
	}
	sorted := slices.Sorted(slices.Values(all))
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return sorted[i].Round(time.Millisecond).String()
}
