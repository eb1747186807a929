package widget

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWordsAreSplitAsAShellDoes(t *testing.T) {
	for _, tc := range []struct {
		line string
		want []string
	}{
		{"", []string{}},
		{"  nemo forecast  publish ", []string{"nemo", "forecast", "publish"}},
		{`'one word' two`, []string{"one word", "two"}},
		{`"a \"b\" $x" 'it'\''s'`, []string{`a "b" $x`, "it's"}},
		{`a\ b ''`, []string{"a b", ""}},
		{`$'tab\there\n\x00\'' "back\slash"`, []string{"tab\there\n\x00'", `back\slash`}},
		{`--date=2031-05-17"T"'00'`, []string{"--date=2031-05-17T00"}},
	} {
		got, err := SplitWords(tc.line)
		if err != nil {
			t.Errorf("SplitWords(%s): %v", tc.line, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("SplitWords(%s) (-want +got):\n%s", tc.line, diff)
		}
	}
}

func TestAnOpenQuoteIsNamed(t *testing.T) {
	for line, want := range map[string]string{
		`'abc`: "a ' is not closed", `"abc`: `a " is not closed`, `$'a`: "a ' is not closed", `a\`: `a \ at the end quotes nothing`,
		`$'\xzz'`: `\x wants two hexadecimal digits, not "zz"`,
	} {
		if _, err := SplitWords(line); err == nil || err.Error() != want {
			t.Errorf("SplitWords(%s): error %v, want %s", line, err, want)
		}
	}
}

func FuzzJoinedWordsAreSplitIntoTheSame(f *testing.F) {
	f.Add("nemo", "it's", "")
	f.Add("a b", "\n\x00\xff", `"\$`)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		words := []string{a, b, c}
		line := JoinWords(words)
		got, err := SplitWords(line)
		if err != nil || !slices.Equal(got, words) {
			t.Errorf("SplitWords(%q) = %q, %v, want %q", line, got, err, words)
		}
	})
}
