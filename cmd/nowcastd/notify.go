package main

import (
	"nowcast/internal/core/logging"
	"nowcast/internal/core/notify"
)

// slack sends what workers report to Slack, as configured.
func (p *program) slack(d *process) *notify.Slack {
	return notify.NewSlack(notify.SlackOptions{LookupEnv: p.LookupEnv, Log: d.logger}, d.cfg.Slack)
}

// sentry has the errors that are logged sent to Sentry, if SENTRY_DSN says where that is. The error is for the log, once there
// is one: nobody's work depends on Sentry.
func (p *program) sentry(name string, o *logging.Options) (*notify.Sentry, error) {
	dsn, _ := p.LookupEnv("SENTRY_DSN")
	s, err := notify.NewSentry(dsn, name, p.Stderr)
	if s != nil {
		o.Show = s.Log
	}
	return s, err
}
