package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/launcher"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/rules"
	"nowcast/internal/core/scheduler"
)

func (p *program) check() *cobra.Command {
	var asJSON, fromNEMO bool
	var services string
	c := &cobra.Command{
		Use:   "check CONFIG",
		Short: "Check a configuration and its rules without running anything",
		Long: `Check CONFIG: every mistake is printed with file, line, key and remedy. If the file can be used,
every rule is called with every message type that its worker may send, and every worker that a
rule wants launched must be one that can be found and a host that is configured. If python: names
a Python interpreter, it is asked for the modules of the workers that it would run here.

With --from-nemo, CONFIG is that of an installation of NEMO_Nowcast. What must be done, what will
be different and what stays the same is printed as well; environment, running daemons and, with
--supervisord, their programs there are looked at. Run it on the host and as the user of the daemons.

Exit code 0: no errors (there may be warnings); 2: errors.`,
		Example: "  nowcastd check nowcast.yaml\n  nowcastd check --from-nemo --supervisord supervisord.ini nowcast.yaml",
		Args:    configArg(0),
	}
	jsonFlag(c, &asJSON)
	c.Flags().BoolVar(&fromNEMO, "from-nemo", false, "say what moving over from NEMO_Nowcast takes")
	c.Flags().StringVar(&services, "supervisord", "", "with --from-nemo: the supervisord.ini (or circus.ini) that runs the Python daemons")
	c.RunE = func(c *cobra.Command, args []string) error {
		if fromNEMO {
			return p.checkFromNEMO(c.Context(), args[0], services, asJSON)
		}
		if services != "" {
			return usage("--supervisord is for check --from-nemo")
		}
		cfg, err := p.load(args[0])
		if err != nil {
			return err
		}
		return p.printFindings(cfg, p.findings(c.Context(), cfg), asJSON)
	}
	return c
}

// findings is what check has to say of a configuration that could be loaded, beside cfg.Warnings, to which it adds.
func (p *program) findings(ctx context.Context, cfg *config.Config) []rules.Finding {
	wrong, warnings := logging.Check(cfg)
	cfg.Warnings = append(cfg.Warnings, warnings...)
	var findings []rules.Finding
	for _, e := range append(wrong, scheduler.Check(cfg)...) {
		findings = append(findings, rules.Finding{Severity: rules.Wrong, File: e.File, Line: e.Line, Text: e.Text()})
	}
	evaluator, err := p.inspectRules(cfg)
	if err != nil {
		return append(findings, unusable(err))
	}
	defer evaluator.Close()
	findings = append(findings, rules.Check(ctx, cfg, evaluator)...)
	return append(findings, p.programs(ctx, cfg, evaluator)...)
}

// programs finds workers that could not be started on this host: those that a rule launches here, and those with a command
// of their own, which an operator or cron may launch first. What runs elsewhere is not looked at.
func (p *program) programs(ctx context.Context, cfg *config.Config, e rules.Evaluator) []rules.Finding {
	var found []rules.Finding
	seen := map[string]bool{}
	modules := map[string]rules.Finding{} // of Python
	look := func(n launch.NextWorker, f rules.Finding) {
		if seen[n.Module] || n.Host != launch.Localhost {
			return
		}
		seen[n.Module] = true
		argv, err := launcher.Argv(cfg, os.Args[0], n)
		if err == nil {
			_, err = exec.LookPath(argv[0])
		}
		if err != nil {
			f.Severity, f.Text = rules.Wrong, fmt.Sprintf("%s cannot be started here: %v; look at its command in %s, and whether the program is there and executable (chmod +x)", n.Module, err, cfg.File)
			found = append(found, f)
		} else if slices.Equal(argv[:2], []string{cfg.Python, "-m"}) {
			modules[n.Module] = f
		}
	}
	edges, _ := rules.Graph(ctx, cfg, e)
	for _, edge := range edges {
		look(edge.To, rules.Finding{Worker: edge.From, Type: edge.Type})
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Registry.Workers)) {
		if cfg.Registry.Workers[name].Command != nil {
			look(launch.NextWorker{Module: name, Host: launch.Localhost}, rules.Finding{Worker: name})
		}
	}
	return append(found, p.modules(ctx, cfg.Python, modules)...)
}

func (p *program) printFindings(cfg *config.Config, findings []rules.Finding, asJSON bool) error {
	if asJSON {
		if err := p.json(map[string]any{"warnings": cfg.Warnings, "findings": findings, "policies": policies(cfg)}); err != nil {
			return err
		}
	}
	errors := 0
	for _, w := range cfg.Warnings {
		if !asJSON {
			fmt.Fprintln(p.Stdout, "warning:", w)
		}
	}
	for _, f := range findings {
		if !asJSON {
			fmt.Fprintln(p.Stdout, f)
		}
		if f.Severity == rules.Wrong {
			errors++
		}
	}
	if errors > 0 {
		number := fmt.Sprintf("%d errors", errors)
		if errors == 1 {
			number = "1 error"
		}
		return failure{fmt.Errorf("%s: %s", cfg.File, number), exitUsage}
	}
	if !asJSON {
		for _, line := range policies(cfg) {
			fmt.Fprintln(p.Stdout, "policy:", line)
		}
		fmt.Fprintf(p.Stdout, "%s is in order: %d workers, rules from %s\n", cfg.File, len(cfg.Registry.Workers), cfg.Registry.NextWorkers)
	}
	return nil
}

func (p *program) graph() *cobra.Command {
	var format string
	var asJSON bool
	c := &cobra.Command{
		Use:   "graph CONFIG",
		Short: "Show what launches what",
		Long: `Call every rule with every message type that its worker may send, with a payload and checklist
that answer every question, and show which workers it would launch. A rule that depends on values
shows only some of what it can launch; such rules are listed on standard error.`,
		Example: "  nowcastd graph nowcast.yaml\n  nowcastd graph --format dot nowcast.yaml | dot -Tsvg > graph.svg",
		Args:    configArg(0),
	}
	c.Flags().StringVar(&format, "format", "text", "text, dot or mermaid")
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		write, ok := map[string]func(io.Writer, []rules.Edge) error{"text": rules.WriteText, "dot": rules.WriteDOT, "mermaid": rules.WriteMermaid}[format]
		if !ok {
			return usage("--format %s: give text, dot or mermaid", format)
		}
		cfg, err := p.load(args[0])
		if err != nil {
			return err
		}
		evaluator, err := p.inspectRules(cfg)
		if err != nil {
			return failure{err, exitUsage}
		}
		defer evaluator.Close()
		edges, blind := rules.Graph(c.Context(), cfg, evaluator)
		if asJSON {
			return p.json(append([]rules.Edge{}, edges...)) // [] and not null if there are none
		}
		if len(blind) > 0 && format == "text" {
			defer fmt.Fprintln(p.Stderr, "launch nothing that can be seen without data: "+strings.Join(blind, ", "))
		}
		return write(p.Stdout, edges)
	}
	return c
}
