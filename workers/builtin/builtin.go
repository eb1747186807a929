// Package builtin has the workers that every system needs and that are part of nowcastd (specs: compat sections 3, 5
// and 9). A rule launches them as NextWorker("nemo_nowcast.workers.sleep"); the manager starts nowcastd worker sleep for
// that, unless a Python interpreter or a command is configured.
package builtin

import (
	"slices"

	"nowcast/workers"
)

// Workers returns the built-in workers, sorted by name.
func Workers() []workers.Worker {
	return []workers.Worker{awaken(), clearChecklist(), rotateLogs(), sleep()}
}

// Lookup returns the built-in worker of a name.
func Lookup(name string) (workers.Worker, bool) {
	all := Workers()
	i := slices.IndexFunc(all, func(w workers.Worker) bool { return w.Name == name })
	if i < 0 {
		return workers.Worker{}, false
	}
	return all[i], true
}
