package alerter

import (
	"strings"
	"syscall"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/kind"
)

// Kinds of alerts of others that fold.go knows.
const (
	kindStateStore  = kind.StateStore
	kindLogFile     = kind.LogFile
	kindNotReloaded = kind.NotReloaded
	kindDiskLow     = kind.DiskLow
	kindNoManager   = kind.NoManager  // of the broker: requests wait
	kindNoAnswer    = kind.NoAnswer   // the same
	kindUnanswered  = kind.Unanswered // the same: one, while others are answered
	kindClearWaits  = kind.ClearWaits // of the manager
	kindJournal     = kind.Journal
)

const (
	sourceBroker     = "message_broker"
	sourceSupervisor = "supervisor"
)

// roots returns for each of the open alerts the one that explains it: itself, or the last of a chain of causes.
func roots(open []feed.Raised) []int {
	byKey := map[string]int{}
	var general []int // those that explain others by what they are; there are few
	for i := range open {
		byKey[key(open[i].Source, open[i].Key)] = i
		if explains(&open[i]) {
			general = append(general, i)
		}
	}
	all := make([]int, len(open))
	for i := range open {
		root := i
		for seen := map[int]bool{}; !seen[root]; { // else a circle: either may stand for both
			seen[root] = true
			if c := cause(root, open, byKey, general); c >= 0 && !seen[c] {
				root = c
			}
		}
		all[i] = root
	}
	return all
}

// cause returns the alert that one follows from, -1 if it stands for itself.
func cause(of int, open []feed.Raised, byKey map[string]int, general []int) int {
	a := &open[of]
	if a.Because != "" && a.Because != engine.DiskFull {
		if i, ok := byKey[key(a.Source, a.Because)]; ok && i != of {
			return i
		}
		return -1
	}
	for _, i := range general {
		if i != of && follows(a, &open[i]) {
			return i
		}
	}
	return -1
}

// explains tells whether an alert may be the cause of others that do not name it.
func explains(b *feed.Raised) bool {
	return strings.HasPrefix(b.Key, DaemonKey("")) || b.Kind == kindDiskLow || b.Kind == kindNotReloaded || b.Kind == kindStateStore || b.Kind == kindClearWaits
}

// follows tells whether b, which explains others, explains a.
func follows(a, b *feed.Raised) bool {
	managerDown := b.Key == DaemonKey(feed.SourceManager)
	switch {
	case a.Source == Name && b.Source == sourceSupervisor && a.Key == b.Key: // it died: no wonder that it is silent
		return true
	case a.Source == sourceBroker && (a.Kind == kindNoManager || a.Kind == kindNoAnswer):
		return managerDown || b.Source == feed.SourceManager && b.Kind == kindStateStore
	case a.Kind == kindUnanswered: // that is why
		return b.Kind == kindClearWaits
	case b.Kind == kindDiskLow:
		return a.Because == engine.DiskFull || a.Kind == kindLogFile && strings.Contains(a.Message, syscall.ENOSPC.Error())
	case a.Kind == kindNotReloaded && b.Kind == kindNotReloaded: // the same file, by each daemon
		return b.Source < a.Source
	}
	return false
}
