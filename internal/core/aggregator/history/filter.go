package history

import (
	"strings"

	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
)

// Filter tells which records LogsArgs select, without their Last, Before, Forward and After: whoever takes records from the feed
// selects them as the history does.
type Filter struct {
	control.LogsArgs
	search string // in lower case
}

// NewFilter returns the filter of args.
func NewFilter(args control.LogsArgs) Filter { return Filter{args, strings.ToLower(args.Search)} }

// Wants tells whether a record is selected.
func (f *Filter) Wants(r *feed.LogRecord) bool {
	return (f.Name == "" || r.Name == f.Name) &&
		(f.Launch == 0 || r.Launch == f.Launch || f.recognises(r)) &&
		(f.Level == nil || r.Level >= *f.Level) &&
		!r.Time.Before(f.Since) &&
		(f.Until.IsZero() || !r.Time.After(f.Until)) &&
		(f.search == "" || strings.Contains(strings.ToLower(r.Message), f.search))
}

// recognises tells whether a record that names no launch can be of the one that is asked for.
func (f *Filter) recognises(r *feed.LogRecord) bool {
	return r.Launch == 0 && f.Worker != "" && r.Name == f.Worker && !r.Time.Before(f.From) && (f.To.IsZero() || !r.Time.After(f.To))
}
