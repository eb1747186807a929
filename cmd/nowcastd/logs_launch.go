package main

import (
	"context"
	"fmt"

	"nowcast/internal/core/aggregator/history"
	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
)

// findLaunch asks the manager whose launch is wanted and when it was, if one is: not every record names its launch.
func (p *program) findLaunch(ctx context.Context, cfg *config.Config, args *control.LogsArgs) {
	if args.Launch == 0 {
		return
	}
	var s feed.Snapshot
	err := p.call(ctx, cfg, message.ManagerName, control.CmdSnapshot, struct{}{}, &s)
	if err == nil && !fillLaunch(args, s.Launches) {
		err = fmt.Errorf("the manager does not know launch %d, or not any more", args.Launch)
	}
	if err != nil && !stopped(ctx) {
		fmt.Fprintf(p.Stderr, "nowcastd: only records that have the launch's number are shown; use --name and --since for those of a worker that does not know it: %v\n", err)
	}
}

// fillLaunch takes worker and times of the wanted launch from launches, if it is among them.
func fillLaunch(args *control.LogsArgs, launches []launch.Launch) bool {
	for i := range launches {
		if l := &launches[i]; l.ID == args.Launch {
			args.Worker = l.Name()
			args.From, args.To = l.LogSpan()
			return true
		}
	}
	return false
}

// topics are what is followed: with a launch also its end, after which another launch of the worker may begin.
func (v logView) topics() []string {
	log := feed.StreamLog
	if v.args.Name != "" {
		log += "." + v.args.Name + "."
	}
	if v.args.Launch != 0 {
		return []string{log, feed.StreamLaunch}
	}
	return []string{log}
}

// endLaunch takes the times of the wanted launch from an event.
func endLaunch(f *history.Filter, e feed.Event) {
	var launches []launch.Launch
	if err := e.Decode(&launches); err == nil { // else it is not ours
		fillLaunch(&f.LogsArgs, launches)
	}
}
