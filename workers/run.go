package workers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/logging"
	"nowcast/internal/core/message"
	"nowcast/internal/core/notify"
	"nowcast/internal/core/wire"
)

// Run is a worker at work: its configuration, its command line, its log and its line to the manager. All of it may be
// used from several goroutines of Work.
type Run struct {
	Name string
	Log  *slog.Logger // the worker's log; see also Critical

	cfg       *config.Config
	flags     *Flags
	debug     bool
	launch    int64 // the launch that this process is, 0 if nobody's
	ctx       context.Context
	logs      *logging.Log
	feed      *feed.Publisher // nil if no broker of ours runs here
	sentry    *notify.Sentry  // nil if errors do not go there
	manager   *wire.Requester // nil with --debug
	endpoint  string
	stderr    io.Writer
	names     *names // of the messages
	warnEvery time.Duration
	sleep     func(context.Context, time.Duration) error
}

// Critical logs what someone must act on at once, as Log.Error does for the level below.
func (r *Run) Critical(text string, args ...any) {
	r.Log.Log(context.Background(), LevelCritical, text, args...)
}

// String returns the value of an argument or option that was declared with Argument or String.
func (r *Run) String(name string) string { return value[string](r.flags, name) }

// Int returns the value of an option that was declared with Int.
func (r *Run) Int(name string) int { return value[int](r.flags, name) }

// Float returns the value of an option that was declared with Float.
func (r *Run) Float(name string) float64 { return value[float64](r.flags, name) }

// Switch returns whether an option that was declared with Switch was given.
func (r *Run) Switch(name string) bool { return value[bool](r.flags, name) }

// Date returns the value of an option that was declared with Date.
func (r *Run) Date(name string) time.Time { return value[time.Time](r.flags, name) }

// ConfigFile returns the absolute path of the configuration file.
func (r *Run) ConfigFile() string { return r.cfg.File }

// Config returns the value at a path of keys in the configuration file, for example
//
//	w.Config("rivers", "stations", "USGS").(map[string]any)
//
// and nil if there is none. Without keys it returns the whole file. Values are plain data: nil, bool, int, *big.Int,
// float64, string, []byte, Date, time.Time, []any, map[string]any (map[any]any if a key is not a string), map[any]struct{}
// for a set, [][2]any for pairs. Each call returns a new copy.
func (r *Run) Config(keys ...any) any { return lookup(r.cfg.Values, keys) }

func launchID(lookupEnv func(string) (string, bool)) int64 {
	text, _ := lookupEnv("NOWCAST_LAUNCH")
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// openFeed connects the worker's log to the consoles, if there is a broker of ours on this machine.
func openFeed(cfg *config.Config, name string) (*feed.Publisher, error) {
	path, err := cfg.Socket(config.SocketFeedIn)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	endpoint, err := wire.IPC(path)
	if err != nil {
		return nil, err
	}
	return feed.NewPublisher(endpoint, name, feed.PublisherOptions{})
}

// connect prepares the line to the manager. Nothing is sent yet, and the broker need not be there.
func (r *Run) connect() {
	if r.debug {
		r.Log.Debug("**debug mode** no connection to manager")
		return
	}
	r.endpoint = wire.TCP(r.cfg.ZMQ.Host, r.cfg.ZMQ.WorkersPort)
	r.manager = wire.NewRequester(r.endpoint)
	r.Log.Info(fmt.Sprintf("connected to %s port %d", r.cfg.ZMQ.Host, r.cfg.ZMQ.WorkersPort))
}

func (r *Run) close() {
	if r.manager != nil {
		r.manager.Close()
	}
	r.logs.Close()
	r.sentry.Close()
	if r.feed != nil {
		if err := r.feed.Close(); err != nil {
			fmt.Fprintf(r.stderr, "%s: its last log records may be in no log of the log aggregator, as the broker did not take them: %v\n", r.Name, err)
		}
	}
}

// Reply is the manager's answer.
type Reply struct {
	Type    string // a key of message registry: manager
	Payload any    // plain data, as Config returns it
}

// Tell sends a message to the manager and waits for its reply, however long that takes. The type must be registered for
// the worker; the payload may be any plain data. With --debug nothing is sent, and the reply is empty. An error made because
// a type is not registered leads, if Work returns it, to the failure message.
func (r *Run) Tell(msgType string, payload any) (Reply, error) {
	reply, err := r.tell(r.ctx, msgType, payload)
	return Reply{Type: reply.Type, Payload: fromYAML(reply.Payload)}, err
}

func (r *Run) tell(ctx context.Context, msgType string, payload any) (message.Message, error) {
	var none message.Message
	words, err := r.words(msgType)
	if err != nil {
		return none, err
	}
	if r.debug {
		r.Log.Debug(fmt.Sprintf("**debug mode** message that would have been sent to manager: (%s %s)", msgType, words))
		return none, nil
	}
	v, err := toYAML(payload, "the payload of "+msgType, 0)
	if err != nil {
		return none, err
	}
	body := message.Message{Source: r.Name, Type: msgType, Payload: v, Launch: r.launch, ID: r.names.next()}.Encode()
	answer, err := r.exchange(ctx, msgType, words, body)
	if err != nil {
		return none, err
	}
	reply, err := message.Decode(answer, r.cfg.MessageLimit)
	if err != nil {
		return none, fmt.Errorf("the reply of the manager to %s: %w", msgType, err)
	}
	replyWords, ok := r.cfg.Registry.Manager[reply.Type]
	if !ok {
		return none, Errorf("message type not found for manager in %s message registry: %s", r.cfg.File, reply.Type)
	}
	r.Log.Debug(fmt.Sprintf("received message from %s: (%s) %s", reply.Source, reply.Type, replyWords))
	return reply, nil
}

// words returns the words registered for a type of message of this worker.
func (r *Run) words(msgType string) (string, error) {
	worker, ok := r.cfg.Registry.Workers[r.Name]
	if !ok {
		return "", Errorf("worker not found in %s message registry: %s", r.cfg.File, r.Name)
	}
	words, ok := worker.Types[msgType]
	if !ok {
		return "", Errorf("message type not found for %s worker in %s message registry: %s", r.Name, r.cfg.File, msgType)
	}
	return words, nil
}
