package feed

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestALongMessageIsCutOnceAndSaysWhatIsMissing(t *testing.T) {
	for name, m := range map[string]string{
		"one too long": strings.Repeat("x", LongestMessage+1), "long": strings.Repeat("x", 10<<20), "of long characters": "x" + strings.Repeat("日", 1<<20), "not UTF-8": strings.Repeat("\x80", 1<<20),
	} {
		got := CutMessage(m)
		kept, missing, _ := strings.Cut(got, "... (")
		if want := fmt.Sprintf("%d bytes more)", len(m)-len(kept)); missing != want || !strings.HasPrefix(m, kept) {
			t.Errorf("%s: got %d bytes and %q, want %q", name, len(kept), missing, want)
		}
		if len(got) > LongestMessage || len(kept) < LongestMessage-100 || utf8.ValidString(m) && !utf8.ValidString(got) {
			t.Errorf("%s: got %d bytes, valid UTF-8: %v; want at most %d", name, len(got), utf8.ValidString(got), LongestMessage)
		}
		if CutMessage(got) != got {
			t.Errorf("%s: it is cut again", name)
		}
	}
	if m := strings.Repeat("x", LongestMessage); CutMessage(m) != m {
		t.Error("a message that is as long as allowed is cut")
	}
}
