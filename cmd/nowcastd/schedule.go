package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/scheduler"
)

func (p *program) schedule() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "schedule CONFIG",
		Short: "Show what is launched when; run, hold or resume an entry",
		Long: `Show the entries of scheduled workers: when each is due next, and what became of its last due
time (--json: of the last ten). Times are local. An entry is named after its worker; #2, #3 and so
on are the second, third and so on of the same worker in the configuration.`,
		Example: "  nowcastd schedule nowcast.yaml\n  nowcastd schedule run nowcast.yaml download_weather#2\n  nowcastd schedule hold nowcast.yaml download_weather",
		Args:    configArg(0),
	}
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		var all []feed.ScheduleEntry
		if err := p.askScheduler(c, args[0], control.CmdSchedule, struct{}{}, &all); err != nil {
			return err
		}
		if asJSON {
			return p.json(all)
		}
		p.printSchedule(all, time.Now())
		return nil
	}
	c.AddCommand(p.scheduleRun(), p.scheduleHold(true), p.scheduleHold(false))
	return c
}

// askScheduler sends a command about the schedule.
func (p *program) askScheduler(c *cobra.Command, file, command string, args, result any) error {
	cfg, err := p.find(file)
	if err != nil {
		return err
	}
	return p.call(c.Context(), cfg, scheduler.Name, command, args, result)
}

func (p *program) scheduleRun() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "run CONFIG ENTRY",
		Short: "Launch the worker of an entry now",
		Long: `Have the worker of an entry launched now. Its next due time stays what it is. Also an entry that
is held is launched.`,
		Example: "  nowcastd schedule run nowcast.yaml download_weather",
		Args:    configArg(1),
	}
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		var l launch.Launch
		if err := p.askScheduler(c, args[0], control.CmdRunNow, control.EntryArgs{Entry: args[1]}, &l); err != nil {
			return err
		}
		if asJSON {
			return p.json(l)
		}
		fmt.Fprintf(p.Stdout, "launch %d of %s was requested\n", l.ID, l.NextWorker)
		return nil
	}
	return c
}

// scheduleHold is the command hold, or the command resume.
func (p *program) scheduleHold(hold bool) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "hold CONFIG ENTRY",
		Short: "Let due times of an entry pass by",
		Long: `Launch nothing for an entry until it is resumed, also after restarts. Each due time that passes by is
noted in the log and among its runs.`,
		Example: "  nowcastd schedule hold nowcast.yaml download_weather",
		Args:    configArg(1),
	}
	if !hold {
		c.Use, c.Short, c.Long = "resume CONFIG ENTRY", "Launch an entry that was held when it is due again", "End a hold. What passed by meanwhile is not launched."
		c.Example = "  nowcastd schedule resume nowcast.yaml download_weather"
	}
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		var e feed.ScheduleEntry
		if err := p.askScheduler(c, args[0], control.CmdHold, control.HoldArgs{Entry: args[1], Held: hold}, &e); err != nil {
			return err
		}
		switch {
		case asJSON:
			return p.json(e)
		case hold:
			fmt.Fprintf(p.Stdout, "%s is held\n", e.ID)
		case e.Next.IsZero():
			fmt.Fprintf(p.Stdout, "%s is not held any more\n", e.ID)
		default:
			fmt.Fprintf(p.Stdout, "%s is due next at %s\n", e.ID, localTime(e.Next))
		}
		return nil
	}
	return c
}

func (p *program) printSchedule(all []feed.ScheduleEntry, now time.Time) {
	w := tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ENTRY\tWHEN\tNEXT DUE\tIN\tARGUMENTS\tLAST DUE\tLAUNCH\tNOTE")
	for i := range all {
		e := &all[i]
		next, in, last, launched, note := "-", "-", "-", "-", ""
		if !e.Next.IsZero() {
			next, in = localTime(e.Next), e.Next.Sub(now).Round(time.Second).String()
		}
		if n := len(e.Runs); n > 0 {
			r := e.Runs[n-1]
			last, note = localTime(r.Due), r.Note
			if r.Launch > 0 {
				launched = fmt.Sprint(r.Launch)
			}
			if r.Author != "" {
				note = "asked for by " + r.Author
			}
		}
		switch {
		case e.Problem != "":
			note = "see below"
		case e.Held:
			in = "held"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", short(e.ID), short(strings.TrimSpace(e.When+" "+e.Timezone)), next, in,
			short(strings.Join(e.Worker.Args, " ")), last, launched, short(note))
	}
	w.Flush()
	for i := range all {
		e := &all[i]
		if e.Problem == "" {
			continue
		}
		fmt.Fprintln(p.Stdout)
		for problem := range strings.SplitSeq(e.Problem, "\n") {
			fmt.Fprintf(p.Stdout, "%s: %s\n", short(e.ID), printable(problem))
		}
	}
}

// localTime shows a time to the second, with the day of the week, by which schedules go.
func localTime(t time.Time) string { return t.Local().Format("Mon 01-02 15:04:05") }
