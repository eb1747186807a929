// Package notify tells the world outside: Slack of what workers report, Sentry of errors (specs: compat section 6).
//
// Guarantees:
//   - Nobody waits for it. Report and Log put something into a bounded queue and return; what is slow, or not there, costs
//     nobody else anything.
//   - What is not sent is said: in the log for Slack, on standard error for Sentry, whose subject the log is.
//   - Webhook URLs and DSNs are secrets. They come from the environment, and no line that is written has one in it.
//
// What is lost: what waits when the process is killed. Notifications are a courtesy; the state of the day is in the
// manager's database.
//
// What the alerter sends is another matter: it keeps and repeats its messages itself, durably, and uses an Outlet (outlet.go, mailer.go) for
// each attempt.
//
// In the data flow: the manager calls Slack.Report (slack.go) for each report once it is durable; each channel has a
// destination (destination.go), whose goroutine posts (post.go). The log of daemons and Go workers shows each record to
// Sentry (sentry.go).
package notify
