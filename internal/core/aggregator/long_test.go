package aggregator

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/aggregator/history"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/wire"
)

// TestALongLineSaysHowMuchOfItIsMissing goes all the way, into the history and to the consoles.
func TestALongLineSaysHowMuchOfItIsMissing(t *testing.T) {
	at := &places{}
	p := publish(t, "python", wire.Pub)
	o := at.options()
	past := history.Open(history.Options{Dir: filepath.Join(t.TempDir(), "logs"), Limit: 1 << 30, Logger: slog.New(slog.DiscardHandler)})
	defer past.Close()
	o.History, o.Publishers = past, []Publisher{p.Publisher}
	_, stop := start(t, o)
	p.joined(at)
	const long = 10 << 20
	p.send("grid.INFO", strings.Repeat("x", long)+"\n")
	eventually(t, "the long line", func() bool { return len(at.written()) > 0 })
	stop()
	page, err := past.Logs(t.Context(), control.LogsArgs{Name: "grid"})
	if err != nil {
		t.Fatal(err)
	}
	for where, records := range map[string][]feed.LogRecord{"history": page.Records, "consoles": at.live} {
		if len(records) != 1 {
			t.Errorf("%s: got %d records, want 1", where, len(records))
			continue
		}
		kept, missing, _ := strings.Cut(records[0].Message, "...")
		if want := fmt.Sprintf(" (%d bytes more)", long-len(kept)); missing != want || len(kept) > feed.LongestMessage {
			t.Errorf("%s: got %d bytes and %q, want %q", where, len(kept), missing, want)
		}
	}
}
