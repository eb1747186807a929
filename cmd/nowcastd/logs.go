package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

var levelNames = []string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}

// logView is what `nowcastd logs` was asked to show.
type logView struct {
	args         control.LogsArgs
	level        string
	follow, json bool
}

// atLeast returns the lowest level that is to be shown, nil for DEBUG: whatever is below it counts as DEBUG too.
func (v logView) atLeast() *slog.Level {
	i := slices.Index(levelNames, v.level)
	if i <= 0 {
		return nil
	}
	level := slog.LevelDebug + slog.Level(4*i) // slog's levels, and CRITICAL, are four apart
	return &level
}

// wants tells whether a record that came live is to be shown. Of older ones the aggregator sends only those.
func (v logView) wants(r *feed.LogRecord) bool {
	return slices.Index(levelNames, feed.LevelName(r.Level)) >= slices.Index(levelNames, v.level) &&
		(v.args.Name == "" || v.args.Name == r.Name) && (v.args.Launch == 0 || v.args.Launch == r.Launch) &&
		strings.Contains(strings.ToLower(r.Message), strings.ToLower(v.args.Search))
}

func (p *program) showLogs(ctx context.Context, file string, v logView) error {
	cfg, err := p.load(file)
	if err != nil {
		return err
	}
	ctx, cancel := untilSignal(ctx)
	defer cancel()
	var live <-chan []feed.Event
	if v.follow { // before the history is asked for, so that nothing falls between
		endpoint, err := socket(cfg, config.SocketFeed)
		if err != nil {
			return err
		}
		topic := feed.StreamLog
		if v.args.Name != "" {
			topic += "." + v.args.Name + "."
		}
		if live, err = feed.Subscribe(ctx, endpoint, []string{topic}); err != nil {
			return err
		}
	}
	var page feed.LogPage
	v.args.Level = v.atLeast()
	if err := p.call(ctx, cfg, "log_aggregator", control.CmdLogs, v.args, &page); err != nil {
		if !v.follow || ctx.Err() != nil {
			return err
		}
		fmt.Fprintln(p.Stderr, "nowcastd: no history:", err)
	}
	history := page.Records
	shown := map[string]bool{} // the history's end, which also comes live
	for i := range history {
		if err := p.printRecord(&history[i], v.json); err != nil {
			return err
		}
		if i >= len(history)-1000 {
			shown[identity(&history[i])] = true
		}
	}
	if !v.follow {
		return nil
	}
	return p.followLogs(ctx, live, v, shown)
}

func identity(r *feed.LogRecord) string {
	return fmt.Sprint(r.Time.UnixNano(), r.Name, r.PID, r.Message)
}

func (p *program) followLogs(ctx context.Context, live <-chan []feed.Event, v logView, shown map[string]bool) error {
	for events := range live {
		for _, e := range events {
			var records []feed.LogRecord
			if err := e.Decode(&records); err != nil {
				continue // not a record of ours; the aggregator reports it
			}
			for i := range records {
				if !v.wants(&records[i]) || shown[identity(&records[i])] {
					continue
				}
				if err := p.printRecord(&records[i], v.json); err != nil {
					return err
				}
			}
		}
	}
	var s stopSignal
	if errors.As(context.Cause(ctx), &s) {
		return failure{nil, exitStopped}
	}
	return nil
}

func (p *program) printRecord(r *feed.LogRecord, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(p.Stdout).Encode(r)
	}
	_, err := fmt.Fprintf(p.Stdout, "%s %-8s [%s] %s\n", r.Time.Local().Format("2006-01-02 15:04:05.000"), feed.LevelName(r.Level), printable(r.Name), printableLines(r.Message))
	return err
}

// printableLines is printable for text of several lines, which are set off so that none passes for a record of its own.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n    ")
}
