package control

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"nowcast/internal/core/wire"
)

const (
	maxInHand = 64                     // commands that are carried out at once; more wait in libzmq's queue
	linger    = 500 * time.Millisecond // for the last answers
)

// Handler carries out one command. It runs on a goroutine of its own, beside others; ctx ends when the daemon stops.
type Handler func(ctx context.Context, r Request) Reply

// Typed makes a Handler of a function that takes the command's arguments as their type and returns its result.
func Typed[A any](do func(ctx context.Context, r Request, args A) (result any, err error)) Handler {
	return func(ctx context.Context, r Request) Reply {
		var args A
		if len(r.Args) > 0 {
			if err := json.Unmarshal(r.Args, &args); err != nil {
				return Reply{Error: fmt.Sprintf("arguments of %s: %v", r.Command, err)}
			}
		}
		return Answer(do(ctx, r, args))
	}
}

// Answer makes a Reply of a result or an error.
func Answer(result any, err error) Reply {
	if err != nil {
		return Reply{Error: err.Error()}
	}
	if result == nil {
		return Reply{OK: true}
	}
	text, err := json.Marshal(result)
	if err != nil {
		return Reply{Error: fmt.Sprintf("the result cannot be told: %v", err)}
	}
	return Reply{OK: true, Result: text}
}

// ServerOptions say which daemon answers and where.
type ServerOptions struct {
	Endpoint string // the hub's socket for daemons
	Name     string // of the daemon: what clients call it
	Logger   *slog.Logger
	Now      func() time.Time // time.Now if nil
}

// Server carries out the commands that are sent to one daemon.
type Server struct {
	o        ServerOptions
	conn     *wire.Conn
	commands map[string]Handler // not changed once Run has begun
	inHand   inHand
	tokens   chan struct{} // one for each command that is carried out
	working  sync.WaitGroup
}

// NewServer connects to the broker's control hub, which need not be there yet and may restart. Handle follows, then
// Run, or Close.
func NewServer(o ServerOptions) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	conn, err := wire.Open(wire.Options{Kind: wire.Dealer, Identity: o.Name, Connect: []string{o.Endpoint}, Linger: linger})
	if err != nil {
		return nil, fmt.Errorf("connect to the control socket: %w", err)
	}
	return &Server{
		o: o, conn: conn, commands: map[string]Handler{},
		inHand: inHand{waiting: map[string][][]byte{}}, tokens: make(chan struct{}, maxInHand),
	}, nil
}

// Handle has a command carried out by h. A request that comes again after it was answered is carried out again: whoever
// changes something remembers by Request.ID what is done already.
func (s *Server) Handle(name string, h Handler) { s.commands[name] = h }

// Run carries out commands until ctx ends. Then it takes no more, waits for those in hand, sends their answers and
// closes the connection.
func (s *Server) Run(ctx context.Context) error {
	defer s.Close()
	defer s.working.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case batch, ok := <-s.conn.Receive():
			if !ok {
				return nil
			}
			for _, f := range batch {
				s.accept(ctx, f)
			}
		}
	}
}

// Close ends the connection of a Server that is not run; Run does it at its end.
func (s *Server) Close() error { return s.conn.Close() }

// accept begins to carry out a command, unless it is in hand. It waits while too many are in hand.
func (s *Server) accept(ctx context.Context, f wire.Frames) {
	if len(f) != 3 {
		s.o.Logger.Debug("malformed command dropped", "frames", len(f), "want", 3)
		return
	}
	client, id, body := f[0], string(f[1]), f[2]
	if !s.inHand.begin(id, client) {
		return
	}
	select {
	case s.tokens <- struct{}{}:
	case <-ctx.Done():
		s.finish(id, Reply{Error: "the " + s.o.Name + " is stopping", Again: true})
		return
	}
	s.working.Go(func() {
		defer func() { <-s.tokens }()
		s.work(ctx, id, body)
	})
}

// work carries out a command and answers it.
func (s *Server) work(ctx context.Context, id string, body []byte) {
	r := Request{}
	if err := json.Unmarshal(body, &r); err != nil {
		s.finish(id, Reply{Error: fmt.Sprintf("the command cannot be read: %v", err)})
		return
	}
	r.ID = id // what the answer goes by; a client has no reason to send another
	handler, known := s.commands[r.Command]
	if !known {
		names := slices.Sorted(maps.Keys(s.commands))
		s.finish(id, Reply{Error: fmt.Sprintf("the %s has no command %q: it has %s", s.o.Name, r.Command, strings.Join(names, ", "))})
		return
	}
	if late := s.o.Now().Sub(r.Expires); !r.Expires.IsZero() && late > 0 {
		s.o.Logger.Warn("command refused: it came too late", "command", r.Command, "author", r.Author, "late", late)
		s.finish(id, Reply{Again: true, Error: fmt.Sprintf("the command came %v after the time until which it was waited for; nothing was done", late)})
		return
	}
	s.finish(id, s.carryOut(ctx, handler, r))
}

// carryOut calls the handler. A panic is a bug in us; it costs this command and nothing else.
func (s *Server) carryOut(ctx context.Context, handler Handler, r Request) (reply Reply) {
	defer func() {
		if p := recover(); p != nil {
			s.o.Logger.Error("command panicked", "command", r.Command, "author", r.Author, "panic", p, "stack", string(debug.Stack()))
			reply = Reply{Error: fmt.Sprintf("%s: internal error in the %s, which goes on; its log says more: %v", r.Command, s.o.Name, p)}
		}
	}()
	return handler(ctx, r)
}

// finish answers a command to all who wait for it.
func (s *Server) finish(id string, r Reply) {
	text, err := json.Marshal(r)
	if err != nil { // Result is not JSON
		text, _ = json.Marshal(Reply{Error: fmt.Sprintf("the answer of the %s cannot be told: %v", s.o.Name, err)})
	}
	for _, client := range s.inHand.end(id) {
		if err := s.conn.Send(wire.Frames{client, []byte(id), text}); err != nil {
			s.o.Logger.Debug("answer dropped", "request", id, "err", err)
		}
	}
}
