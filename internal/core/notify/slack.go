package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"nowcast/internal/core/config"
)

// farewell is how long Close goes on sending what waits.
const farewell = 2 * time.Second

// SlackOptions are what Slack needs beside the configuration.
type SlackOptions struct {
	LookupEnv func(string) (string, bool) // finds webhook URLs
	Log       *slog.Logger
	Client    *http.Client // nil: one of its own; its Timeout and CheckRedirect are not used
}

// Slack sends what listed workers report to channels of Slack. Its methods are safe for concurrent use.
type Slack struct {
	o        SlackOptions
	client   *http.Client
	stopping chan struct{}   // closed by Close: no more waiting between attempts
	attempts context.Context // over when Close has waited long enough
	abandon  context.CancelFunc
	running  sync.WaitGroup // the goroutines of destinations, also of those that a configuration has left out since

	mu           sync.Mutex
	cfg          config.Slack            // guarded by mu, as is all below
	destinations map[string]*destination // by environment variable
	closed       bool
}

// NewSlack returns Slack as configured. Close ends it.
func NewSlack(o SlackOptions, cfg config.Slack) *Slack {
	s := &Slack{o: o, client: client(o.Client), stopping: make(chan struct{}), destinations: map[string]*destination{}}
	s.attempts, s.abandon = context.WithCancel(context.Background())
	s.Configure(cfg)
	return s
}

// Configure makes later reports go where cfg says. What waits for a channel that is no longer there is still sent.
func (s *Slack) Configure(cfg config.Slack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.cfg = cfg
	wanted := map[string]bool{}
	for _, c := range cfg.Channels {
		wanted[c.Variable] = true
		if webhook, ok := s.webhook(c.Variable); ok && s.destinations[c.Variable] == nil {
			d := newDestination(c.Variable, webhook, s.o.Log)
			s.destinations[c.Variable] = d
			s.running.Go(func() { d.run(s.attempts, s.stopping, s.client) })
		}
	}
	for variable, d := range s.destinations {
		if !wanted[variable] {
			d.close()
			delete(s.destinations, variable)
		}
	}
}

// webhook returns the URL in a variable. One that is not set is the business of each report, as in the reference.
func (s *Slack) webhook(variable string) (string, bool) {
	value, _ := s.o.LookupEnv(variable)
	value = strings.TrimSpace(value)
	if value == "" {
		return "", false
	}
	if u, err := url.Parse(value); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		s.o.Log.Warn("nothing is sent to Slack for environment variable " + variable + ": its value is not a webhook URL, https://...: correct it and restart the manager")
		return "", false
	}
	return value, true
}

// Report queues a message for each channel that lists the worker.
func (s *Slack) Report(worker, typ string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var body []byte
	for _, c := range s.cfg.Channels {
		if s.closed || !slices.Contains(c.Workers, worker) {
			continue
		}
		if value, _ := s.o.LookupEnv(c.Variable); value == "" {
			s.o.Log.Debug("slack notification environment variable not found: " + c.Variable)
			continue
		}
		if d := s.destinations[c.Variable]; d != nil {
			if body == nil {
				body = text(worker, typ, s.cfg)
			}
			d.add(notice{worker: worker, typ: typ, body: body, queued: time.Now()})
		}
	}
}

// text returns the body of the request.
func text(worker, typ string, cfg config.Slack) []byte {
	t := worker + ": " + typ
	if cfg.LogURL != "" {
		t += "\nLog: " + cfg.LogURL
	}
	if cfg.ChecklistURL != "" {
		t += "\nChecklist: " + cfg.ChecklistURL
	}
	body, err := json.Marshal(map[string]string{"text": t})
	if err != nil {
		panic(err) // strings are always JSON
	}
	return body
}

// Close sends what waits, for two seconds, and says what was not sent.
func (s *Slack) Close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	for _, d := range s.destinations {
		d.close()
	}
	s.mu.Unlock()
	if first {
		close(s.stopping)
	}
	late := time.AfterFunc(farewell, s.abandon)
	defer late.Stop()
	s.running.Wait()
}

// client returns a client that never turns a POST into a GET: the message would be lost, and the answer could be a success.
func client(given *http.Client) *http.Client {
	c := *cmp.Or(given, &http.Client{})
	c.Timeout = attemptTime
	c.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.Method != http.MethodPost || len(via) > 5 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &c
}
