package starlark

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/rules"
	"nowcast/internal/core/rules/watch"
)

// prefix begins the name of each function that is a rule.
const prefix = "after_"

// Options are what Open needs.
type Options struct {
	File     string           // the rules file: next workers module in the configuration
	Config   *pyyaml.Map      // the configuration as rules see it
	Registry *config.Registry // to warn of a barrier that waits for a worker that will never report; nil: no warning
	Logger   *slog.Logger     // for what rules print, and for reloads
	Limits   Limits           // zero fields: the defaults
	Now      func() time.Time // the clock of arrow.now; nil: time.Now
}

// Rules are the rules of one file and of the files it loads. They belong to one goroutine at a time.
type Rules struct {
	file     string
	registry *config.Registry
	log      *slog.Logger
	limits   Limits
	config   *dict
	builtins starlark.StringDict
	live     *program
	mistake  error         // why the newest version is not live; nil: it is
	seen     []watch.Stamp // the files as they were last looked at, good or bad
}

var _ interface {
	rules.Evaluator
	rules.Prober
} = (*Rules)(nil)

// Open loads a rules file. Its error is an *rules.Error if the file has a mistake, and wraps fs.ErrNotExist if there is none.
func Open(o Options) (*Rules, error) {
	now := o.Now
	if now == nil {
		now = time.Now
	}
	r := &Rules{
		file:     o.File,
		registry: o.Registry,
		log:      o.Logger,
		limits:   o.Limits.withDefaults(),
		config:   &dict{m: o.Config, where: path{key: "config"}},
	}
	r.builtins = starlark.StringDict{
		"NextWorker": starlark.NewBuiltin("NextWorker", newNextWorker),
		"arrow":      arrowModule(now),
		"log":        logModule(),
	}
	r.builtins.Freeze()
	p, seen, err := r.load()
	if err != nil {
		return nil, err
	}
	r.adopt(p, seen)
	return r, nil
}

func (r *Rules) adopt(p *program, seen []watch.Stamp) {
	r.live, r.seen = p, seen
	r.log.Info("next workers module loaded from " + r.file)
}

// Refresh loads the file again if it, or a file it loads, has changed. The outcome is logged here as well.
func (r *Rules) Refresh() (bool, error) {
	if !watch.Changed(r.seen) {
		return false, r.mistake
	}
	p, seen, err := r.load()
	if r.mistake = err; err != nil {
		r.seen = seen
		r.log.Error(err.Error() + "; the rules loaded before stay in use")
		return false, err
	}
	r.adopt(p, seen)
	return true, nil
}

// Configure has the rules see another configuration.
func (r *Rules) Configure(c *config.Config) {
	r.config = &dict{m: c.Values, where: path{key: "config"}}
	r.registry = &c.Registry
	r.limits.Time = cmp.Or(c.RuleTimeLimit, defaultTime)
}

// Changed does nothing: these rules see the manager's own checklist.
func (r *Rules) Changed(checklist.Change) {}

// Module returns the rules file.
func (r *Rules) Module() string { return r.file }

// Functions returns the workers that have a rule, sorted.
func (r *Rules) Functions() []string { return slices.Sorted(maps.Keys(r.live.after)) }

// Close has nothing to free.
func (r *Rules) Close() error { return nil }

// After calls after_SOURCE(msg, config, checklist).
func (r *Rules) After(ctx context.Context, m message.Message, checklist *pyyaml.Map) (launch.Next, error) {
	payload := wrap(m.Payload, path{key: "msg.payload"})
	return r.call(ctx, m.Source, m.Type, payload, &dict{m: checklist, where: path{key: "checklist"}})
}

// Probe calls a rule with placeholders for payload and checklist.
func (r *Rules) Probe(ctx context.Context, worker, typ string, a rules.Assumption) (launch.Next, error) {
	return r.call(ctx, worker, typ, newSymbol("payload", a), newSymbol("checklist", a))
}

func (r *Rules) call(ctx context.Context, worker, typ string, payload, checklist starlark.Value) (launch.Next, error) {
	fn, ok := r.live.after[worker]
	if !ok {
		return launch.Next{}, rules.ErrNoFunction
	}
	msg := &msgValue{source: worker, typ: typ, payload: payload}
	var result launch.Next
	err := r.limited(ctx, prefix+worker, func(t *starlark.Thread) error {
		v, err := starlark.Call(t, fn, starlark.Tuple{msg, r.config, checklist}, nil)
		if err != nil {
			return err
		}
		result, err = next(v, r.limits.Workers)
		return err
	})
	if err != nil {
		e := describe(err, prefix+worker, fn)
		e.NoValue = e.NoValue || payload == starlark.None && strings.Contains(e.Message, "NoneType")
		return launch.Next{}, e
	}
	r.warnOfEndlessBarrier(worker, result.Await)
	return result, nil
}

// warnOfEndlessBarrier speaks up when a barrier waits for a name that no report will ever have.
func (r *Rules) warnOfEndlessBarrier(worker string, await []string) {
	if r.registry == nil {
		return
	}
	for _, element := range await {
		name, _ := launch.Awaited(element)
		if _, ok := r.registry.Workers[name]; !ok {
			r.log.Warn(fmt.Sprintf("%s%s waits for %s, which is not in the message registry: the barrier must be released by hand", prefix, worker, name))
		}
	}
}

// describe makes an *rules.Error of whatever ended the call of fn as the rule name. What is wrong with the result has no line
// of its own: it is placed at the function.
func describe(err error, name string, fn *starlark.Function) *rules.Error {
	e := asError(err)
	e.Func = name
	if e.Line == 0 {
		at := fn.Position()
		e.File, e.Line = at.Filename(), int(at.Line)
	}
	return e
}
