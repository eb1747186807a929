package alerter

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

// expected are the daemons that a forecast cannot do without.
var expected = []string{"message_broker", "manager", "scheduler", "log_aggregator"}
