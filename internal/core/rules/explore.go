package rules

import (
	"context"
	"errors"
	"slices"
	"strings"

	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// outcome is what the rule for one message type did under the circumstances it was called in.
type outcome struct {
	worker, typ string
	next        []launch.Next // what it returned, one for each circumstance in which it did return
	plain       error         // what it died of with a null payload and an empty checklist; nil if it returned
	probed      error         // what it died of with everything there; nil if it returned
	prober      bool          // whether it was probed at all
}

// explore calls the rule of each registered worker that has one with each of its message types that continue the day,
// in order of names. Success types come before the others, because they are what a reader looks for.
func explore(ctx context.Context, reg config.Registry, e Evaluator) []outcome {
	functions := e.Functions()
	var all []outcome
	for _, worker := range sortedWorkers(reg) {
		if !slices.Contains(functions, worker) {
			continue
		}
		for _, typ := range continueTypes(reg.Workers[worker]) {
			all = append(all, tryType(ctx, e, worker, typ))
		}
	}
	return all
}

func sortedWorkers(reg config.Registry) []string {
	var names []string
	for name := range reg.Workers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// continueTypes are the types for which a rule is asked (specs: compat section 1, step 6).
func continueTypes(w config.Worker) []string {
	var types []string
	for typ := range w.Types {
		if typ != message.TypeClear && typ != message.TypeNeed {
			types = append(types, typ)
		}
	}
	slices.SortFunc(types, func(a, b string) int {
		if sa, sb := isSuccess(a), isSuccess(b); sa != sb {
			if sa {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return types
}

func isSuccess(typ string) bool { return strings.HasPrefix(typ, "success") }

func tryType(ctx context.Context, e Evaluator, worker, typ string) outcome {
	o := outcome{worker: worker, typ: typ}
	add := func(n launch.Next, err error) error {
		if err == nil {
			o.next = append(o.next, n)
		}
		return err
	}
	o.plain = add(e.After(ctx, message.Message{Source: worker, Type: typ}, pyyaml.NewMap(0)))
	if p, ok := e.(Prober); ok {
		o.prober = true
		o.probed = add(p.Probe(ctx, worker, typ, Everything))
		// What a rule dies of when nothing is there says nothing about it: it may have looked first and been lied to.
		_ = add(p.Probe(ctx, worker, typ, Nothing))
	}
	return o
}

// needsData tells whether the rule failed only because there was no payload and no checklist.
func (o outcome) needsData() bool {
	if o.plain == nil {
		return false
	}
	if o.prober && o.probed == nil {
		return true
	}
	var e *Error
	return errors.As(o.plain, &e) && e.NoValue
}
