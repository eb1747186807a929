package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nowcast/internal/core/migrate"
	"nowcast/internal/core/rules"
	"nowcast/internal/core/scheduler"
)

// checkFromNEMO is check for who moves over: what migrate finds, and then what check finds in the same configuration.
func (p *program) checkFromNEMO(ctx context.Context, file, services string, asJSON bool) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	report, err := migrate.Examine(ctx, migrate.Options{ConfigFile: file, Services: services, Nowcastd: self, Environ: p.Environ})
	if err != nil {
		return failure{err, exitUsage}
	}
	findings := append(report.Findings, p.asToday(ctx, report)...)
	slices.SortStableFunc(findings, func(a, b migrate.Finding) int {
		return slices.Index(migrate.Groups, a.Group) - slices.Index(migrate.Groups, b.Group)
	})
	must := 0
	for _, f := range findings {
		if f.Group == migrate.Must {
			must++
		}
	}
	if asJSON {
		err = p.json(map[string]any{"findings": findings})
	} else {
		p.printReport(file, findings)
	}
	if err == nil && must > 0 {
		err = failure{fmt.Errorf("%s: %d things must be done before moving over", file, must), exitUsage}
	}
	return err
}

// asToday is what check finds, in the directory and with the environment that the daemons have.
func (p *program) asToday(ctx context.Context, r *migrate.Report) (all []migrate.Finding) {
	if r.Config == nil {
		return nil
	}
	var findings []rules.Finding
	if r.Incomplete {
		for _, e := range scheduler.Check(r.Config) {
			findings = append(findings, rules.Finding{Severity: rules.Wrong, File: e.File, Line: e.Line, Text: e.Text()})
		}
	} else {
		there := *p
		there.Environ = r.Environ
		if err := os.Chdir(r.Directory); err != nil {
			findings = append(findings, rules.Finding{Severity: rules.Wrong, Text: "the directory that the daemons are started in cannot be used: " + err.Error()})
		}
		findings = append(findings, there.findings(ctx, r.Config)...)
	}
	for _, w := range r.Config.Warnings {
		all = append(all, migrate.Finding{Group: migrate.Look, File: w.File, Line: w.Line, Text: w.Text()})
	}
	for _, f := range findings {
		group := migrate.Look
		if f.Severity == rules.Wrong {
			group = migrate.Must
		}
		all = append(all, migrate.Finding{Group: group, File: f.File, Line: f.Line, Text: f.Text})
	}
	return all
}

func (p *program) printReport(file string, findings []migrate.Finding) {
	var group migrate.Group
	for i, f := range findings {
		if f.Group != group {
			group = f.Group
			n := len(findings[i:])
			if end := slices.IndexFunc(findings[i:], func(f migrate.Finding) bool { return f.Group != group }); end >= 0 {
				n = end
			}
			fmt.Fprintf(p.Stdout, "%s%s (%d)\n", map[bool]string{true: "\n"}[i > 0], strings.ToUpper(string(group)), n)
		}
		where := ""
		if f.File != "" {
			where = filepath.Base(f.File)
			if f.Line > 0 {
				where += fmt.Sprint(":", f.Line)
			}
			where += ": "
		}
		fmt.Fprintln(p.Stdout, "- "+where+strings.ReplaceAll(f.Text, "\n", "\n  "))
		if f.Remedy != "" && f.Remedy != "nothing" {
			fmt.Fprintln(p.Stdout, "  > "+strings.ReplaceAll(f.Remedy, "\n", "\n    "))
		}
	}
}
