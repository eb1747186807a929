package logging

import (
	"fmt"
	"testing"

	"nowcast/internal/core/feed"
)

// pubhandlerScript publishes records with pyzmq's PUBHandler, set up as NEMO_Nowcast does, and answers what a subscriber got.
const pubhandlerScript = `
import json, logging, sys, zmq, zmq.log.handlers
context = zmq.Context()
sub, pub = context.socket(zmq.SUB), context.socket(zmq.PUB)
pub.bind("inproc://log")
sub.connect("inproc://log")
sub.setsockopt_string(zmq.SUBSCRIBE, "")
handler = zmq.log.handlers.PUBHandler(pub)
handler.root_topic = "manager"
handler.formatters = {level: logging.Formatter("%(message)s\n") for level in (10, 20, 30, 40, 50)}
logging.raiseExceptions = False
answers = []
for level, message, exc in json.load(sys.stdin):
    handler.emit(logging.makeLogRecord({"msg": message, "levelno": level, "levelname": logging.getLevelName(level), "exc_text": exc or None}))
while sub.poll(200):
    answers.append(repr(tuple(sub.recv_multipart())))
json.dump(answers, sys.stdout)
`

func TestTheFramesAreThoseOfPythonsPUBHandler(t *testing.T) {
	var records [][3]any
	for _, message := range []string{"launching make_plots", "", "two\nlines", "ends in newline\n", "☂ ünï", "100% {x} $y", "a: b"} {
		for i, level := range []int{10, 20, 30, 40, 50, 25, 5, 60} {
			records = append(records, [3]any{level, message, []string{"", "Traceback:\n  line\nboom", "one line"}[i%3]})
		}
	}
	var answers []string
	python(t, pubhandlerScript, "UTC", records, &answers)
	if len(answers) != 7*5 {
		t.Fatalf("got %d messages from Python, want one for each record of one of its levels", len(answers))
	}
	port := freePort(t)
	lines := subscribe(t, port)
	section := `
logging:
  publisher:
    version: 1
    handlers: {zmq_pub: {class: zmq.log.handlers.PUBHandler}}
    root: {level: 1, handlers: [zmq_pub]}
`
	l := open(t, loadPorts(t, section, fmt.Sprintf("manager: %d", port)), "manager", Daemon, Options{})
	for _, r := range records {
		var attrs []any
		if r[2] != "" {
			attrs = append(attrs, Exc(r[2].(string)))
		}
		l.Logger("manager").Log(t.Context(), feed.SlogLevel(r[0].(int)), r[1].(string), attrs...)
	}
	for i, answer := range answers {
		want(t, fmt.Sprint("message ", i), readLine(t, lines), answer)
	}
}
