package engine

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTheTextOfAnAlertIsBounded(t *testing.T) {
	for _, text := range []string{"", "short", strings.Repeat("x", LongestAlert), strings.Repeat("x", 3_000_000), strings.Repeat("é", 5000), strings.Repeat("\xff", 5000), "x" + strings.Repeat("日", 5000)} {
		got := CutAlert(text)
		if len(got) > LongestAlert || len(text) <= LongestAlert && got != text {
			t.Errorf("%.20q: got %d bytes of %d", text, len(got), len(text))
		}
		if utf8.ValidString(text) && (!utf8.ValidString(got) || !strings.HasPrefix(text, strings.Split(got, "... (")[0])) {
			t.Errorf("%.20q was cut within a character", text)
		}
		if again := CutAlert(got); again != got {
			t.Errorf("%.20q: it is cut once more", text)
		}
	}
}
