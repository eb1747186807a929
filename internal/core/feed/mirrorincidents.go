package feed

import "time"

// SourceAlerter is the daemon whose incidents a mirror shows: the only source of the stream incident.
const SourceAlerter = "alerter"

// incident takes an event of the stream incident.
func (m *Mirror) incident(e *Event, now time.Time) {
	if e.Source != SourceAlerter {
		m.counts.Ignored++
		return
	}
	m.listed(&m.rev.Incidents)(m.incidents.receive(e, now))
}

// NeedIncidents tells whether the alerter must be asked for the incidents: at first, when an event was missed, and when it has
// started anew and has not said anything yet. It does so until SetIncidents has brought an answer that will do.
func (m *Mirror) NeedIncidents() bool { return m.incidents.need() }

// SetIncidents takes over the alerter's answer to a question of the time asked. It changes nothing if an event has come since,
// which is as new or newer.
func (m *Mirror) SetIncidents(all []Incident, asked time.Time) {
	if m.incidents.set(all, asked, m.o.Now()) {
		m.rev.Incidents++
	}
}

// Incidents returns the incidents, all that are open and the newest that ended, oldest first, and false if the alerter was never
// heard.
func (m *Mirror) Incidents() ([]Incident, bool) { return m.incidents.all, m.incidents.known }

// IncidentsAsOf returns when the alerter was last heard of, by our own clock: the incidents are as of then. It is zero if never.
func (m *Mirror) IncidentsAsOf() time.Time { return m.incidents.heard }
