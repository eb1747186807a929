package config

import (
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	kinds "nowcast/internal/core/kind"
	"nowcast/internal/core/pyyaml"
)

// Alerts is the section alerts: where the alerter sends incidents.
type Alerts struct {
	Destinations []Destination
	AllWell      *ClockTime    // all well: when a daily message is sent if nothing is open; nil never
	Ping         string        // ping: URL, or the environment variable that has it; "" none
	PingEvery    time.Duration // ping every; default 5 min
	DiskFree     int64         // disk free: bytes below which the disk of the state directory or of a log file is an alert; default 1 GB
	Remind       time.Duration // remind: how long an incident nobody has acknowledged stays before it is sent again; 0 never
	Limit        int           // limit: messages an hour to one destination before they are summed up in one; default 30
}

// Destination is one place that incidents are sent to.
type Destination struct {
	Kind    string   // "slack", "mail", "webhook" or "sentry"
	URL     string   // of slack, webhook: environment variable that has the URL (as SLACK... do), or the URL; of sentry: the variable with the DSN
	To      []string // of mail
	From    string   // of mail
	Server  string   // of mail: host:port
	Kinds   []string // only alerts of these kinds; nil all
	Workers []string // only alerts about these workers; nil all
}

// Kinds of destinations.
const (
	ToSlack   = "slack"
	ToMail    = "mail"
	ToWebhook = "webhook"
	ToSentry  = "sentry"
)

// Name is what a destination is called on the screen and in the alerter's file. No URL is in it: they are secrets.
func (d Destination) Name() string {
	switch {
	case d.Kind == ToMail:
		return ToMail + " " + strings.Join(d.To, ", ")
	case strings.Contains(d.URL, "://"):
		if u, err := url.Parse(d.URL); err == nil {
			return d.Kind + " " + u.Host
		}
		return d.Kind
	}
	return d.Kind + " " + d.URL
}

// Takes tells whether an alert of this kind, about this worker, is for the destination.
func (d Destination) Takes(kind, worker string) bool {
	return (d.Kinds == nil || slices.Contains(d.Kinds, kind)) && (d.Workers == nil || slices.Contains(d.Workers, worker))
}

// ClockTime is a local time of day.
type ClockTime struct{ Hour, Minute int }

const sentryVariable = "SENTRY_DSN"

// allWell among the kinds of a destination stands for the daily message.
const allWell = "all well"

// alerts reads alerts.
func (c *Config) alerts(top node) {
	a := &c.Alerts
	a.PingEvery, a.DiskFree, a.Limit = 5*time.Minute, 1_000_000_000, 30
	n, ok := top.section("alerts", "")
	if !ok {
		return
	}
	n.onlyKeys([]string{ToSlack, ToMail, ToWebhook, ToSentry, "all well", "ping", "ping every", "disk free", "remind", "limit"})
	for _, kind := range []string{ToSlack, ToMail, ToWebhook, ToSentry} {
		if d, ok := n.child(kind); ok {
			a.Destinations = append(a.Destinations, d.destinations(kind, c.Registry.Workers)...)
		}
	}
	if d, ok := n.child("all well"); ok {
		a.AllWell = d.clockTime()
	}
	if d, ok := n.child("ping"); ok {
		a.Ping = d.urlOrVariable()
	}
	if d, ok := n.child("ping every"); ok {
		if a.PingEvery = d.duration(); a.PingEvery > 0 && a.PingEvery < 10*time.Second {
			d.errorf("give 10 s or more, and the other side a grace time of several of them", "is shorter than 10 s")
		}
	}
	if d, ok := n.child("disk free"); ok {
		a.DiskFree = int64(d.size())
	}
	if d, ok := n.child("remind"); ok {
		if a.Remind = d.duration(); a.Remind > 0 && a.Remind < time.Minute {
			d.errorf("give 1 min or more, e.g. 1 h", "is shorter than a minute")
		}
	}
	if d, ok := n.child("limit"); ok {
		a.Limit = d.count("how many messages an hour go to one destination before they are summed up, e.g. 30")
	}
}

// destinations reads all destinations of a kind, a list of mappings or one mapping.
func (n node) destinations(kind string, workers map[string]Worker) (all []Destination) {
	nodes := []node{n}
	if _, isList := n.value.([]pyyaml.Value); isList {
		nodes = n.items()
	}
	for _, c := range nodes {
		if _, isMap := c.value.(*pyyaml.Map); !isMap {
			c.errorf("write a list of destinations below it, e.g. "+destinationExample[kind], "is %s, not a mapping", describe(c.value))
			continue
		}
		d := c.destination(kind)
		if w, ok := c.child("kinds"); ok {
			d.Kinds = w.texts(`kinds of alerts, e.g. [worker crashed, late, daemon down]`)
			for _, name := range d.Kinds {
				if !kinds.Known(name) && name != allWell {
					w.errorf("give some of "+strings.Join(append(kinds.All(), allWell), ", "), "has %q, which is no kind of alert: nothing would ever be sent for it", name)
				}
			}
		}
		if w, ok := c.child("workers"); ok {
			d.Workers = w.texts(`workers, e.g. [run_NEMO, watch_NEMO]`)
			for _, name := range d.Workers {
				if _, ok := workers[name]; !ok && len(workers) > 0 {
					w.warnf("correct its spelling or register the worker", "has %q, which is not in message registry: workers", name)
				}
			}
		}
		if slices.ContainsFunc(all, func(o Destination) bool { return o.Name() == d.Name() }) {
			c.errorf("join the two, or give one of them another environment variable", "is %s once more: messages to it have one queue", d.Name())
		}
		all = append(all, d)
	}
	return all
}

var destinationExample = map[string]string{
	ToSlack:   "- url: SLACK_ALERTS",
	ToMail:    "- {to: [ops@example.org], from: nowcast@example.org, server: \"localhost:25\"}",
	ToWebhook: "- url: WEBHOOK_URL",
	ToSentry:  "sentry: {}",
}

// destination reads what is special to a kind.
func (n node) destination(kind string) Destination {
	d := Destination{Kind: kind}
	switch kind {
	case ToMail:
		n.onlyKeys([]string{"to", "from", "server", "kinds", "workers"})
		to, ok := n.child("to")
		if !ok {
			to.errorf("give addresses, e.g. to: [ops@example.org]", "is missing")
		} else if d.To = to.texts("addresses, e.g. [ops@example.org]"); !addresses(d.To) {
			to.errorf("write them as name@example.org", "has something that is no mail address")
		}
		var from, server node
		if d.From, from = n.text("from", "give the sender's address, e.g. from: nowcast@example.org"); d.From != "" && !addresses([]string{d.From}) {
			from.errorf("write it as name@example.org", "is %q, not a mail address", d.From)
		}
		if d.Server, server = n.text("server", `name the mail server, e.g. server: "localhost:25"`); d.Server != "" {
			if host, port, err := net.SplitHostPort(d.Server); err != nil || host == "" || port == "" {
				server.errorf(`write host and port, e.g. server: "localhost:25"`, "is %q, not host:port", d.Server)
			}
		}
	case ToSentry:
		n.onlyKeys([]string{"kinds", "workers"})
		d.URL = sentryVariable
		n.variable(sentryVariable)
	default:
		n.onlyKeys([]string{"url", "kinds", "workers"})
		if u, ok := n.child("url"); ok {
			d.URL = u.urlOrVariable()
		} else {
			u.errorf("name the environment variable that has it, e.g. "+destinationExample[kind], "is missing")
		}
	}
	return d
}

// urlOrVariable reads a URL, or the environment variable that has it.
func (n node) urlOrVariable() string {
	text, _ := n.value.(string)
	switch {
	case strings.HasPrefix(text, "https://"), strings.HasPrefix(text, "http://"):
		if u, err := url.Parse(text); err != nil || u.Host == "" {
			n.errorf("correct it", "is not a URL")
		}
	case text == "" || strings.ContainsAny(text, " :/"):
		n.errorf("name the environment variable that has the URL, or give the URL, https://...", "is %s, neither an environment variable nor a URL", describe(n.value))
	default:
		n.variable(text)
	}
	return text
}

// variable warns of an environment variable that is not set here. It may be set where the daemons run.
func (n node) variable(name string) {
	if value, ok := n.lookup(name); !ok || value == "" {
		n.warnf("set it for the daemons, e.g. export "+name+"=https://...", "environment variable %s is not set here; where the alerter finds none, nothing is sent there", name)
	}
}

// texts reads a list of text, or one.
func (n node) texts(remedy string) (all []string) {
	if text, ok := n.value.(string); ok && text != "" {
		return []string{text}
	}
	for _, c := range n.items() {
		text, ok := c.value.(string)
		if !ok || text == "" {
			c.errorf("give "+remedy, "is %s, not text", describe(c.value))
			continue
		}
		all = append(all, text)
	}
	if list, isList := n.value.([]pyyaml.Value); !isList {
		n.errorf("give "+remedy, "is %s, not a list", describe(n.value))
	} else if len(list) == 0 {
		n.errorf("give "+remedy+", or delete the key", "is empty")
	}
	return all
}

func addresses(all []string) bool {
	return !slices.ContainsFunc(all, func(text string) bool {
		_, err := mail.ParseAddress(text)
		return err != nil
	})
}

// clockTime reads a local time of day.
func (n node) clockTime() *ClockTime {
	text := n.timeOfDay()
	if text == "" {
		return nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		n.errorf(`write hours and minutes in quotes, e.g. "08:00"`, "is %q, not a time of day", text)
		return nil
	}
	return &ClockTime{t.Hour(), t.Minute()}
}
