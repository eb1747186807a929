// Package logging is Python's logging, configured by the same dictConfig section, behind slog (specs: compat sections 5
// and 9). Everybody logs through a *slog.Logger that is handed along; how a line looks and where it goes is decided
// here, once, by the configuration file.
//
// A record passes its logger's level, then goes to the feed whatever the handlers are, and to each handler whose level it
// passes, along the loggers' names as Python has it (propagate). Constant messages come out byte for byte as Python
// writes them; attributes, if there are any, follow as key=value. Relay is the other way in: batches of what other
// processes have published, for the log aggregator.
//
// Guarantees: one record, or one relayed batch, is one write, appended, so that processes share a file without mixing lines.
// A file that is renamed is noticed within 10 ms. A handler that cannot write says so on stderr and the feed, once and
// again at the end with the number of records, and tries with each record; it never stops the caller: what goes over
// a network waits in a bounded queue (courier, publisher). A reload takes all of a configuration or nothing of it, and each
// record goes to the handlers of one configuration (tree). What the file asks for and is not supported is an error or
// a warning at start, never silence.
//
// Where to look: section.go, handlers.go and servers.go read the configuration, build.go opens it, tree.go and logger.go are
// the path of a record, and each handler has a file: stream, file with timed and rotate, publish, postman, syslog.
package logging
