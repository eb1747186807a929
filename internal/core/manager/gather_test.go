package manager

import "testing"

func TestOnlyUnderLoadACommitWaitsForThoseJustAnswered(t *testing.T) {
	for _, tc := range []struct {
		name              string
		answered, pending int
		enough            int // 0: no wait
	}{
		{"nobody was answered", 0, 0, 0},
		{"a worker now and then", 1, 0, 0},
		{"few workers, many more waiting already", gatherFrom - 1, 100, 0},
		{"many workers", 40, 0, 30},
		{"many workers and others waiting", 40, 24, 48},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := gatherAfter(tc.answered, tc.pending)
			if got, want := g.over != nil, tc.enough > 0; got != want || g.enough != tc.enough {
				t.Errorf("got wait %v for %d messages, want %v for %d", got, g.enough, want, tc.enough)
			}
		})
	}
}
