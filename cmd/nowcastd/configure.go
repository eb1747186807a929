package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/launcher"
	"nowcast/internal/core/rules"
)

func (p *program) check() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "check CONFIG",
		Short: "Check a configuration and its rules without running anything",
		Long: `Check CONFIG: every mistake is printed with file, line, key and remedy. Then every rule is
called with every message type that its worker may send, and every worker that a rule wants
launched must be one that can be found and a host that is configured.

Exit code 0: no errors (there may be warnings); 2: errors.`,
		Example: "  nowcastd check nowcast.yaml",
		Args:    configArg(0),
	}
	jsonFlag(c, &asJSON)
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := p.load(args[0])
		if err != nil {
			return err
		}
		evaluator, err := openRules(cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			return failure{err, exitUsage}
		}
		defer evaluator.Close()
		findings := rules.Check(c.Context(), cfg, evaluator)
		findings = append(findings, programs(c.Context(), cfg, evaluator)...)
		return p.printFindings(cfg, findings, asJSON)
	}
	return c
}

// programs finds launches that could not be started on this host. What runs elsewhere is not looked at.
func programs(ctx context.Context, cfg *config.Config, e rules.Evaluator) []rules.Finding {
	var found []rules.Finding
	seen := map[string]bool{}
	edges, _ := rules.Graph(ctx, cfg, e)
	for _, edge := range edges {
		if seen[edge.To.Module] || edge.To.Host != launch.Localhost {
			continue
		}
		seen[edge.To.Module] = true
		argv, err := launcher.Argv(cfg, os.Args[0], edge.To)
		if err == nil {
			_, err = exec.LookPath(argv[0])
		}
		if err != nil {
			found = append(found, rules.Finding{Severity: rules.Wrong, Worker: edge.From, Type: edge.Type,
				Text: fmt.Sprintf("after_%s launches %s, which cannot be started here: %v", edge.From, edge.To.Module, err)})
		}
	}
	return found
}

func (p *program) printFindings(cfg *config.Config, findings []rules.Finding, asJSON bool) error {
	if asJSON {
		if err := p.json(map[string]any{"warnings": cfg.Warnings, "findings": findings}); err != nil {
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
		return failure{fmt.Errorf("%s: %d errors", cfg.File, errors), exitUsage}
	}
	if !asJSON {
		fmt.Fprintf(p.Stdout, "%s is in order: %d workers, rules from %s\n", cfg.File, len(cfg.Registry.Workers), cfg.Registry.NextWorkers)
	}
	return nil
}

func (p *program) graph() *cobra.Command {
	var format string
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
	c.RunE = func(c *cobra.Command, args []string) error {
		write, ok := map[string]func(io.Writer, []rules.Edge) error{"text": rules.WriteText, "dot": rules.WriteDOT, "mermaid": rules.WriteMermaid}[format]
		if !ok {
			return usage("--format %s: give text, dot or mermaid", format)
		}
		cfg, err := p.load(args[0])
		if err != nil {
			return err
		}
		evaluator, err := openRules(cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			return failure{err, exitUsage}
		}
		defer evaluator.Close()
		edges, blind := rules.Graph(c.Context(), cfg, evaluator)
		if len(blind) > 0 && format == "text" {
			defer fmt.Fprintln(p.Stderr, "launch nothing that can be seen without data: "+strings.Join(blind, ", "))
		}
		return write(p.Stdout, edges)
	}
	return c
}
