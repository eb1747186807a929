package manager

import (
	"context"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/config"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
)

// Requests is the connection to the broker. Each request has an envelope, an empty frame and one frame of message.
type Requests interface {
	Receive() <-chan []wire.Frames // batches in order of arrival; closed when the connection is
	Send(...wire.Frames) error
}

// Store makes effects durable. One goroutine at a time uses it, but for Held and Lost.
type Store interface {
	Load(context.Context) (*engine.State, error)
	Commit(context.Context, *engine.Effects) error // all of it or, with an error, nothing
	Message(ctx context.Context, id int64) (engine.Message, bool, error)
	Operation(ctx context.Context, id string) (engine.Operation, bool, error)

	// Prune removes at most so many rows of history that is older than before, or beyond maxBytes, and tells whether there is more.
	Prune(ctx context.Context, before time.Time, maxBytes int64, rows int) (more bool, err error)

	// Held tells whether the state is surely this manager's at this moment, and Lost is closed when it is another's. Both are safe
	// for concurrent use.
	Held() bool
	Lost() <-chan struct{}
}

// Rules say what comes after a worker. An error of After that is not NoFunction concerns that message only.
type Rules interface {
	After(ctx context.Context, m message.Message, checklist *pyyaml.Map) (launch.Next, error)
	Changed(checklist.Change)            // a change of the checklist that After is given; returns at once
	Refresh() (reloaded bool, err error) // cheap; an error leaves the good rules in use, and lasts until a version can be loaded
	Configure(*config.Config)            // the configuration for the calls that follow
	Module() string
	Functions() []string // the workers that have a rule
}

// Launcher makes processes. Start returns when the process exists. It is safe for concurrent use.
type Launcher interface {
	Argv(*config.Config, launch.NextWorker) ([]string, error)
	Start(l *launch.Launch) (launch.Started, error)
	Boot() string                       // which start of this machine it is
	OutputFile(l *launch.Launch) string // of a launch that is about to be started
	Adopt(l *launch.Launch)             // watch a process that an earlier manager started; an Exit follows
	// Recover tells whether a launch was started that an earlier manager recorded as starting. If not, it never will be by what
	// that manager asked for, and Start may be called. An error: it cannot be told.
	Recover(l *launch.Launch) (s launch.Started, started bool, err error)
	// Behind tells which of the candidates has the TCP connection from peer, "ip:port", to that port of this machine; 0: a process of
	// this machine that is none of them. seen is false if that cannot be told.
	Behind(peer string, port int, candidates []*launch.Launch) (id int64, seen bool)
	Kill(l *launch.Launch, signal string) (note string, err error) // also what Left returns
	Left(l *launch.Launch) []string                                // the processes that a launch which has ended has left in its session, as "4711 python3"
	Exits() <-chan launch.Exit
}

// Feed tells the world. Publish never blocks.
type Feed interface {
	Publish(topic string, body any)
	Position() (epoch string, seq map[string]uint64)
}
