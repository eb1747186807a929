package starlark

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// speakerKey is where a thread keeps its speaker.
const speakerKey = "nowcast.speaker"

// speaker writes what one call of a rule says to the log, up to a limit.
type speaker struct {
	log  *slog.Logger
	left int
}

func newSpeaker(log *slog.Logger, lines int) *speaker { return &speaker{log, lines} }

func (s *speaker) info(t *starlark.Thread, text string) { s.say(t, slog.LevelInfo, text) }

func (s *speaker) say(t *starlark.Thread, level slog.Level, text string) {
	switch s.left--; {
	case s.left > 0:
		s.log.Log(context.Background(), level, text, "rule", t.Name)
	case s.left == 0:
		s.log.Warn("this rule says too much: the rest of what it logs in this call is dropped", "rule", t.Name)
	}
}

// logModule is the name log in a rules file.
func logModule() *starlarkstruct.Module {
	members := starlark.StringDict{}
	for name, level := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warning": slog.LevelWarn, "error": slog.LevelError,
	} {
		members[name] = starlark.NewBuiltin("log."+name, logAt(level))
	}
	members.Freeze()
	return &starlarkstruct.Module{Name: "log", Members: members}
}

// logAt is log.info(...): its arguments, joined by blanks as print does it.
func logAt(level slog.Level) func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	return func(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if len(kwargs) > 0 {
			return nil, fmt.Errorf("%s: unexpected keyword argument %s", b.Name(), kwargs[0][0])
		}
		words := make([]string, len(args))
		for i, arg := range args {
			words[i] = arg.String()
			if s, ok := starlark.AsString(arg); ok {
				words[i] = s
			}
		}
		if s, ok := t.Local(speakerKey).(*speaker); ok {
			s.say(t, level, strings.Join(words, " "))
		}
		return starlark.None, nil
	}
}
