package starlark

import (
	"fmt"
	"slices"
	"time"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"nowcast/internal/core/pyyaml"
)

// kind says what a moment is in Python.
type kind int

const (
	arrowKind    kind = iota // arrow.Arrow
	dateKind                 // datetime.date, from a payload, the checklist or .date()
	naiveKind                // datetime.datetime without a zone
	datetimeKind             // datetime.datetime with a zone
)

var kindNames = [...]string{arrowKind: "Arrow", dateKind: "date", naiveKind: "datetime", datetimeKind: "datetime"}

// moment is a point in time, or a day, as a rule sees it. All kinds have the same attributes and methods, which are
// those of the Python packages arrow and datetime that rules use.
type moment struct {
	kind kind
	t    time.Time
}

var (
	_ starlark.Comparable = moment{}
	_ starlark.HasAttrs   = moment{}
)

func (m moment) Type() string          { return kindNames[m.kind] }
func (m moment) Freeze()               {}
func (m moment) Truth() starlark.Bool  { return true }
func (m moment) Hash() (uint32, error) { return starlark.String(m.t.UTC().String()).Hash() }

// String is Python's str().
func (m moment) String() string {
	switch m.kind {
	case arrowKind:
		return m.isoformat()
	case dateKind:
		return m.t.Format(time.DateOnly)
	}
	s := []byte(m.isoformat())
	s[10] = ' '
	return string(s)
}

func (m moment) isoformat() string {
	if m.kind == dateKind {
		return m.t.Format(time.DateOnly)
	}
	layout := "2006-01-02T15:04:05"
	if m.t.Nanosecond()/1000 != 0 {
		layout += ".000000"
	}
	if m.kind != naiveKind {
		layout += "-07:00"
	}
	return m.t.Format(layout)
}

// unwrap returns the mapping key or value that m is.
func (m moment) unwrap() pyyaml.Value {
	if m.kind == dateKind {
		return pyyaml.Date{Year: m.t.Year(), Month: m.t.Month(), Day: m.t.Day()}
	}
	return pyyaml.DateTime{Time: m.t, Aware: m.kind != naiveKind}
}

// CompareSameType orders moments. A datetime without a zone has no order among those with one.
func (m moment) CompareSameType(op syntax.Token, other starlark.Value, _ int) (bool, error) {
	o := other.(moment)
	if (m.kind == naiveKind) != (o.kind == naiveKind) {
		switch op {
		case syntax.EQL, syntax.NEQ:
			return op == syntax.NEQ, nil
		}
		return false, fmt.Errorf("cannot compare a datetime that has a time zone with one that has none")
	}
	return ordered(op, m.t.Compare(o.t)), nil
}

func ordered(op syntax.Token, cmp int) bool {
	switch op {
	case syntax.EQL:
		return cmp == 0
	case syntax.NEQ:
		return cmp != 0
	case syntax.LT:
		return cmp < 0
	case syntax.LE:
		return cmp <= 0
	case syntax.GT:
		return cmp > 0
	}
	return cmp >= 0
}

// momentFields are the attributes that are plain values.
var momentFields = map[string]func(t time.Time) starlark.Value{
	"year":        func(t time.Time) starlark.Value { return starlark.MakeInt(t.Year()) },
	"month":       func(t time.Time) starlark.Value { return starlark.MakeInt(int(t.Month())) },
	"day":         func(t time.Time) starlark.Value { return starlark.MakeInt(t.Day()) },
	"hour":        func(t time.Time) starlark.Value { return starlark.MakeInt(t.Hour()) },
	"minute":      func(t time.Time) starlark.Value { return starlark.MakeInt(t.Minute()) },
	"second":      func(t time.Time) starlark.Value { return starlark.MakeInt(t.Second()) },
	"microsecond": func(t time.Time) starlark.Value { return starlark.MakeInt(t.Nanosecond() / 1000) },
	"quarter":     func(t time.Time) starlark.Value { return starlark.MakeInt((int(t.Month()) + 2) / 3) },
	"week":        func(t time.Time) starlark.Value { _, w := t.ISOWeek(); return starlark.MakeInt(w) },
}

// momentMethods are the methods; each finds its moment as the receiver of the builtin.
var momentMethods = map[string]*starlark.Builtin{
	"shift":      starlark.NewBuiltin("shift", momentShift),
	"replace":    starlark.NewBuiltin("replace", momentReplace),
	"format":     starlark.NewBuiltin("format", momentFormat),
	"floor":      starlark.NewBuiltin("floor", momentFloor),
	"ceil":       starlark.NewBuiltin("ceil", momentCeil),
	"to":         starlark.NewBuiltin("to", momentTo),
	"date":       starlark.NewBuiltin("date", plain(func(m moment) starlark.Value { return m.date() })),
	"weekday":    starlark.NewBuiltin("weekday", plain(func(m moment) starlark.Value { return starlark.MakeInt(m.isoweekday() - 1) })),
	"isoweekday": starlark.NewBuiltin("isoweekday", plain(func(m moment) starlark.Value { return starlark.MakeInt(m.isoweekday()) })),
	"isoformat":  starlark.NewBuiltin("isoformat", plain(func(m moment) starlark.Value { return starlark.String(m.isoformat()) })),
	"timestamp":  starlark.NewBuiltin("timestamp", plain(func(m moment) starlark.Value { return starlark.Float(m.timestamp()) })),
}

// plain makes a method without arguments.
func plain(f func(moment) starlark.Value) func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	return func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 0); err != nil {
			return nil, err
		}
		return f(b.Receiver().(moment)), nil
	}
}

func (m moment) date() moment {
	return moment{dateKind, time.Date(m.t.Year(), m.t.Month(), m.t.Day(), 0, 0, 0, 0, time.UTC)}
}

func (m moment) isoweekday() int    { return (int(m.t.Weekday())+6)%7 + 1 }
func (m moment) timestamp() float64 { return float64(m.t.UnixMicro()) / 1e6 }

// Attr is m.name in a rule.
func (m moment) Attr(name string) (starlark.Value, error) {
	if f, ok := momentFields[name]; ok {
		return f(m.t), nil
	}
	if b, ok := momentMethods[name]; ok {
		return b.BindReceiver(m), nil
	}
	return nil, nil
}

// AttrNames lists the attributes and methods.
func (m moment) AttrNames() []string {
	var names []string
	for name := range momentFields {
		names = append(names, name)
	}
	for name := range momentMethods {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
