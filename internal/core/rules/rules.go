// Package rules says what comes after a worker: which workers to launch, and which to wait for.
//
// It has the words for that (Evaluator, Error) and what every rule language shares: Check, which calls each rule with
// each registered message type, and Graph, which finds out what launches what. The languages live in packages
// below this one. The manager asks After in step 6c (specs: compat section 1) for each message that continues
// the day, between the checklist's update and the acknowledgement.
//
// Whatever the language, a rule cannot stop the manager: a rule that raises, loops or returns nonsense is an *Error,
// and a file with an error never replaces a good one.
package rules

import (
	"context"
	"errors"
	"fmt"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/config"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// ErrNoFunction says that the rules have no after_ function for a worker.
var ErrNoFunction = errors.New("no after_worker function")

// Error says that the user's rules failed, and where. Line and Col count from 1; 0 is unknown.
type Error struct {
	Func      string // after_ function that was called; "" while the file was loaded
	File      string
	Line, Col int
	Message   string
	Backtrace string // calls that led to it, outermost first; "" if there were none
	NoValue   bool   // the rule asked the payload, checklist or configuration for something that is not there
}

// Error starts with file:line, so that terminals and editors find the place.
func (e *Error) Error() string {
	where := e.File
	if e.Line > 0 {
		where += fmt.Sprintf(":%d", e.Line)
		if e.Col > 0 {
			where += fmt.Sprintf(":%d", e.Col)
		}
	}
	if e.Func != "" {
		where += ": " + e.Func
	}
	return where + ": " + e.Message
}

// Traceback returns the calls that led to it, for the log.
func (e *Error) Traceback() string { return e.Backtrace }

// Evaluator is a set of rules in some language. It belongs to one goroutine at a time.
type Evaluator interface {
	// After calls the rule for the worker that sent m. The checklist already has m's payload; it is the live one, and
	// neither it nor m's payload is kept or changed. It blocks until the rule returns or runs into its time limit.
	// The error is ErrNoFunction or an *Error.
	After(ctx context.Context, m message.Message, checklist *pyyaml.Map) (launch.Next, error)

	// Changed tells the rules of a change that was just made to the checklist, in order: rules that live in a process of
	// their own follow it with their copy. It returns at once.
	Changed(checklist.Change)

	// Refresh loads the rules again if they have changed. If the changed ones have an error, the good ones stay and
	// the error is returned, once for each bad version. It is cheap enough to be called before each After.
	Refresh() (reloaded bool, err error) // the error lasts until a version can be loaded

	// Configure gives the rules another configuration for the calls that follow. Which file they are loaded from does not
	// change.
	Configure(*config.Config)

	// Module names the rules as the configuration does.
	Module() string

	// Functions returns the names of the workers that have an after_ function, sorted.
	Functions() []string

	// Close frees what the rules hold. No other method may be called afterwards.
	Close() error
}

// Assumption is what Probe lets a rule find when it asks the payload or the checklist.
type Assumption int

// The assumptions a rule can be probed with.
const (
	Everything Assumption = iota // whatever is asked for is there
	Nothing                      // "is it there?" is answered with no; a value that is taken nevertheless is there
)

// Prober is an Evaluator that can call a rule with a made-up payload and checklist, which answer each lookup with a
// placeholder such as <payload[host]>. Placeholders may come back in the arguments and the host of a worker.
type Prober interface {
	Probe(ctx context.Context, worker, typ string, a Assumption) (launch.Next, error)
}
