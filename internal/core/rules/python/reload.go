package python

import (
	"errors"
	"slices"

	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/rules"
	"nowcast/internal/core/rules/watch"
)

// Refresh loads the modules again if a file of theirs has changed. The outcome is logged here as well.
func (r *Rules) Refresh() (bool, error) {
	if !watch.Changed(r.seen) {
		return false, r.mistake
	}
	// Also if the helper has just died: the next one begins with what worked last, and that may be what killed it.
	a, err := r.ask("", nil, 'L', r.module, pyyaml.NewMap(0))
	if err == nil && a.Loaded == nil {
		err = r.failure(a, "")
	}
	if r.mistake = err; err != nil {
		if a != nil {
			r.seen = lookAgain(r.seen, a.Files)
		}
		r.o.Logger.Error(err.Error() + "; the rules loaded before stay in use" + traceOf(err))
		return false, err
	}
	r.adopt(a.Loaded, true)
	r.o.Logger.Info("next workers module loaded from " + r.module)
	return true, nil
}

func traceOf(err error) string {
	var e *rules.Error
	if errors.As(err, &e) && e.Backtrace != "" {
		return "\n" + e.Backtrace
	}
	return ""
}

// adopt takes over what the helper has now. Unless all of it is from the files as they are, the stamps there are stay, those of a
// version that could not be loaded included: it is not tried again until its files change.
func (r *Rules) adopt(l *loaded, all bool) {
	r.functions, r.sources = l.Functions, l.Sources
	if all {
		r.seen = nil
	}
	for _, f := range l.Files {
		if !slices.ContainsFunc(r.seen, func(s watch.Stamp) bool { return s.File == f.File }) {
			r.seen = append(r.seen, f.stamp())
		}
	}
}

// owns tells whether a file is one of the rules'.
func (r *Rules) owns(file string) bool {
	for _, s := range r.sources {
		if s.File == file {
			return true
		}
	}
	return false
}

func hasRead(files []fileSeen, file string) bool {
	return slices.ContainsFunc(files, func(f fileSeen) bool { return f.File == file })
}

// lookAgain stamps the files of modules that could not be loaded: as they were tried, or as they are now.
func lookAgain(seen []watch.Stamp, tried []fileSeen) []watch.Stamp {
	var now []watch.Stamp
	for _, f := range tried {
		now = append(now, f.stamp())
	}
	for _, s := range seen {
		if !slices.ContainsFunc(now, func(n watch.Stamp) bool { return n.File == s.File }) {
			_, s, _ := watch.Read(s.File) // an error is a file that is not there, and so is the stamp
			now = append(now, s)
		}
	}
	return now
}
