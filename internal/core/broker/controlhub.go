package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"nowcast/internal/core/wire"
)

// controlHub passes commands from clients (consoles, the command line) to daemons by name, and the answers back.
//
// What is on the wire, without the identity that a ROUTER adds and takes away:
//
//	client sends    [request id, daemon name, body]      client receives  [request id, answer]
//	daemon receives [client id, request id, body]        daemon sends     [client id, request id, answer]
//
// Daemons are DEALERs whose identity is their name. A new one takes the name from an old one, so a restarted daemon is
// reached at once. A daemon that dies with a command in hand never answers it: the client's time-out is for that, and
// commands are idempotent by id.
type controlHub struct {
	logger           *slog.Logger
	clients, daemons *wire.Conn
}

// maxControlMessage is well above any command or snapshot.
const maxControlMessage = 256 << 20

func newControlHub(o Options) (*controlHub, error) {
	h := &controlHub{logger: o.Logger}
	common := wire.Options{
		Kind: wire.Router, Handover: true, MaxMessage: maxControlMessage, KeepaliveIdle: keepaliveIdle, Linger: lingerReplies,
	}
	clients, daemons := common, common
	clients.Bind = []string{o.ControlClients}
	daemons.Bind = []string{o.ControlDaemons}
	daemons.Mandatory = true
	daemons.Undelivered = h.answerForAbsent
	var err error
	if h.clients, err = wire.Open(clients); err != nil {
		return nil, fmt.Errorf("broker: control, clients: %w", err)
	}
	if h.daemons, err = wire.Open(daemons); err != nil {
		h.clients.Close()
		return nil, fmt.Errorf("broker: control, daemons: %w", err)
	}
	return h, nil
}

func (h *controlHub) close() {
	// Daemons first: the answers they have given can still reach the clients.
	h.daemons.Close()
	h.clients.Close()
}

func (h *controlHub) run(ctx context.Context) error {
	defer h.close()
	for {
		var err error
		select {
		case batch := <-h.clients.Receive():
			err = h.pass(batch, h.daemons, h.command)
		case batch := <-h.daemons.Receive():
			err = h.pass(batch, h.clients, h.answer)
		case <-ctx.Done():
			return nil
		}
		if err != nil {
			return fmt.Errorf("broker: pass on control messages: %w", err)
		}
	}
}

// pass sends on what convert makes of a batch.
func (h *controlHub) pass(batch []wire.Frames, to *wire.Conn, convert func(wire.Frames) (wire.Frames, bool)) error {
	converted := make([]wire.Frames, 0, len(batch))
	for _, frames := range batch {
		if c, ok := convert(frames); ok {
			converted = append(converted, c)
		}
	}
	return to.Send(converted...)
}

// command turns [client, request, daemon, body] into [daemon, client, request, body].
func (h *controlHub) command(f wire.Frames) (wire.Frames, bool) {
	if len(f) != 4 {
		h.logger.Debug("malformed command dropped", "frames", len(f), "want", 4)
		return nil, false
	}
	return wire.Frames{f[2], f[0], f[1], f[3]}, true
}

// answer turns [daemon, client, request, body] into [client, request, body].
func (h *controlHub) answer(f wire.Frames) (wire.Frames, bool) {
	if len(f) != 4 {
		h.logger.Debug("malformed answer dropped", "frames", len(f), "want", 4)
		return nil, false
	}
	return f[1:], true
}

// answerForAbsent answers a command whose daemon cannot be reached. It runs in the goroutine that owns the daemons' socket;
// the clients' socket is a ROUTER, which never makes its senders wait.
func (h *controlHub) answerForAbsent(f wire.Frames, reason error) {
	daemon := string(f[0])
	message := fmt.Sprintf("no %s is connected: start it with nowcastd up or nowcastd %s, then try again", daemon, strings.ReplaceAll(daemon, "_", "-"))
	again := true // control.Reply: nothing was done, and the daemon may be starting
	if errors.Is(reason, wire.ErrPeerBusy) {
		again = false
		message = fmt.Sprintf("the %s is connected but does not read its commands: look at its log, restart it if it hangs", daemon)
	}
	body, err := json.Marshal(struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
		Again bool   `json:"again,omitempty"`
	}{false, message, again})
	if err != nil {
		panic(fmt.Sprintf("broker: marshal three plain fields: %v", err))
	}
	if err := h.clients.Send(wire.Frames{f[1], f[2], body}); err != nil {
		h.logger.Debug("answer dropped, the control port is closing", "daemon", daemon)
	}
}
