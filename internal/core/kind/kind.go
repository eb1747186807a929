// Package kind is the words for kinds of alerts: what destinations of alerts: can be restricted to, and what is folded under what. Who
// raises an alert, who reads its kind, check and docs/alerts.md share it, so they cannot disagree.
package kind

import "slices"

// Kinds that somebody beside the raiser reads.
const (
	ClearWaits  = "clear checklist waits"
	StateStore  = "state store"
	NoManager   = "no manager"
	NoAnswer    = "manager does not answer"
	Unanswered  = "request without answer"
	Journal     = "requests journal"
	TurnedAway  = "connections turned away"
	TwoManagers = "two managers"
	LogFile     = "log file"
	NotReloaded = "not reloaded"
	DiskLow     = "disk low"
)

// Of are the kinds of alerts, by who raises them. Each says itself what has happened; docs/alerts.md says when it is over.
var of = []struct {
	From  string
	Kinds []string
}{
	{"manager", []string{"worker failed", "worker crashed", "worker killed", "worker lost", "late", "missing", "silent", "launch in doubt", "launches wait",
		"worker not registered", "rule error", "rules not loaded", "barrier waits", "barrier closed", ClearWaits, "clear checklist refused", "checklist replaced",
		"checklist not read", "worker waits in vain", StateStore, "state damaged"}},
	{"scheduler", []string{"schedule missed", "schedule refused", "hold ended", "schedule state"}},
	{"message broker", []string{NoManager, NoAnswer, Unanswered, Journal, TurnedAway, TwoManagers}},
	{"log aggregator", []string{"log records lost", "publisher gap"}},
	{"each daemon", []string{LogFile, NotReloaded}},
	{"`nowcastd up`", []string{"daemon died"}},
	{"alerter", []string{"daemon down", DiskLow, "disk hangs", "clock step", "alert not sent", "ping", "alerter state", "too many alerts"}},
}

// All returns the kinds.
func All() (all []string) {
	for _, o := range of {
		all = append(all, o.Kinds...)
	}
	return all
}

// Known tells whether there is such a kind.
func Known(name string) bool { return slices.Contains(All(), name) }
