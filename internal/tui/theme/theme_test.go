package theme

import (
	"reflect"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func TestPaintingChangesNothingButTheStyle(t *testing.T) {
	for _, o := range []Options{{}, {NoColour: true}, {ASCII: true}} {
		th := New(o)
		for _, s := range []Style{th.Plain, th.Title, th.Faint, th.Selected, th.Good, th.Bad, th.Critical, th.Match} {
			if got := ansi.Strip(s.Paint("text  ")); got != "text  " {
				t.Errorf("painted %q is %q", "text  ", got)
			}
			if got := s.Paint(""); got != "" {
				t.Errorf("nothing painted is %q", got)
			}
		}
	}
}

func TestEveryMarkIsOneCell(t *testing.T) {
	for _, o := range []Options{{}, {ASCII: true}} {
		marks := reflect.ValueOf(New(o).Mark)
		for i := range marks.NumField() {
			mark := marks.Field(i).String()
			if ansi.StringWidth(mark) != 1 || ansi.StringWidthWc(mark) != 1 {
				t.Errorf("the mark %s is %q", marks.Type().Field(i).Name, mark)
			}
			if o.ASCII && mark[0] > 0x7e {
				t.Errorf("the ASCII mark %s is %q", marks.Type().Field(i).Name, mark)
			}
		}
	}
}
