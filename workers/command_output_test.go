package workers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/pyyaml"
)

func TestLinesOfOutput(t *testing.T) {
	for _, tt := range []struct {
		name     string
		writes   []string
		want     []string
		wantLast string
	}{
		{"lines in pieces", []string{"a", "b\nc", "\n", "d"}, []string{"ab", "c", "d"}, "d"},
		{"blank lines are not logged", []string{"a\n\n  \n"}, []string{"a"}, "a"},
		{"lines of DOS", []string{"a\r\nb\r\n"}, []string{"a", "b"}, "b"},
		{"bytes that are not UTF-8", []string{"a\xffb\n"}, []string{"a\ufffdb"}, "a\xffb"},
		{"a line that is too long to keep", []string{strings.Repeat("x", 30_000), strings.Repeat("x", 30_000)},
			[]string{strings.Repeat("x", 8192) + " ... (60000 bytes)"}, ""},
		{"a line that is too long to log", []string{strings.Repeat("y", 10_000) + "\n"},
			[]string{strings.Repeat("y", 8192) + " ... (10000 bytes)"}, strings.Repeat("y", 10_000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			w := &lineWriter{limit: 20_000, log: func(line string) { got = append(got, line) }}
			for _, text := range tt.writes {
				if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
					t.Errorf("got %d, %v", n, err)
				}
			}
			w.flush()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			if string(w.last) != tt.wantLast {
				t.Errorf("got last line %q, want %q", w.last, tt.wantLast)
			}
		})
	}
}

func TestLinesThatAreNoPayload(t *testing.T) {
	for _, line := range []string{"", "done", "- a", "{broken", `{"a": 1} {"b": 2}`, "12", "a: b: c", "!!python/object:os.system {}", "null", "[1]"} {
		if got := payloadOf([]byte(line)); got != nil {
			t.Errorf("%q: got %v, want none", line, got)
		}
	}
	got, ok := payloadOf([]byte("a: b")).(yamlValue)
	if !ok || !pyyaml.Equal(got.Value, pyyaml.MapOf("a", "b")) {
		t.Errorf("got %v, want a mapping", got)
	}
}
