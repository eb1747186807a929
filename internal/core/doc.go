// Package core has no code; it is the map of the packages below it.
//
// A worker's message travels through them in this order:
//
//	workers        tell sends a message.Message on a REQ socket
//	core/broker    passes its frames on, unread
//	core/manager   takes a batch: decode, decide, commit, acknowledge, launch
//	core/engine    decides what a message means: a function, without sockets, files or clock
//	core/rules     what comes after a worker (rules/starlark, rules/python)
//	core/store     makes the batch durable
//	core/launcher  turns a launch into a process, and its end into an event
//	core/feed      tells the world; the console mirrors it
//	core/control   carries an operator's commands to the daemons
//
// Words they share: pyyaml (values as Python has them), message, launch, checklist, config, kind (of alerts). The decision has a second
// part: policy (when to try again, what is late, silent or due). Beside the path: wire (ZeroMQ), logging and aggregator (log records),
// scheduler (what is due when), alerter (incidents, and who is told of them), notify (Slack, mail, webhooks and Sentry), daemon (what
// all daemons do), supervisor (`nowcastd up`), migrate (moving over from NEMO_Nowcast), fault (where a test may have a process die).
//
// Imports run one way: words know only words, the decision knows only words, edges know words and wire, the manager knows
// the edges only through interfaces that it declares. imports_test.go in the directory above keeps it so.
package core
