package alerter

import "nowcast/internal/core/feed"

// Name is the alerter's name, as a command, in log and feed.
const Name = "alerter"

// DaemonKey is the key of every alert that says that a daemon is not there, by the name of its command or of itself.
func DaemonKey(name string) string {
	if own, ok := commands[name]; ok {
		name = own
	}
	return "daemon " + name
}

// commands are daemons that are called otherwise in log and feed than on the command line.
var commands = map[string]string{"broker": "message_broker", "log-aggregator": "log_aggregator"}

// Daemons that a forecast cannot do without, if there is something for them to do.
const (
	scheduler     = "scheduler"
	logAggregator = "log_aggregator"
)

var watched = []string{sourceBroker, feed.SourceManager, scheduler, logAggregator}

// Needs says which daemons the configuration has work for, beside broker and manager.
type Needs struct{ Scheduler, LogAggregator bool }

// expects tells whether something is wrong if a daemon is not there.
func (n Needs) expects(m *feed.Mirror, name string) bool {
	switch name {
	case scheduler:
		return n.Scheduler
	case logAggregator: // it keeps the history, if it is run at all
		_, heard := m.Daemon(name)
		return n.LogAggregator || heard
	}
	return name == sourceBroker || name == feed.SourceManager
}

// foreignManager tells whether a manager of another make, which has no heartbeat, is connected to the broker. One of ours that is killed or
// hangs is none: it has not said that it stops.
func foreignManager(m *feed.Mirror) bool {
	if d, known := m.Daemon(feed.SourceManager); known && !d.Stopped {
		return false
	}
	broker, known := m.Daemon(sourceBroker)
	return known && !broker.Stopped && broker.Waiting != nil && broker.Waiting.Managers > 0
}
