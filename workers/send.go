package workers

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
)

// Note is one message that somebody wants to send in the name of a worker.
type Note struct {
	ConfigFile string
	Name       string // the worker
	Type       string
	Payload    string // YAML; "" is none
	LookupEnv  func(string) (string, bool)
	Log        *slog.Logger // told when the manager does not answer; nil: nobody is
}

// Answer is the manager's reply to a Note.
type Answer struct {
	Type    string // a key of message registry: manager
	Words   string // the words registered for it
	Payload string // YAML; "" if there is none
}

// Send sends a message to the manager, as a worker would, and waits for the reply until ctx ends. Types are checked before it
// is sent.
func Send(ctx context.Context, n Note) (Answer, error) {
	cfg, err := config.Load(n.ConfigFile, n.LookupEnv)
	if err != nil {
		return Answer{}, err
	}
	payload, err := pyyaml.Decode([]byte(n.Payload))
	if err != nil {
		return Answer{}, fmt.Errorf("the payload is not YAML: %w", err)
	}
	if n.Log == nil {
		n.Log = slog.New(slog.DiscardHandler)
	}
	endpoint := wire.TCP(cfg.ZMQ.Host, cfg.ZMQ.WorkersPort)
	r := &Run{Name: n.Name, Log: n.Log, cfg: cfg, launch: launchID(n.LookupEnv), endpoint: endpoint, warnEvery: 10 * time.Second, names: newNames()}
	r.manager = wire.NewRequester(endpoint)
	defer r.manager.Close()
	reply, err := r.tell(ctx, n.Type, yamlValue{payload})
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Type: reply.Type, Words: cfg.Registry.Manager[reply.Type]}
	if reply.Payload != nil {
		a.Payload = string(pyyaml.Encode(reply.Payload))
	}
	return a, nil
}
