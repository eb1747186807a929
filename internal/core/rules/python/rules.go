package python

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/rules"
	"nowcast/internal/core/rules/watch"
)

// Limits of time.
const (
	defaultLimit = 10 * time.Second // of a call, and of loading a new version; rule time limit in the configuration
	startLimit   = time.Minute      // of starting an interpreter and importing the modules
)

// mostWaiting is how many bytes of changes wait for the next call. When there are more, the call sends the whole checklist.
const mostWaiting = 4 << 20

// Options are what Open needs.
type Options struct {
	Config *config.Config                                           // names the module and the interpreter
	Env    []string                                                 // environment of the helper
	Logger *slog.Logger                                             // for reloads, and for what rules print
	Record func(name string, level slog.Level, message, exc string) // takes what they log, by logger; exc is a traceback or ""
}

// Rules are the rules of one module and of the user's modules that it imports. They belong to one goroutine at a time.
type Rules struct {
	o      Options
	module string
	cfg    *config.Config

	live     *helper      // nil: there is none
	mistake  error        // why the newest version of the files is not used; nil: it is
	starting chan started // gets the next one, which is being started; nil: none is
	stop     func()       // gives up the one that is being started
	failed   error        // why the last one could not be started
	failedAt time.Time

	functions []string          // workers that have a rule, sorted
	sources   map[string]source // what the modules were loaded from: a new helper gets this, whatever has become of the files
	seen      []watch.Stamp     // the files as they were last looked at, good or bad
	frames    []byte            // for the live helper, with the next request: nothing is written at any other time
}

var _ interface {
	rules.Evaluator
	rules.Prober
} = (*Rules)(nil)

// Open starts a helper and loads the rules. Its error is an *rules.Error, and wraps fs.ErrNotExist if there is no such module.
func Open(o Options) (*Rules, error) {
	r := &Rules{o: o, module: o.Config.Registry.NextWorkers, cfg: o.Config}
	if _, err := r.helper(); err != nil {
		return nil, err
	}
	return r, nil
}

// Module returns the module's dotted name.
func (r *Rules) Module() string { return r.module }

// Functions returns the workers that have a rule, sorted.
func (r *Rules) Functions() []string { return slices.Clone(r.functions) }

// Configure has the rules see another configuration, and keep to its time limit. Its module and interpreter must be those of the
// one before: others take other rules (Open).
func (r *Rules) Configure(c *config.Config) { r.cfg = c }

// Close ends the helper.
func (r *Rules) Close() error {
	if r.starting != nil {
		r.stop()
		r.live = (<-r.starting).h
	}
	if r.live != nil {
		r.live.close()
	}
	return nil
}

// Changed has the helper told of a change with the next call: until then nobody looks.
func (r *Rules) Changed(ch checklist.Change) {
	if r.live == nil || !r.live.follows {
		return // it will be sent the whole
	}
	r.frames = appendFrame(r.frames, 'C', string(ch.Op), ch.Key, ch.Value)
	if len(r.frames) > mostWaiting {
		r.live.follows = false
		r.clearFrames()
	}
}

func (r *Rules) limit() time.Duration { return cmp.Or(r.cfg.RuleTimeLimit, defaultLimit) }

// After calls after_SOURCE(msg, config, checklist). It does not give up when ctx ends, but finishes what is in hand: the time
// limit is short enough.
func (r *Rules) After(_ context.Context, m message.Message, checklist *pyyaml.Map) (launch.Next, error) {
	return r.call(m.Source, checklist, 'A', m.Type, m.Payload)
}

// Probe calls a rule with placeholders for payload and checklist.
func (r *Rules) Probe(_ context.Context, worker, typ string, a rules.Assumption) (launch.Next, error) {
	return r.call(worker, nil, 'P', typ, a == rules.Everything)
}

func (r *Rules) call(worker string, checklist *pyyaml.Map, letter byte, typ string, about any) (launch.Next, error) {
	if _, ok := slices.BinarySearch(r.functions, worker); !ok {
		return launch.Next{}, rules.ErrNoFunction
	}
	function := "after_" + worker
	a, err := r.ask(function, checklist, letter, worker, typ, about)
	if err != nil {
		return launch.Next{}, err
	}
	if a.Loaded != nil { // it has imported something more
		r.adopt(a.Loaded, false)
	}
	if a.Next == nil {
		return launch.Next{}, r.failure(a, function)
	}
	n := a.Next.launches()
	r.warnOfEndlessBarrier(function, n.Await)
	return n, nil
}

func (r *Rules) failure(a *reply, function string) *rules.Error {
	if a.Failure == nil {
		return &rules.Error{Func: function, File: r.module, Message: "the process that runs the rules gave the answer to another question"}
	}
	return a.Failure.error(function, r.module)
}

// warnOfEndlessBarrier speaks up when a barrier waits for a name that no report will ever have.
func (r *Rules) warnOfEndlessBarrier(function string, await []string) {
	for _, element := range await {
		name, _ := launch.Awaited(element)
		if _, ok := r.cfg.Registry.Workers[name]; !ok {
			r.o.Logger.Warn(fmt.Sprintf("%s waits for %s, which is not in the message registry: the barrier must be released by hand", function, name))
		}
	}
}
