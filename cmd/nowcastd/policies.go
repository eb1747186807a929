package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/store"
)

// policies says what the manager will do by itself, a line for each policy that is not as without any.
func policies(cfg *config.Config) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(cfg.Registry.Workers)) {
		if text := cfg.Registry.Workers[name].Policy.String(); text != "" {
			lines = append(lines, name+": "+text)
		}
	}
	if cfg.Slots > 0 {
		lines = append(lines, fmt.Sprintf("localhost: at most %d launches at once", cfg.Slots))
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Hosts)) {
		if slots := cfg.Hosts[name].Slots; slots > 0 {
			lines = append(lines, fmt.Sprintf("%s: at most %d launches at once", name, slots))
		}
	}
	return lines
}

// durations asks the state database how long launches of a worker took, for the manager to learn what is usual.
func durations(db *store.Store) func(context.Context, string, int) ([]launch.Run, error) {
	return func(ctx context.Context, worker string, limit int) ([]launch.Run, error) {
		newestFirst, err := db.Durations(ctx, worker, limit)
		runs := make([]launch.Run, len(newestFirst))
		for i, r := range newestFirst {
			runs[len(runs)-1-i] = launch.Run{Args: r.Args, Took: r.Took}
		}
		return runs, err
	}
}
