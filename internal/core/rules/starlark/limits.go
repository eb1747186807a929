package starlark

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"go.starlark.net/starlark"
)

// Limits bound one call of a rule, or the loading of the files.
type Limits struct {
	Steps   int           // steps of the interpreter; default 10 million, about a second
	Time    time.Duration // wall time; default 5 s
	Depth   int           // calls within calls; default 1000, as in Python
	Workers int           // workers returned; default 1000
	Lines   int           // lines logged; default 1000
	Memory  int           // bytes that the heap may grow by while it runs; default 1 GiB
}

// defaultTime is how long a call may take unless the configuration has a rule time limit.
const defaultTime = 5 * time.Second

func (l Limits) withDefaults() Limits {
	return Limits{
		Steps:   cmp.Or(l.Steps, 10_000_000),
		Time:    cmp.Or(l.Time, defaultTime),
		Depth:   cmp.Or(l.Depth, 1000),
		Workers: cmp.Or(l.Workers, 1000),
		Lines:   cmp.Or(l.Lines, 1000),
		Memory:  cmp.Or(l.Memory, 1<<30),
	}
}

// stride is how many steps pass between two looks at the depth of calls. A call takes several steps, so the stack cannot
// grow dangerously in one stride.
const stride = 10_000

// limited runs f with a thread that is stopped at the limits. name is what runs, for log lines. A panic in the
// interpreter comes back as an error.
func (r *Rules) limited(ctx context.Context, name string, f func(*starlark.Thread) error) (err error) {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	t := r.thread(name)
	timer := time.AfterFunc(r.limits.Time, func() {
		t.Cancel(fmt.Sprintf("it took longer than the limit of %v", r.limits.Time))
	})
	defer timer.Stop()
	hunger := watchMemory(t, uint64(r.limits.Memory))
	defer hunger.stop()
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { t.Cancel(context.Cause(ctx).Error()) })
		defer stop()
	}
	defer func() {
		if p := recover(); p != nil {
			err = recovered(p, t)
		}
	}()
	return f(t)
}

func (r *Rules) thread(name string) *starlark.Thread {
	limit := uint64(r.limits.Steps)
	t := &starlark.Thread{Name: name}
	say := newSpeaker(r.log, r.limits.Lines)
	t.SetLocal(speakerKey, say)
	t.Print = func(t *starlark.Thread, text string) { say.info(t, text) }
	t.SetMaxExecutionSteps(min(stride, limit))
	t.OnMaxSteps = func(t *starlark.Thread) {
		switch steps := t.ExecutionSteps(); {
		case steps >= limit:
			t.Cancel(fmt.Sprintf("it took more than the limit of %d steps", limit))
		case t.CallStackDepth() > r.limits.Depth:
			t.Cancel(fmt.Sprintf("calls are nested more than %d deep", r.limits.Depth))
		default:
			t.SetMaxExecutionSteps(min(steps+stride, limit))
		}
	}
	return t
}

// recovered is the error for a panic in the interpreter or in a value of ours.
func recovered(p any, t *starlark.Thread) error {
	if assertion, ok := p.(*runtime.TypeAssertionError); ok && strings.HasSuffix(assertion.Error(), "starlark.dict, not *starlark.Dict") {
		return errors.New("a dict made by the rule stands left of == or != and one of the configuration, checklist or payload " +
			"on its right: exchange them")
	}
	return fmt.Errorf("panic in the Starlark interpreter while %s ran, please report this: %v\n%s", t.Name, p, debug.Stack())
}
