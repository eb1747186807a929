package kind

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTheDocumentationHasTheKindsOfEachDaemon(t *testing.T) {
	text, err := os.ReadFile("../../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## What is an alert")
	table, _, _ = strings.Cut(table, "\n## ")
	got := map[string][]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| (.+?) \| (.+?) \|`).FindAllStringSubmatch(table, -1) {
		for _, k := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			got[row[2]] = append(got[row[2]], k[1])
		}
	}
	for _, o := range of {
		have := slices.Sorted(slices.Values(got[o.From]))
		if want := slices.Sorted(slices.Values(o.Kinds)); !slices.Equal(have, want) {
			t.Errorf("docs/alerts.md, from %s: got\n%q, want\n%q", o.From, have, want)
		}
		delete(got, o.From)
	}
	for from := range got {
		t.Errorf("docs/alerts.md has alerts from %s, which the table does not", from)
	}
}

// TestNobodyRaisesAKindOfItsOwn reads the source: a kind that is written out where an alert is made must be in the table.
func TestNobodyRaisesAKindOfItsOwn(t *testing.T) {
	written := regexp.MustCompile(`(?:Alert\{.*Kind: +|\bbad\((?:key\w*|DaemonKey\(name\)), |a\.raise\((?:key\w+|"send "\+[^,]*), |\b[a-z]\w*Alert += +)"([^"]*)"`)
	found := 0
	for _, root := range []string{"..", "../../../cmd"} {
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "storetest") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range written.FindAllStringSubmatch(string(text), -1) {
				if found++; !Known(m[1]) && m[1] != "worker " { // with the state behind it
					t.Errorf("%s: %q is in no row of the table: %s", path, m[1], m[0])
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 15 {
		t.Errorf("only %d found: are alerts made in another way now?", found)
	}
}
