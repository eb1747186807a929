package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nowcast/internal/core/aggregator/history"
	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

// streamed is how many records are asked for at once, if there is no end to how many are shown.
const streamed = 5000

// usualLines is how many records are shown if nobody says how many or from when.
const usualLines = 200

func (p *program) logs() *cobra.Command {
	var v logView
	var since, until string
	c := &cobra.Command{
		Use:   "logs CONFIG",
		Short: "Show the merged log of all daemons and workers",
		Long: `Print log records that the log aggregator has, oldest first, in local time: the newest 200, or with
--since all from then on. How far back it goes is a matter of "log history" in the configuration.

Times for --since and --until: how long ago (90m, 36h), a time of today (05:40), a day
(2031-05-17), or both ("2031-05-17 05:40").

Programs that publish with Python's PUBHandler do not know their launch: for --launch their records are
recognised by the worker's name and the launch's time, which the manager is asked for. Of launches of the
same worker at the same time, such records are shown for each.

-f goes on with new records as they come, until interrupted.`,
		Example: "  nowcastd logs -f nowcast.yaml\n  nowcastd logs --name make_plots --search 'no such file' nowcast.yaml\n" +
			"  nowcastd logs --since 04:00 --level WARNING nowcast.yaml",
		Args: configArg(0),
	}
	f := c.Flags()
	f.BoolVarP(&v.follow, "follow", "f", false, "go on with new records as they come")
	f.IntVarP(&v.last, "last", "n", usualLines, "at most so many records, the newest; with --since all unless given")
	f.StringVar(&since, "since", "", "only from this time on")
	f.StringVar(&until, "until", "", "only up to this time")
	f.StringVar(&v.args.Name, "name", "", "only of this daemon or worker")
	f.Int64Var(&v.args.Launch, "launch", 0, "only of this launch")
	f.StringVar(&v.args.Search, "search", "", "only with this text, case ignored")
	f.StringVar(&v.level, "level", "DEBUG", "only of this level and above")
	jsonFlag(c, &v.json)
	c.RunE = func(c *cobra.Command, args []string) error {
		if names := feed.LevelNames(); !slices.Contains(names, v.level) {
			return usage("--level %s: give one of %s", v.level, strings.Join(names, ", "))
		}
		if f.Changed("last") && v.last <= 0 {
			return usage("--last %d: give a number above 0", v.last)
		}
		var err error
		if v.args.Since, err = when(since, time.Now()); err != nil {
			return usage("--since: %v", err)
		}
		if v.args.Until, err = when(until, time.Now()); err != nil {
			return usage("--until: %v", err)
		}
		v.all = since != "" && !f.Changed("last")
		return p.showLogs(c.Context(), args[0], v)
	}
	return c
}

// when reads a time, or how long ago.
func when(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02", time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, now.Location()), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time: write it as 90m, 05:40, 2031-05-17 or \"2031-05-17 05:40\"", text)
}

// logView is what `nowcastd logs` was asked to show.
type logView struct {
	args         control.LogsArgs
	last         int
	all          bool // from args.Since on, however many
	level        string
	follow, json bool
}

// atLeast returns the lowest level that is to be shown, nil for DEBUG: whatever is below it counts as DEBUG too.
func (v logView) atLeast() *slog.Level {
	if v.level == feed.LevelName(slog.LevelDebug) {
		return nil
	}
	n, _ := feed.PythonLevelNumber(v.level)
	level := feed.SlogLevel(n)
	return &level
}

func (p *program) showLogs(ctx context.Context, file string, v logView) error {
	cfg, err := p.find(file)
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
		if live, err = feed.Subscribe(ctx, endpoint, v.topics()); err != nil {
			return err
		}
	}
	p.findLaunch(ctx, cfg, &v.args)
	v.args.Level = v.atLeast()
	s := &shownLogs{p: p, json: v.json}
	err = p.showHistory(ctx, cfg, v, s)
	if stopped(ctx) {
		return failure{nil, exitStopped}
	}
	if err != nil && v.follow {
		fmt.Fprintln(p.Stderr, "nowcastd: no history:", err)
	} else if err != nil || !v.follow {
		return err
	}
	return p.followLogs(ctx, live, v, s)
}

// showHistory prints what the aggregator has. Everything from a time on is printed page by page; the newest are collected first,
// because they are found from their end.
func (p *program) showHistory(ctx context.Context, cfg *config.Config, v logView, s *shownLogs) error {
	c, err := p.client(cfg)
	if err != nil {
		return failure{err, exitNobody}
	}
	defer c.Close()
	page := func() (page feed.LogPage, err error) {
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		err = c.Call(ctx, logAggregator, control.CmdLogs, v.args, &page)
		if errors.Is(err, control.ErrNoAnswer) {
			err = failure{err, exitNobody}
		}
		return page, err
	}
	if v.args.Forward = v.all; v.all {
		for v.args.Last = streamed; ; {
			next, err := page()
			if err == nil {
				err = s.print(next.Records)
			}
			if v.args.After = next.Newer; err != nil || next.Newer == "" {
				return err
			}
		}
	}
	var pages [][]feed.LogRecord
	for v.args.Last = v.last; v.args.Last > 0; {
		older, err := page()
		if err != nil {
			return err
		}
		pages = append(pages, older.Records)
		v.args.Last -= len(older.Records)
		if v.args.Before = older.Older; older.Older == "" {
			break
		}
	}
	for _, records := range slices.Backward(pages) {
		if err := s.print(records); err != nil {
			return err
		}
	}
	return nil
}

// shownLogs prints records, and remembers the last ones: they also come live.
type shownLogs struct {
	p    *program
	json bool
	last [2]map[string]bool // of at most so many records each; the second is older
}

const remembered = 10_000

func (s *shownLogs) print(records []feed.LogRecord) error {
	w := bufio.NewWriter(s.p.Stdout)
	for i := range records {
		r := &records[i]
		if err := printRecord(w, r, s.json); err != nil {
			return err
		}
		if s.last[0] == nil || len(s.last[0]) >= remembered {
			s.last[0], s.last[1] = map[string]bool{}, s.last[0]
		}
		s.last[0][identity(r)] = true
	}
	return w.Flush()
}

func (s *shownLogs) has(r *feed.LogRecord) bool {
	id := identity(r)
	return s.last[0][id] || s.last[1][id]
}

func identity(r *feed.LogRecord) string {
	return fmt.Sprint(r.Time.UnixNano(), r.Name, r.PID, r.Message)
}

func (p *program) followLogs(ctx context.Context, live <-chan []feed.Event, v logView, s *shownLogs) error {
	filter := history.NewFilter(v.args)
	for events := range live {
		for _, e := range events {
			if e.Stream == feed.StreamLaunch {
				endLaunch(&filter, e)
				continue
			}
			var records []feed.LogRecord
			if err := e.Decode(&records); err != nil {
				continue // not a record of ours; the aggregator reports it
			}
			for i := range records {
				if !filter.Wants(&records[i]) || s.has(&records[i]) {
					continue
				}
				if err := printRecord(p.Stdout, &records[i], v.json); err != nil {
					return err
				}
			}
		}
	}
	if stopped(ctx) {
		return failure{nil, exitStopped}
	}
	return nil
}

// stopped tells whether a signal has ended ctx.
func stopped(ctx context.Context) bool {
	var s stopSignal
	return errors.As(context.Cause(ctx), &s)
}

func printRecord(w io.Writer, r *feed.LogRecord, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	_, err := fmt.Fprintf(w, "%s %-8s [%s] %s\n", r.Time.Local().Format("2006-01-02 15:04:05.000"), feed.LevelName(r.Level), printable(r.Name), printableLines(r.Message))
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
