package history

import (
	"cmp"
	"fmt"
)

// place is where a line begins.
type place struct{ segment, offset int64 }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.segment, q.segment), cmp.Compare(p.offset, q.offset))
}

// String is the cursor that clients are given.
func (p place) String() string { return fmt.Sprintf("%d:%d", p.segment, p.offset) }

func parsePlace(text string) (p place, err error) {
	if _, err := fmt.Sscanf(text, "%d:%d", &p.segment, &p.offset); err != nil || p.String() != text {
		return p, fmt.Errorf("%q is not a place in the log: pass on what an earlier answer gave", text)
	}
	return p, nil
}
