package starlark

import (
	"fmt"
	"math"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// arrowModule is the name arrow in a rules file, with the functions of the Python package that rules use.
func arrowModule(now func() time.Time) *starlarkstruct.Module {
	a := &arrow{now: now, forms: map[string]*form{}}
	members := starlark.StringDict{
		"now":    starlark.NewBuiltin("arrow.now", a.local),
		"utcnow": starlark.NewBuiltin("arrow.utcnow", a.utc),
		"get":    starlark.NewBuiltin("arrow.get", a.get),
	}
	members.Freeze()
	return &starlarkstruct.Module{Name: "arrow", Members: members}
}

type arrow struct {
	now   func() time.Time
	forms map[string]*form // by format
}

// formsKept bounds forms: a rule could make up formats as it goes.
const formsKept = 100

// local is arrow.now(tz="local").
func (a *arrow) local(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	zone := "local"
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "tz?", &zone); err != nil {
		return nil, err
	}
	loc, err := location(zone)
	if err != nil {
		return nil, fmt.Errorf("arrow.now: %w", err)
	}
	return moment{arrowKind, a.now().In(loc)}, nil
}

func (a *arrow) utc(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 0); err != nil {
		return nil, err
	}
	return moment{arrowKind, a.now().UTC()}, nil
}

// zone is the tzinfo argument of arrow.get.
type zone struct {
	loc   *time.Location // UTC if it was not given
	given bool
}

// of applies the argument to a time that has a zone of its own: as in arrow, the argument takes that zone's place.
func (z zone) of(t time.Time) time.Time {
	if !z.given {
		return t
	}
	return inZone(wall(t), z.loc)
}

// wall returns what a clock on the wall shows at t, as inZone wants it.
func wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// get is arrow.get(what, format), also arrow.get(2031, 5, 17). Without a zone the time is UTC, as in arrow.
func (a *arrow) get(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	name := "UTC"
	if err := starlark.UnpackArgs(b.Name(), nil, kwargs, "tzinfo?", &name); err != nil {
		return nil, err
	}
	loc, err := location(name)
	if err != nil {
		return nil, fmt.Errorf("arrow.get: %w", err)
	}
	if len(args) >= 3 {
		return calendar(args, loc)
	}
	var what, format starlark.Value
	if err := starlark.UnpackPositionalArgs(b.Name(), args, nil, 0, &what, &format); err != nil {
		return nil, err
	}
	t, err := a.instant(what, format, zone{loc, len(kwargs) > 0})
	if err != nil {
		return nil, fmt.Errorf("arrow.get: %w", err)
	}
	return moment{arrowKind, t}, nil
}

func (a *arrow) instant(what, format starlark.Value, z zone) (time.Time, error) {
	if format != nil {
		return a.parse(what, format, z)
	}
	switch v := what.(type) {
	case nil, symbol:
		return a.now().In(z.loc), nil
	case starlark.String:
		return parseISO(string(v), z)
	case moment:
		if v.kind == naiveKind || v.kind == dateKind {
			return inZone(v.t, z.loc), nil
		}
		return z.of(v.t), nil
	case starlark.Int, starlark.Float:
		seconds, _ := starlark.AsFloat(v)
		if math.Abs(seconds) < 1e11 {
			return time.UnixMicro(int64(seconds * 1e6)).In(z.loc), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s is not a date, a time or a timestamp", excerpt(what))
}

// parse reads a text in a format given in arrow's tokens.
func (a *arrow) parse(what, format starlark.Value, z zone) (time.Time, error) {
	if _, ok := what.(symbol); ok {
		return a.now().In(z.loc), nil
	}
	text, ok := starlark.AsString(what)
	f, ok2 := starlark.AsString(format)
	if !ok || !ok2 {
		return time.Time{}, fmt.Errorf("%s and its format %s are not both strings", excerpt(what), excerpt(format))
	}
	fm, ok := a.forms[f]
	if !ok {
		var err error
		if fm, err = newForm(f); err != nil {
			return time.Time{}, err
		}
		if len(a.forms) >= formsKept {
			clear(a.forms)
		}
		a.forms[f] = fm
	}
	return fm.parse(text, f, z)
}

func calendar(args starlark.Tuple, loc *time.Location) (starlark.Value, error) {
	var n [7]int
	if len(args) > len(n) {
		return nil, fmt.Errorf("arrow.get: %d arguments, at most year, month, day, hour, minute, second and microsecond are expected", len(args))
	}
	for i, arg := range args {
		v, err := starlark.AsInt32(arg)
		if err != nil {
			return nil, fmt.Errorf("arrow.get: argument %d: %w", i+1, err)
		}
		n[i] = v
	}
	f := fields{year: n[0], month: n[1], day: n[2], hour: n[3], minute: n[4], second: n[5], micros: n[6], loc: loc}
	t, ok := f.date()
	if !ok {
		return nil, fmt.Errorf("arrow.get%s does not exist", args)
	}
	return moment{arrowKind, t}, nil
}
