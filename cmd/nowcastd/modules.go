package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/rules"
)

// lookWithin is how long the interpreter may take to look for all modules: to find one it imports the packages around it.
const lookWithin = 20 * time.Second

// notFound stands before the name of a module that is not there, so that what packages print is not taken for one.
const notFound = "nowcast-not-found\t"

const findModules = `
import importlib.util, sys
for name in sys.argv[1:]:
    try:
        problem = "" if importlib.util.find_spec(name) else "there is no such module"
    except BaseException as e:
        problem = type(e).__name__ + ": " + str(e).replace("\n", " ")
    if problem:
        print("\n" + "` + "nowcast-not-found" + `", name, problem, sep="\t")
`

// modules finds the workers' modules that the Python interpreter cannot import. An interpreter whose name does not begin with
// python is something else that takes -m MODULE.
func (p *program) modules(ctx context.Context, python string, modules map[string]rules.Finding) (found []rules.Finding) {
	names := slices.Sorted(maps.Keys(modules))
	names = slices.DeleteFunc(names, func(name string) bool { return strings.Contains(name, "<") }) // a placeholder
	if len(names) == 0 || !strings.HasPrefix(filepath.Base(python), "python") {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	c := exec.CommandContext(ctx, python, append([]string{"-c", findModules}, names...)...)
	c.Env, c.WaitDelay = p.Environ, time.Second
	var complaints bytes.Buffer
	c.Stderr = &complaints
	out, err := c.Output()
	if ctx.Err() != nil {
		err = fmt.Errorf("it took more than %s", lookWithin)
	}
	if err != nil {
		found = append(found, rules.Finding{Severity: rules.Suspect,
			Text: strings.TrimSpace(fmt.Sprintf("could not ask %s for the modules of workers: %v\n%s", python, err, complaints.Bytes()))})
	}
	for line := range strings.Lines(string(out)) {
		line, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), notFound)
		name, problem, _ := strings.Cut(line, "\t")
		f, known := modules[name]
		if !ok || !known {
			continue
		}
		f.Severity = rules.Wrong
		f.Text = fmt.Sprintf("%s cannot be started here: %s cannot find it (%s): install it there, set PYTHONPATH, or correct the rule", name, python, problem)
		found = append(found, f)
	}
	return found
}
