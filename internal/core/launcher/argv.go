package launcher

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
)

// builtins are the workers inside nowcastd itself, in the order in which errors list them.
var builtins = []string{"awaken", "clear_checklist", "rotate_logs", "sleep"}

// Builtins returns the names of the workers that need no interpreter, sorted.
func Builtins() []string { return slices.Clone(builtins) }

// Argv returns the command line that starts n (specs: compat section 2). self is the path of nowcastd, which contains the
// built-in workers. The error names the worker and what to change in the configuration.
//
// The words after the host go to the remote shell as they are: ssh joins them with spaces and the shell of that host splits
// and expands them, as it does for the reference.
func Argv(cfg *config.Config, self string, n launch.NextWorker) ([]string, error) {
	if n.Name() == "" {
		return nil, fmt.Errorf("launch %q: it has no worker name: give a module such as nowcast.workers.make_plots", n.Module)
	}
	if n.Host != launch.Localhost && n.Host != "" {
		return remoteArgv(cfg, n)
	}
	name := n.Name()
	var prefix []string
	switch command := cfg.Registry.Workers[name].Command; {
	case len(command) > 0:
		prefix = append(prefix, command...)
		prefix[0] = besideConfig(cfg, prefix[0])
	case cfg.Python != "":
		prefix = []string{cfg.Python, "-m", n.Module}
	case slices.Contains(builtins, name):
		prefix = []string{self, "worker", name}
	default:
		return nil, fmt.Errorf("worker %s cannot be started: %s has no python: and no command: in message registry: workers: %s, "+
			"and only %s are built in: add one of the two", name, cfg.File, name, strings.Join(builtins, ", "))
	}
	return append(append(prefix, cfg.File), n.Args...), nil
}

// besideConfig makes a program that is named with a relative path one beside the configuration file, so that it does not
// depend on where the manager was started. A bare name is looked for in PATH.
func besideConfig(cfg *config.Config, program string) string {
	if filepath.IsAbs(program) || !strings.Contains(program, "/") {
		return program
	}
	return filepath.Join(filepath.Dir(cfg.File), program)
}

func remoteArgv(cfg *config.Config, n launch.NextWorker) ([]string, error) {
	h, ok := cfg.Hosts[n.Host]
	if !ok {
		return nil, fmt.Errorf("worker %s cannot be started: host %s is not in run: enabled hosts of %s: add it there, with envvars, "+
			"python and config file", n.Name(), n.Host, cfg.File)
	}
	command := cfg.Registry.Workers[n.Name()].Command
	missing := func(key string) error {
		return fmt.Errorf("worker %s cannot be started: run: enabled hosts: %s of %s has no %s:", n.Name(), n.Host, cfg.File, key)
	}
	switch {
	case h.EnvVars == "":
		return nil, missing("envvars")
	case h.ConfigFile == "":
		return nil, missing("config file")
	case h.Python == "" && len(command) == 0:
		return nil, missing("python")
	}
	argv := []string{"ssh", n.Host, "source", h.EnvVars, ";"}
	if len(command) > 0 {
		argv = append(argv, command...)
	} else {
		argv = append(argv, h.Python, "-m", n.Module)
	}
	return append(append(argv, h.ConfigFile), n.Args...), nil
}
