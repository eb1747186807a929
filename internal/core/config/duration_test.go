package config

import (
	"testing"
	"time"

	"nowcast/internal/core/pyyaml"
)

func TestALengthOfTime(t *testing.T) {
	for _, c := range []struct {
		value pyyaml.Value
		want  time.Duration // 0: a mistake
	}{
		{int64(30), 30 * time.Second}, {1.5, 1500 * time.Millisecond}, {"30 s", 30 * time.Second}, {"30s", 30 * time.Second}, {"2 min", 2 * time.Minute},
		{"500 ms", 500 * time.Millisecond}, {"0.5 h", 30 * time.Minute}, {"7", 7 * time.Second},
		{"90 days", 90 * 24 * time.Hour}, {"1 day", 24 * time.Hour}, {"2d", 48 * time.Hour},
		{int64(0), 0}, {int64(-1), 0}, {"", 0}, {"soon", 0}, {"2 m", 0}, {"1e300 h", 0}, {"inf", 0}, {"nan s", 0}, {true, 0}, {nil, 0}, {int64(1 << 62), 0}, {1e-12, 0},
	} {
		n := node{loader: &loader{}, value: c.value}
		if got := n.duration(); got != c.want || (len(n.errs) > 0) != (c.want == 0) {
			t.Errorf("%#v: got %v and the mistakes %v, want %v", c.value, got, n.errs, c.want)
		}
	}
}
