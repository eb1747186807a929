// Package starlark evaluates rules written in Starlark, a small dialect of Python that cannot harm its host.
//
// A rules file defines a function after_WORKER(msg, config, checklist) for each worker. It returns a list of
// NextWorker(module, args=[], host="localhost"), or None, or a pair (list, set of worker names) that opens a barrier.
//
// What a rule sees:
//   - msg.type, msg.source and msg.payload;
//   - config and checklist, read like Python dicts (d[key], in, get, keys, values, items, len, iteration). They are
//     not converted: a lookup costs the same however large the checklist is. They cannot be changed;
//   - arrow.now(), arrow.utcnow(), arrow.get(...) with shift, format, replace, floor and the rest of what Python rules
//     use of the arrow package, on a clock that is injected;
//   - log.debug, log.info, log.warning, log.error, and print, which is log.info;
//   - load("other.star", "name"), relative to the file that loads. There is no other way in or out.
//
// The language has set(), while, recursion and conditions at top level. It has no f-strings, no exceptions and no
// classes: use "{}".format(x), and .get for what may be missing. Top-level values are frozen once the file is loaded,
// so a rule keeps nothing from one call to the next.
//
// Limits: steps, wall time, depth of calls, number of workers returned and number of lines logged are bounded, for
// the loading of a file as for each call. Memory is bounded by steps only, and the time limit is looked at between
// steps: one operation on an enormous value ("x" * 10**9, which Starlark itself bounds at 1 GiB, or the square of a
// number with a million digits) is not interrupted. A rules file is written by the operators of the system; the limits
// are there for their mistakes.
package starlark
