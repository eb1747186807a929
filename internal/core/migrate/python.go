package migrate

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// askWithin is how long the interpreter may take: to find a module it imports the packages around it.
const askWithin = 30 * time.Second

//go:embed ask.py
var askPython string

// answer is what ask.py prints.
type answer struct {
	Version  string // of Python
	Nowcast  string // version of nemo_nowcast, "" if there is none
	Problem  string // why nemo_nowcast cannot be imported
	Rules    string // file of the next workers module; that there is none is for check to say
	Changes  []place
	Barriers []place
}

type place struct {
	Line     int
	Function string
	Text     string
}

// python asks the configured interpreter what it has, and reads the rules as they are now.
func (x *examination) python(ctx context.Context) {
	cfg := x.Config
	if x.Incomplete {
		return
	}
	if cfg.Python == "" {
		x.about(Look, "is not there: only workers with a command: and those built in can be launched", "", "python")
		return
	}
	path, err := exec.LookPath(cfg.Python)
	if err != nil {
		x.about(Must, "cannot be run: "+err.Error(), "correct the path: workers and rules need it", "python")
		return
	}
	a, err := x.ask(ctx, path)
	if err != nil {
		x.about(Must, "cannot be asked: "+err.Error(), "run it by hand, and see why", "python")
		return
	}
	if a.Nowcast == "" {
		x.about(Must, path+" (Python "+a.Version+") cannot import nemo_nowcast, which Python workers need: "+a.Problem, "install it there, set PYTHONPATH, or name the interpreter of your installation", "python")
	} else {
		x.about(Same, fmt.Sprintf("workers and rules run with %s (Python %s, NEMO_Nowcast %s)", path, a.Version, a.Nowcast), "", "python")
	}
	x.rules(a)
}

// rules says what of the next workers module would not do what it does today.
func (x *examination) rules(a answer) {
	keys := []string{"message registry", "next workers module"}
	for _, p := range a.Changes {
		x.Findings = append(x.Findings, Finding{Group: Must, File: a.Rules, Line: p.Line,
			Text:   p.Function + " changes what it is given: " + p.Text + "; the manager keeps the checklist itself, and such a change is lost",
			Remedy: "have a worker report it, or keep it in a variable of the module"})
	}
	for _, p := range a.Barriers {
		x.Findings = append(x.Findings, Finding{Group: Differ, File: a.Rules, Line: p.Line,
			Text:   p.Function + " returns a race condition barrier: any number may be open, they survive a restart, and one can be released by hand",
			Remedy: "nothing; nowcastd status shows them"})
	}
	if a.Rules != "" {
		x.about(Same, "rules from "+a.Rules+", unmodified, loaded again when they change", "", keys...)
	}
}

func (x *examination) ask(ctx context.Context, path string) (a answer, err error) {
	module := x.Config.Registry.NextWorkers
	if strings.HasSuffix(module, ".star") {
		module = ""
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	c := exec.CommandContext(ctx, path, "-c", askPython, module)
	c.Env, c.Dir, c.WaitDelay = x.Report.Environ, x.Directory, time.Second
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if ctx.Err() != nil {
		return a, fmt.Errorf("it took more than %v", askWithin)
	}
	if err != nil {
		return a, fmt.Errorf("%w\n%s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	last := out[bytes.LastIndexByte(bytes.TrimSpace(out), '\n')+1:] // packages may print when they are imported
	if err := json.Unmarshal(last, &a); err != nil {
		return a, fmt.Errorf("%s says %.200q: %w", filepath.Base(path), out, err)
	}
	return a, nil
}
