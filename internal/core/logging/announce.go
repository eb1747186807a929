package logging

import (
	"slices"
	"strconv"
	"strings"
)

// Announce writes what every process says first (specs: compat section 9), and then what of the configuration is not done.
func (l *Log) Announce() {
	t := l.tree.Load()
	logger := l.Logger(l.name)
	logger.Info("running in process " + strconv.Itoa(l.pid))
	logger.Info("read config from " + t.c.File)
	logger.Info(l.whereTo(t))
	for _, w := range t.warnings {
		logger.Warn(w)
	}
}

func (l *Log) whereTo(t *tree) string {
	worker := l.role == Worker
	handlers := t.resolve(l.name, false).handlers
	has := func(known ...string) bool {
		return slices.ContainsFunc(handlers, func(t *target) bool { return slices.Contains(known, t.class) && t.level <= critical })
	}
	address := t.address()
	switch {
	case l.o.Debug:
		return "**debug mode** writing log messages to console"
	case worker && address != "":
		return "publishing log messages to " + address
	case worker && has(classPUB):
		return "publishing log messages on the feed only"
	case worker:
		return "writing log messages to local file system"
	case address != "":
		// The reference's words, also where we keep to the loopback interface: scripts look for them.
		return "publishing logging messages to tcp://*:" + address[strings.LastIndexByte(address, ':')+1:]
	case has(classPUB) && l.o.Feed != nil && l.name != aggregatorName:
		return "publishing logging messages on the feed: zmq: ports: logging has no port for " + l.name
	case has(classFile, classRotating, classTimed, classWatched):
		return "writing logging messages to local file system"
	case has(classStream):
		return "writing logging messages to console"
	}
	return "logging messages are only shown by the console and `nowcastd logs`: no handler writes them"
}
