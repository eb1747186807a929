package notify

import (
	"log/slog"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/getsentry/sentry-go"

	"nowcast/internal/core/feed"
)

// How much of a text goes to Sentry, in bytes: its own limits are near.
const (
	longestMessage = 8 << 10
	longestDetail  = 64 << 10
	longestCrumb   = 1 << 10
)

// event is what Sentry gets of an error. What follows its first line, mostly a traceback, goes into the context log.
func event(r feed.LogRecord, process string) *sentry.Event {
	e := sentry.NewEvent()
	message, detail, _ := strings.Cut(r.Message, "\n")
	e.Message = cut(message, longestMessage)
	e.Level, e.Logger, e.ServerName, e.Timestamp = level(r.Level), r.Name, r.Host, r.Time
	e.Tags["worker"] = process
	if r.Launch != 0 {
		e.Tags["launch"] = strconv.FormatInt(r.Launch, 10)
	}
	log := sentry.Context{"process": r.PID}
	if detail != "" {
		log["traceback"] = cut(detail, longestDetail)
	}
	e.Contexts["log"] = log
	if typ, value, ok := exception(detail); ok {
		// Without it all crashes would be one issue, "unhandled exception:".
		e.Exception = []sentry.Exception{{Type: typ, Value: cut(value, longestMessage), Module: r.Name}}
		e.Fingerprint = []string{"{{ default }}", r.Name}
	}
	return e
}

func breadcrumb(r feed.LogRecord) *sentry.Breadcrumb {
	return &sentry.Breadcrumb{Category: r.Name, Message: cut(r.Message, longestCrumb), Level: level(r.Level), Timestamp: r.Time}
}

func level(l slog.Level) sentry.Level {
	switch {
	case l > slog.LevelError:
		return sentry.LevelFatal
	case l == slog.LevelError:
		return sentry.LevelError
	case l >= slog.LevelWarn:
		return sentry.LevelWarning
	}
	return sentry.LevelInfo
}

var raised = regexp.MustCompile(`^(\*?[A-Za-z_][\w./]*): (.*)$`)

// exception finds type and value in a traceback: Python's has them in its last line, ours in its first.
func exception(detail string) (typ, value string, ok bool) {
	line, _, _ := strings.Cut(detail, "\n")
	if strings.HasPrefix(line, "Traceback (most recent call last)") {
		detail = strings.TrimRight(detail, "\n")
		line = detail[strings.LastIndexByte(detail, '\n')+1:]
		if !strings.Contains(line, ": ") { // raised without a value
			line += ": "
		}
	}
	m := raised.FindStringSubmatch(line)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

// release names the build.
func release() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "nowcast"
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && version == "(devel)" {
			version = s.Value
		}
	}
	return "nowcast@" + strings.Trim(version, "()")
}
