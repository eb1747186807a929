// Package python evaluates rules in a Python module of the user, unmodified, as NEMO_Nowcast does.
//
// The module lives in a helper: a long-lived process of the configured interpreter that runs the scripts in helper/. For each
// message it is sent the message and gives back what after_WORKER(msg, config, checklist) returned. It has its own copy of
// configuration and checklist. A new helper is sent the whole checklist, then only changes, together with the next message;
// if more than 4 MiB of them have gathered, it is sent the whole again.
//
// Guarantees:
//   - a rule that raises, hangs, ends the helper or returns nonsense costs the message at hand, as an *rules.Error; the next
//     one finds a new helper;
//   - a message gets its own answer and no other: each has its request's number, and a helper that gives another is killed. A
//     process that a rule forks is cut off from the helper's pipes, and ends with the rule if it comes back from it;
//   - modules are loaded again when their files change, and a version that cannot be loaded never replaces a good one, not
//     even when the helper must be started again and the files are gone. A version whose import takes longer than a rule may
//     is stopped, and not tried again until its files change;
//   - what the module prints and logs, and what C code and programs it starts write, comes to the log, 1000 lines a call;
//   - the helper ends with the manager, and everything it started in its process group.
//
// In the path of a message: Rules (rules.go) is called by the manager, a helper (helper.go) is one process, exchange.go brings
// requests and answers together, speech.go reads what it says. hang.go asks one that does not answer where it is, pickle.go
// writes values for Python, reply.go reads answers.
//
// A rule that changes config, checklist or msg.payload changes the helper's copies only: the manager does not learn of it,
// and it is lost when the copy is replaced or the helper is.
package python
