// Package python evaluates rules in a Python module of the user, unmodified, as NEMO_Nowcast does.
//
// The module lives in a helper: a long-lived process of the configured interpreter that runs the scripts in helper/. For each
// message it is sent the message and gives back what after_WORKER(msg, config, checklist) returned. It has its own copy of
// configuration and checklist: the whole is sent once to each new helper, then only changes.
//
// Guarantees:
//   - a rule that raises, hangs, ends the helper or returns nonsense costs the message at hand, as an *rules.Error; the next
//     one finds a new helper;
//   - modules are loaded again when their files change, and a version that cannot be loaded never replaces a good one, not
//     even when the helper must be started again;
//   - what the module prints and logs, and what C code and programs it starts write, comes to the log, 1000 lines a call;
//   - the helper ends with the manager, and everything it started in its process group.
//
// In the path of a message: Rules (rules.go) is called by the manager, a helper (helper.go) is one process, speech.go
// reads what it says. hang.go asks one that does not answer where it is, pickle.go writes
// values for Python, reply.go reads answers.
//
// A rule that changes config, checklist or msg.payload changes the helper's copies only: the manager does not learn of it,
// and the next helper does not have it.
package python
