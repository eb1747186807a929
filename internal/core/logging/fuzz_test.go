package logging

import (
	"strings"
	"testing"
	"time"
)

// FuzzFormatter: a format is refused at start or can write any record, with nothing in it that package fmt complains about.
func FuzzFormatter(f *testing.F) {
	for _, seed := range [][3]string{
		{ourFormat, "", "%"}, {"%(levelno)05.2f %(msecs)03d %% %(name)-8.3r", "%Y-%j %-d %f %:z %", "%"},
		{"{asctime:>30} {{ {levelno:05d} {created:.3f}", "%c", "{"}, {"$message ${levelname} $$", "%s", "$"},
	} {
		f.Add(seed[0], seed[1], seed[2], "message\n☂", "trace")
	}
	f.Fuzz(func(t *testing.T, format, datefmt, style, message, exc string) {
		formatter, err := newFormatter(format, datefmt, style)
		if err != nil {
			return
		}
		r := record{time: time.Unix(1.9e9, 123456789), level: warning, name: "name", message: message, exc: exc}
		got := string(formatter.append(nil, &r))
		if strings.Contains(got, "%!") && !strings.Contains(format+datefmt+message+exc, "%!") && !strings.Contains(format+datefmt, "%%") {
			t.Errorf("%q %q %q: got %q", style, format, datefmt, got)
		}
	})
}
