package workers

import (
	"context"
	"math"
	"math/big"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func bigInt(s string) *big.Int {
	i, _ := new(big.Int).SetString(s, 10)
	return i
}

func sameInt(a, b *big.Int) bool { return a.Cmp(b) == 0 }

// sortedRepr brings the repr of a Python value into a form in which equal values are equal texts.
func sortedRepr(t *testing.T, repr string) string {
	t.Helper()
	out, err := exec.Command("/usr/bin/python3", "-c", `
import datetime, sys
inf, nan = float("inf"), float("nan")
def canonical(v):
    if isinstance(v, dict):
        return "{" + ", ".join(sorted(canonical(k) + ": " + canonical(e) for k, e in v.items())) + "}"
    if isinstance(v, set):
        return "set(" + ", ".join(sorted(map(canonical, v))) + ")"
    if isinstance(v, list):
        return "[" + ", ".join(map(canonical, v)) + "]"
    return repr(v)
print(canonical(eval(sys.argv[1])))`, repr).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, repr)
	}
	return strings.TrimSpace(string(out))
}

func TestGoDataBecomesEqualPythonData(t *testing.T) {
	type runType string
	number := 7
	m := startManager(t, "normal")
	s := newSite(t, m.port)
	vancouver := time.FixedZone("PDT", -7*3600)
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"nothing", nil, "None"},
		{"a nil pointer", (*int)(nil), "None"},
		{"a pointer", &number, "7"},
		{"booleans", []bool{true, false}, "[True, False]"},
		{"whole numbers", []any{1, int8(-2), int64(math.MaxInt64), uint8(3), uint64(math.MaxUint64), bigInt("-100000000000000000000")},
			"[1, -2, 9223372036854775807, 3, 18446744073709551615, -100000000000000000000]"},
		{"numbers", []any{1.5, float32(0.1), 1e300, math.Inf(-1), 2.0}, "[1.5, 0.1, 1e300, -inf, 2.0]"},
		{"strings that look like something else", []string{"yes", "~", "12:30", "0123", "2031-05-17", "", " a\nb ", "é 漢", "1e3", "="},
			`["yes", "~", "12:30", "0123", "2031-05-17", "", " a\nb ", "é 漢", "1e3", "="]`},
		{"a string type", runType("forecast"), "'forecast'"},
		{"bytes", []byte{0, 1, 255}, `b"\x00\x01\xff"`},
		{"an array", [2]int{1, 2}, "[1, 2]"},
		{"a nil slice", []string(nil), "[]"},
		{"a nil map", map[string]int(nil), "{}"},
		{"dates", []any{Date{2031, time.May, 17}, time.Date(2031, 5, 17, 5, 40, 1, 123456789, NoZone)},
			"[datetime.date(2031, 5, 17), datetime.datetime(2031, 5, 17, 5, 40, 1, 123456)]"},
		{"a time with a zone", time.Date(2031, 5, 17, 5, 40, 0, 0, vancouver),
			"datetime.datetime(2031, 5, 17, 5, 40, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=61200)))"},
		{"maps", map[any]any{"a": map[int][]string{1: {"x"}}, 2: nil, 2.5: true, Date{2031, time.May, 17}: 0},
			`{"a": {1: ["x"]}, 2: None, 2.5: True, datetime.date(2031, 5, 17): 0}`},
		{"a set", map[string]struct{}{"a": {}, "b": {}}, "{'a', 'b'}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newConsole(nil, s.config)
			worker(func(context.Context, *Run) (any, error) { return tt.value, nil }).Execute(c.Process)
			got := m.next(t)
			if got.Type != "success" {
				t.Fatalf("got message %+v, want success; log:\n%s", got, s.lines(t))
			}
			if got, want := sortedRepr(t, got.Payload), sortedRepr(t, tt.want); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestDataThatCannotBeSent(t *testing.T) {
	type endless []any
	loop := make(endless, 1)
	loop[0] = loop
	for _, tt := range []struct {
		name  string
		value any
		want  string
	}{
		{"a struct", map[string]any{"run": struct{ A int }{1}}, `it["run"] is a struct { A int }, which cannot be sent`},
		{"a function", []any{0, func() {}}, `it[1] is a func(), which cannot be sent`},
		{"a complex number", 1i, "it is a complex128"},
		{"a duration", time.Second, "it is a time.Duration, which YAML does not have: send seconds or text"},
		{"a string that is not UTF-8", []string{"a\xff"}, "it[0] is a string that is not UTF-8: send []byte"},
		{"a key that is no scalar", map[any]any{[1]int{1}: 2}, "is not a scalar"},
		{"a value that contains itself", loop, "is nested more than 500 deep"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := toYAML(tt.value, "it", 0)
			if err == nil {
				t.Fatalf("got %v, want an error", v)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %q, want %q", err, tt.want)
			}
		})
	}
}
