package main

import (
	"fmt"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"nowcast/internal/core/alerter"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

func (p *program) alerts() *cobra.Command {
	var asJSON, all bool
	c := &cobra.Command{
		Use:   "alerts CONFIG",
		Short: "Show incidents; acknowledge, snooze or close one",
		Long: `Show the incidents that are open, oldest first, with what follows from each; with --all also the
newest that have ended. Times are local. An incident ends by itself when its cause is gone; close
one whose cause is gone without nowcast being able to know.`,
		Example: "  nowcastd alerts nowcast.yaml\n  nowcastd alerts ack --note \"called the data centre\" nowcast.yaml 12\n  nowcastd alerts snooze --for 2h nowcast.yaml 12\n  nowcastd alerts close --note \"made by hand\" nowcast.yaml 12",
		Args:    configArg(0),
	}
	c.Flags().BoolVar(&all, "all", false, "also those that have ended")
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		var incidents []feed.Incident
		if err := p.askAlerter(c, args[0], control.CmdIncidents, struct{}{}, &incidents); err != nil {
			return err
		}
		if !all {
			incidents = slices.DeleteFunc(incidents, func(i feed.Incident) bool { return !i.Open() })
		}
		if asJSON {
			return p.json(incidents)
		}
		p.printIncidents(incidents)
		return nil
	}
	c.AddCommand(p.acknowledge(), p.snooze(), p.closeIncident())
	return c
}

// askAlerter sends a command about incidents.
func (p *program) askAlerter(c *cobra.Command, file, command string, args, result any) error {
	cfg, err := p.find(file)
	if err != nil {
		return err
	}
	return p.call(c.Context(), cfg, alerter.Name, command, args, result)
}

func (p *program) acknowledge() *cobra.Command {
	var note string
	var asJSON bool
	c := &cobra.Command{
		Use:     "ack CONFIG INCIDENT",
		Short:   "Say that you take care of an incident: only its end is sent then",
		Example: "  nowcastd alerts ack --note \"called the data centre\" nowcast.yaml 12",
		Args:    configArg(1),
	}
	c.Flags().StringVar(&note, "note", "", "what others should know")
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		id, err := incidentNumber(args[1])
		if err != nil {
			return err
		}
		return p.changeIncident(c, args[0], control.CmdAcknowledge, control.IncidentArgs{Incident: id, Note: note}, asJSON, func(i *feed.Incident) string {
			return "is acknowledged by " + i.Acknowledged.Author
		})
	}
	return c
}

func (p *program) snooze() *cobra.Command {
	var note string
	var pause time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use:     "snooze CONFIG INCIDENT",
		Short:   "Have nothing sent about an incident for a time",
		Long:    "Have nothing sent about an incident for a time. If it is still open then, it is sent again. --for 0 ends that.",
		Example: "  nowcastd alerts snooze --for 2h --note \"known, the tape robot\" nowcast.yaml 12",
		Args:    configArg(1),
	}
	c.Flags().DurationVar(&pause, "for", time.Hour, "how long, e.g. 30m or 2h")
	c.Flags().StringVar(&note, "note", "", "what others should know")
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		id, err := incidentNumber(args[1])
		if err != nil {
			return err
		}
		return p.changeIncident(c, args[0], control.CmdSnooze, control.SnoozeArgs{Incident: id, For: pause, Note: note}, asJSON, func(i *feed.Incident) string {
			if i.Snoozed == nil {
				return "is not snoozed any more"
			}
			return "is snoozed until " + localTime(i.Snoozed.Until)
		})
	}
	return c
}

func (p *program) closeIncident() *cobra.Command {
	var note string
	var asJSON bool
	c := &cobra.Command{
		Use:   "close CONFIG INCIDENT",
		Short: "End an incident that does not end by itself",
		Long: `End an incident that does not end by itself, as one about a launch whose work was done by other means.
It does not begin again, though its daemon still has the alert; the next trouble of this kind is an
incident again. Who closed it stays with it.`,
		Example: "  nowcastd alerts close --note \"uploaded by hand\" nowcast.yaml 12",
		Args:    configArg(1),
	}
	c.Flags().StringVar(&note, "note", "", "what others should know")
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		id, err := incidentNumber(args[1])
		if err != nil {
			return err
		}
		return p.changeIncident(c, args[0], control.CmdClose, control.IncidentArgs{Incident: id, Note: note}, asJSON, func(i *feed.Incident) string {
			return "is " + i.End
		})
	}
	return c
}

func incidentNumber(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, usage("%q is not an incident: give the number that `nowcastd alerts` shows", text)
	}
	return id, nil
}

// changeIncident sends a command whose result is an incident.
func (p *program) changeIncident(c *cobra.Command, file, command string, args any, asJSON bool, say func(*feed.Incident) string) error {
	var i feed.Incident
	if err := p.askAlerter(c, file, command, args, &i); err != nil {
		return err
	}
	if asJSON {
		return p.json(i)
	}
	fmt.Fprintf(p.Stdout, "incident %d (%s) %s\n", i.ID, printable(i.Kind), printable(say(&i)))
	return nil
}

func (p *program) printIncidents(all []feed.Incident) {
	if len(all) == 0 {
		fmt.Fprintln(p.Stdout, "no incident is open")
		return
	}
	w := tabwriter.NewWriter(p.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "INCIDENT\tSINCE\tTIMES\tKIND\tFROM\tSTATE\tWHAT")
	for i := range all {
		in := &all[i]
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\t%s\t%s\n", in.ID, localTime(in.Time), max(1, in.Count), short(in.Kind), short(in.Source), short(incidentState(in)), short(oneLine(in.Message)))
		for _, a := range in.Consequences {
			fmt.Fprintf(w, "\t%s\t%d\t%s\t\tfollows\t%s\n", localTime(a.Time), max(1, a.Count), short(a.Kind), short(oneLine(a.Message)))
		}
	}
	w.Flush()
}

// incidentState says what is being done about an incident.
func incidentState(i *feed.Incident) string {
	switch {
	case !i.Open():
		return "over since " + localTime(*i.Ended)
	case i.Acknowledged != nil:
		return "acknowledged by " + i.Acknowledged.Author
	case i.Snoozed != nil && time.Now().Before(i.Snoozed.Until):
		return "snoozed until " + localTime(i.Snoozed.Until)
	}
	return "open"
}
