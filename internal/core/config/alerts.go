package config

import "time"

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
	URL     string   // of slack, webhook: environment variable that has the URL (as SLACK... do), or the URL; of sentry: "" is SENTRY_DSN
	To      []string // of mail
	From    string   // of mail
	Server  string   // of mail: host:port
	Kinds   []string // only alerts of these kinds; nil all
	Workers []string // only alerts about these workers; nil all
}

// ClockTime is a local time of day.
type ClockTime struct{ Hour, Minute int }

// alerts reads alerts.
func (c *Config) alerts(top node) {}
