// Package logging is Python's logging, configured by the same dictConfig section, behind slog (specs: compat sections 5
// and 9). Everybody logs through a *slog.Logger that is handed along; how a line looks and where it goes is decided
// here, once, by the configuration file.
//
// A record passes its logger's level, then goes to the feed whatever the handlers are, and to each handler whose level it
// passes, along the loggers' names as Python has it (propagate). Constant messages come out byte for byte as Python
// writes them; attributes, if there are any, follow as key=value.
//
// Guarantees: one record is one write, appended, so that processes share a file without mixing lines. A file that
// is renamed is noticed within 10 ms. A handler that cannot write says so on stderr, once, and tries again with
// each record; it never stops the caller. What the file asks for and is not supported is an error or a warning at
// start, never silence.
package logging
