package faults

import (
	"slices"

	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
)

// Told is what a webhook of the alerter was sent.
type Told struct {
	Key      string         `json:"key"` // the same if it comes again
	What     string         `json:"what"`
	Incident *feed.Incident `json:"incident"`
}

// alarms: I8, no alarm is missed and none is doubled. One that comes again has the key that it had: the other side knows it.
func (c *checker) alarms() {
	if c.Told == nil {
		return
	}
	for _, a := range missed(c.Alerts, c.Told) {
		c.r.lost("I8: nobody was told of the alert %q about %s: %s", a.Kind, a.Key, a.Message)
	}
	keys := map[string][]string{} // by what was told about what
	for _, t := range c.Told {
		c.r.Alarms++
		if t.Incident == nil {
			continue
		}
		what := t.What + " " + t.Incident.Source + " " + t.Incident.Key
		if slices.Contains(keys[what], t.Key) {
			c.r.Repeated++
			continue
		}
		if keys[what] = append(keys[what], t.Key); len(keys[what]) > 1 {
			c.r.doubled("I8: %s was told %d times, with different keys", what, len(keys[what]))
		}
	}
}

// missed returns the alerts that nobody was told of, neither by themselves nor as consequences of others.
func missed(alerts []engine.Alert, told []Told) (all []engine.Alert) {
	known := map[string]bool{}
	for _, t := range told {
		if t.Incident == nil {
			continue
		}
		known[t.Incident.Key] = true
		for _, a := range t.Incident.Consequences {
			known[a.Key] = true
		}
	}
	for _, a := range alerts {
		if !known[a.Key] && !known[a.Because] {
			all = append(all, a)
		}
	}
	return all
}
