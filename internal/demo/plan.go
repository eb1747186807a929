package demo

import (
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/launch"
)

// Report is a message that a stand-in sends, and when.
type Report struct {
	Step int           // index into Day.Steps
	At   time.Duration // since the first message, in the real day
}

// Script is what one launch of the day does.
type Script struct {
	launch.NextWorker
	Step    int      // index of the step that launched it
	Reports []Report // empty: the recording ended before it had anything to say
}

// Plan is the day arranged by launches.
type Plan struct {
	Day     *Day
	Scripts []Script // in the order of the launches
}

// NewPlan finds out which launch sent which message, and gives each message its time.
//
// A message belongs to the earliest launch of its worker that was decided before it, has not sent a message yet, and has all
// words of the message's type among its arguments: make_plots with nemo, nowcast and research sends "success nemo nowcast
// research". clear_checklist is the only one that sends two.
func NewPlan(d *Day) *Plan {
	p := &Plan{Day: d}
	at := schedule(d)
	for i, s := range d.Steps {
		if j := p.sender(i); j >= 0 {
			p.Scripts[j].Reports = append(p.Scripts[j].Reports, Report{i, at[i]})
		}
		for _, n := range s.Launches {
			p.Scripts = append(p.Scripts, Script{NextWorker: n, Step: i})
		}
	}
	return p
}

// sender returns the index of the launch that sends the message of a step, -1 if it is none of the day's.
func (p *Plan) sender(step int) int {
	m := p.Day.Steps[step].Message
	words := strings.Fields(m.Type)[1:]
	if m.Type == clearType {
		words = nil
	}
	return slices.IndexFunc(p.Scripts, func(s Script) bool {
		return s.Name() == m.Source && s.mayReport(p.Day) &&
			!slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(s.Args, w) })
	})
}

// clearType is the message that only clear_checklist sends, before the one that says how it went.
const clearType = "clear checklist"

func (s *Script) mayReport(d *Day) bool {
	return len(s.Reports) == 0 || d.Steps[s.Reports[len(s.Reports)-1].Step].Message.Type == clearType
}

// Silent returns the launches that never report.
func (p *Plan) Silent() []launch.NextWorker {
	var silent []launch.NextWorker
	for _, s := range p.Scripts {
		if len(s.Reports) == 0 {
			silent = append(silent, s.NextWorker)
		}
	}
	return silent
}

// Match returns the scripts of the launches with a module and arguments, in order. Several launches of a day can be alike.
func (p *Plan) Match(module string, args []string) []Script {
	key := Key(module, args)
	var same []Script
	for _, s := range p.Scripts {
		if Key(s.Module, s.Args) == key {
			same = append(same, s)
		}
	}
	return same
}

// Key names launches that are alike. The day that --data-date gives is left out, because it is another one each time the
// recording is played.
func Key(module string, args []string) string {
	words := append([]string{module}, args...)
	for i := 1; i < len(words); i++ {
		if words[i-1] == "--data-date" {
			words[i] = Yesterday
		}
	}
	return strings.Join(words, " ")
}
