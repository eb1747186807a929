package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/getsentry/sentry-go"

	"nowcast/internal/core/config"
)

// Alarm is one message of the alerter to one place outside.
type Alarm struct {
	Key     string    // the same at every attempt, and of no other alarm: the other side can tell that one has come twice
	Subject string    // one line
	Text    string    // all of it, for people
	Body    any       // for a webhook, as JSON
	Bad     bool      // false: good news
	Time    time.Time // when it was decided to send it
}

// Attempt is what there is to say about an attempt beside its error.
type Attempt struct {
	Final      bool          // another one would end the same way, unless somebody corrects something on this or the other side
	RetryAfter time.Duration // how long the other side wants to be left alone
	Note       string        // it has arrived, but not everywhere
}

// Outlet sends alarms to one destination of alerts. It keeps nothing and repeats nothing: that is up to the alerter, who knows what is
// durable. Its methods are safe for concurrent use.
type Outlet struct {
	send func(ctx context.Context, a Alarm) (Attempt, error)
}

// NewOutlet returns the way to a destination. The error says what is missing, without a secret.
func NewOutlet(d config.Destination, lookup func(string) (string, bool)) (*Outlet, error) {
	if d.Kind == config.ToMail {
		return &Outlet{send: mailer{to: d.To, from: d.From, server: d.Server}.send}, nil
	}
	to, err := URL(d.URL, lookup)
	if err != nil {
		return nil, err
	}
	web := web{client: client(nil), to: to}
	switch d.Kind {
	case config.ToSlack:
		return &Outlet{send: web.slack}, nil
	case config.ToSentry:
		if web.dsn, err = sentry.NewDsn(to); err != nil {
			return nil, fmt.Errorf("environment variable %s has no DSN of Sentry, https://KEY@HOST/PROJECT: correct it and restart the alerter", d.URL)
		}
		return &Outlet{send: web.sentry}, nil
	}
	return &Outlet{send: web.hook}, nil
}

// Send makes one attempt, which takes no longer than ctx allows and no longer than 30 seconds. The error contains no URL.
func (o *Outlet) Send(ctx context.Context, a Alarm) (Attempt, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*attemptTime)
	defer cancel()
	return o.send(ctx, a)
}

// URL returns what is given as a URL or as the environment variable that has it.
func URL(given string, lookup func(string) (string, bool)) (string, error) {
	if strings.Contains(given, "://") {
		return given, nil
	}
	value, _ := lookup(given)
	if value = strings.TrimSpace(value); !strings.HasPrefix(value, "http://") && !strings.HasPrefix(value, "https://") {
		return "", fmt.Errorf("environment variable %s has no URL, https://...: set it and restart the alerter", given)
	}
	return value, nil
}

// Fetch gets a URL, for which any answer below 300 is a success.
func Fetch(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTime)
	defer cancel()
	_, err := request(ctx, client(nil), http.MethodGet, url, nil, nil, "the URL that is given")
	return err
}

// web is what is reached by HTTP.
type web struct {
	client *http.Client
	to     string
	dsn    *sentry.Dsn
}

func (w web) post(ctx context.Context, to string, body []byte, header map[string]string) (Attempt, error) {
	a, err := request(ctx, w.client, http.MethodPost, to, body, header, "the settings of the other side")
	return Attempt{Final: a.final, RetryAfter: a.retryAfter}, err
}

func (w web) slack(ctx context.Context, a Alarm) (Attempt, error) {
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(a.Text) // else a text could mention everybody
	body, _ := json.Marshal(map[string]string{"text": escaped})
	return w.post(ctx, w.to, body, map[string]string{"Content-Type": "application/json"})
}

func (w web) hook(ctx context.Context, a Alarm) (Attempt, error) {
	body, err := json.Marshal(a.Body)
	if err != nil {
		return Attempt{Final: true}, err
	}
	return w.post(ctx, w.to, body, map[string]string{"Content-Type": "application/json", "Idempotency-Key": a.Key})
}

// sentry sends an event whose id is made of the alarm's key: Sentry keeps one of each id.
func (w web) sentry(ctx context.Context, a Alarm) (Attempt, error) {
	e := sentry.NewEvent()
	e.EventID = sentry.EventID(digest(a.Key)[:32])
	e.Message, e.Timestamp, e.Level, e.Logger, e.Release = cut(a.Subject, longestMessage), a.Time, sentry.LevelInfo, "alerter", release()
	if a.Bad {
		e.Level = sentry.LevelError
	}
	e.Contexts["alert"] = sentry.Context{"text": cut(a.Text, longestDetail)}
	item, err := json.Marshal(e)
	if err != nil {
		return Attempt{Final: true}, err
	}
	head, _ := json.Marshal(map[string]any{"event_id": e.EventID, "sent_at": time.Now().UTC()})
	envelope := fmt.Appendf(nil, "%s\n{\"type\":\"event\",\"length\":%d}\n%s\n", head, len(item), item)
	header := w.dsn.RequestHeaders()
	header["Content-Type"] = "application/x-sentry-envelope"
	return w.post(ctx, w.dsn.GetAPIURL().String(), envelope, header)
}
