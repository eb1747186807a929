// Package alerter makes incidents of alerts, and tells people outside.
//
// Every daemon says what troubles it (engine.Alert): the manager in its snapshot and on the feed, the others in their heartbeats. The
// alerter adds what nobody can say of himself: a daemon that is not there, a disk that is nearly full, a clock that was set. An alert that
// nothing else explains becomes an incident; what follows from it is folded under it (fold.go, incidents.go). Operators acknowledge or
// snooze incidents (commands.go); they end when their cause is gone. What is to be told when follows from the incident alone
// (telling.go) and goes to the destinations of alerts: in the configuration, each with a queue of its own (queue.go).
//
// Guarantees:
//   - No alarm is missed: an alert that was open at some time after the alerter first ran is told about, also if alerter, manager
//     and broker are killed meanwhile; unless an operator silenced it, or it is told as part of another or of a sum.
//   - None is doubled: a message may come twice if we are killed between its delivery and the note of it, then with the same key.
//   - Whatever is sent or answered is in alerts.json before, synced. If that cannot be written, it goes on from memory and says so.
//   - A destination that hangs or refuses delays no other.
//
// What it does not do: survive the death of the whole machine. For that there is ping:, a URL fetched regularly, whose other side
// complains when it stops.
package alerter
