package config

import (
	"fmt"
	"slices"
	"strings"

	"nowcast/internal/core/pyyaml"
)

// What becomes of a due time that passed while the scheduler was down.
const (
	MissedRun    = "run"    // it is launched late, once for the newest due time
	MissedSkip   = "skip"   // nothing but a line in the log
	MissedReport = "report" // an alert that offers to launch it: the default, because nobody asked for a late launch
)

// Scheduled is one entry of scheduled workers (specs: compat section 7), as it is written. What its words mean is for the
// scheduler to say.
type Scheduled struct {
	ID       string   // worker name, and #2, #3, ... for later entries of the same worker
	Module   string   // "" if that is what is wrong with it
	Args     []string // cmd line opts, split on white space
	Every    string   // unit of the Python package schedule; "" with Cron
	At       string   // time of day; "" if there is none
	Cron     string   // cron (ours): five fields
	Timezone string   // timezone (ours): IANA name; "" local time
	Missed   string   // missed (ours): MissedRun, MissedSkip or MissedReport
	Problems Errors   // why it cannot be used, if it cannot; the other entries, and the other daemons, do not suffer from it
	Where    Error    // file, line and key of the entry
}

// Complaint returns an Error about one key of the entry, for the scheduler, who looks deeper than Load does.
func (s *Scheduled) Complaint(key, problem, remedy string) Error {
	e := s.Where
	e.Key, e.Problem, e.Remedy = joinKeys([]string{e.Key, key}), problem, remedy
	return e
}

// scheduledWorkers reads the entries in order. Only a section that has no entries at all is an error of the file.
func (n node) scheduledWorkers(workers map[string]Worker) (all []Scheduled) {
	c, ok := n.child("scheduled workers")
	if !ok || c.value == nil {
		return nil
	}
	if _, isList := c.value.([]pyyaml.Value); !isList {
		c.errorf("write a list: - module: and every, at below it", "is %s, not a list", describe(c.value))
		return nil
	}
	count := map[string]int{}
	for i, item := range c.items() {
		own := &loader{file: n.file, lines: n.lines, lookup: n.lookup} // takes the complaints about this entry
		s := Scheduled{ID: fmt.Sprintf("item %d", i+1), Missed: MissedReport, Where: Error{File: n.file, Line: item.line, Key: joinKeys(item.keys)}}
		item.loader = own
		item.scheduled(&s, workers)
		if name := workerName(s.Module); name != "" {
			count[name]++
			if s.ID = name; count[name] > 1 {
				s.ID = fmt.Sprintf("%s#%d", name, count[name])
			}
		}
		s.Problems = own.errs
		n.loader.warnings = append(n.loader.warnings, own.warnings...)
		all = append(all, s)
	}
	return all
}

// scheduled reads one entry.
func (n node) scheduled(s *Scheduled, workers map[string]Worker) {
	keys, nodes := n.children()
	if len(nodes) != 1 {
		n.errorf("write - module: and every, at below it, indented", "is %s, not a mapping with one key", describe(n.value))
		return
	}
	entry := nodes[0]
	s.Module, _ = keys[0].(string)
	if workerName(s.Module) == "" {
		n.errorf("write the module of a worker, e.g. nowcast.workers.download_weather", "has the key %s, which is no module", describe(keys[0]))
		return
	}
	s.Where.Line, s.Where.Key = entry.line, joinKeys(entry.keys)
	if _, ok := workers[workerName(s.Module)]; !ok && len(workers) > 0 {
		entry.warnf("register it, or what it sends is refused", "is not in message registry: workers")
	}
	if _, isMapping := entry.value.(*pyyaml.Map); !isMapping {
		entry.errorf("write every: and at: below it, indented", "is %s, not a mapping", describe(entry.value))
		return
	}
	entry.unknownKeys("every", "at", "cmd line opts", "cron", "timezone", "missed")
	opts, _ := entry.text("cmd line opts", "")
	s.Args = strings.Fields(opts)
	s.Every, _ = entry.text("every", "")
	s.Cron, _ = entry.text("cron", "")
	s.Timezone, _ = entry.text("timezone", "")
	if at, ok := entry.child("at"); ok {
		s.At = at.timeOfDay()
	}
	if missed, at := entry.text("missed", ""); missed != "" {
		if s.Missed = missed; !slices.Contains([]string{MissedRun, MissedSkip, MissedReport}, missed) {
			at.errorf("give run, skip or report", "is %s", describe(missed))
			s.Missed = MissedReport
		}
	}
	_, every := entry.child("every")
	_, cron := entry.child("cron")
	switch {
	case every && cron:
		entry.errorf("delete one of them", "has both every and cron")
	case cron && s.At != "":
		entry.errorf("delete at: the time of day is in the first two fields of cron", "has both cron and at")
	case cron && s.Cron == "", every && s.Every == "", !cron && !every:
		entry.errorf("write every: day and at: \"05:15\", or cron: 15 5 * * *", "does not say when: every is missing")
	}
}

func workerName(module string) string { return module[strings.LastIndexByte(module, '.')+1:] }

// timeOfDay returns a time as text. 5:15 without quotes is 5*60+15 to YAML, 05:15 is text; the reference dies of the first.
func (n node) timeOfDay() string {
	key := n.keys[len(n.keys)-1]
	switch v := n.value.(type) {
	case string:
		return v
	case nil:
	case int64:
		if v < 60 {
			n.errorf(`write a time of day in quotes, e.g. `+key+`: "05:15"`, "is %s, not a time of day", describe(v))
			break
		}
		text := ""
		for ; v >= 60; v /= 60 {
			text = fmt.Sprintf(":%02d", v%60) + text
		}
		n.errorf(fmt.Sprintf("quote it: %s: %q", key, fmt.Sprintf("%02d", v)+text), "is %s to YAML, not a time of day", describe(n.value))
	default:
		n.errorf(`quote it, e.g. `+key+`: "05:15"`, "is %s, not a time of day", describe(v))
	}
	return ""
}
