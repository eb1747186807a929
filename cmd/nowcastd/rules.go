package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"nowcast/internal/core/config"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/rules"
	pythonrules "nowcast/internal/core/rules/python"
	"nowcast/internal/core/rules/starlark"
	"nowcast/internal/core/supervisor"
)

// missingRules is the complaint about rules that are not there.
type missingRules struct{ error }

func (m missingRules) Unwrap() []error { return []error{m.error, fs.ErrNotExist} }

// inspectRules is openRules for rules that are only looked at: nobody hears what they say.
func (p *program) inspectRules(cfg *config.Config) (rules.Evaluator, error) {
	silent := slog.New(slog.DiscardHandler)
	return p.openRules(cfg, silent, func(string) *slog.Logger { return silent })
}

// openRules loads the rules that the configuration names. loggers gives the logger of a name, for Python rules that log.
func (p *program) openRules(cfg *config.Config, logger *slog.Logger, loggers func(name string) *slog.Logger) (rules.Evaluator, error) {
	if strings.HasSuffix(cfg.Registry.NextWorkers, ".star") {
		return openStarlark(cfg, logger)
	}
	return p.openPython(cfg, logger, loggers)
}

func openStarlark(cfg *config.Config, logger *slog.Logger) (rules.Evaluator, error) {
	file := cfg.Registry.NextWorkers
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, missingRules{rulesComplaint(cfg, "is "+file+", which does not exist",
			"create it with a function after_WORKER(msg, config, checklist) for each worker, or correct the path")}
	}
	return starlark.Open(starlark.Options{
		File: file, Config: cfg.Values, Registry: &cfg.Registry, Logger: logger, Limits: starlark.Limits{Time: cfg.RuleTimeLimit},
	})
}

func (p *program) openPython(cfg *config.Config, logger *slog.Logger, loggers func(name string) *slog.Logger) (rules.Evaluator, error) {
	module := cfg.Registry.NextWorkers
	if cfg.Python == "" {
		return nil, rulesComplaint(cfg, "is the Python module "+module+", and there is no interpreter for it",
			"add python: with the path of the interpreter of your installation")
	}
	r, err := pythonrules.Open(pythonrules.Options{
		Config: cfg, Env: supervisor.WithoutNotices(p.Environ), Logger: logger,
		Record: func(name string, level slog.Level, message, exc string) {
			if exc == "" {
				loggers(name).Log(context.Background(), level, message)
				return
			}
			loggers(name).Log(context.Background(), level, message, logging.Exc(exc))
		},
	})
	if errors.Is(err, fs.ErrNotExist) {
		where, _ := os.Getwd() // "" says nothing wrong
		return nil, missingRules{rulesComplaint(cfg, "is "+module+", which "+cfg.Python+" does not find from "+where,
			"start nowcastd in the directory that it is in, set PYTHONPATH, or install it there ("+err.Error()+")")}
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

func rulesComplaint(cfg *config.Config, problem, remedy string) config.Error {
	return cfg.Complaint(problem, remedy, "message registry", "next workers module")
}

// unusable is what check says of rules that cannot be loaded.
func unusable(err error) rules.Finding {
	f := rules.Finding{Severity: rules.Wrong, Text: err.Error()}
	var complaint config.Error
	var mistake *rules.Error
	switch {
	case errors.As(err, &complaint):
		f.File, f.Line, f.Text = complaint.File, complaint.Line, complaint.Text()
	case errors.As(err, &mistake):
		f.File, f.Line, f.Text = mistake.File, mistake.Line, "the rules cannot be loaded: "+mistake.Message+indented(mistake.Traceback())
	}
	return f
}

// indented sets lines off below another.
func indented(text string) string {
	if text == "" {
		return ""
	}
	return "\n    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ")
}
