package feed

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"
)

// What the short way writes is what json.Marshal writes, whatever is in it.
func TestBodiesAreWrittenAsJSONWritesThem(t *testing.T) {
	texts := []string{"", "plain text", "two\nlines: \"quoted\" \\ and\ttab\r", "<b>&amp;</b>", "Ångström 🌊 \u2028", "\x00\x1f\x7f", "bad \xff\xfe UTF-8", "{a: [1, 'b']}\n"}
	times := []time.Time{
		{}, time.Date(2031, 5, 17, 5, 40, 0, 0, time.UTC), time.Date(2031, 5, 17, 5, 40, 0, 120_000_000, time.UTC), time.Unix(1, 1).UTC(),
		time.Date(2031, 5, 17, 5, 40, 0, 1, time.FixedZone("PDT", -7*3600)), time.Date(2031, 5, 17, 5, 40, 0, 0, time.FixedZone("", 0)),
	}
	bodies := []any{[]ChecklistChange(nil), []ChecklistChange{}, []LogRecord(nil), []LogRecord{}}
	var changes []ChecklistChange
	var records []LogRecord
	for i, text := range texts {
		for j, when := range times {
			changes = append(changes, ChecklistChange{Seq: int64(i*j - 3), Time: when, Author: text, Op: "update", YAML: texts[(i+j)%len(texts)]})
			records = append(records,
				LogRecord{Time: when, Level: slog.Level(3*i - 8), Name: text, Message: texts[(i+j)%len(texts)]},
				LogRecord{Time: when, Level: slog.LevelInfo, Name: "manager", Message: text, Host: text, PID: i, Launch: int64(-j), Published: j%2 == 0})
		}
	}
	bodies = append(bodies, changes, changes[:1], records, records[:1])
	for _, body := range bodies {
		want, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := marshal(body); err != nil || string(got) != string(want) {
			t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
		}
	}
}

// A time that JSON cannot say is an error here, too.
func TestTimesThatCannotBeWritten(t *testing.T) {
	far := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, body := range []any{[]ChecklistChange{{Time: far}}, []LogRecord{{Time: far}}} {
		if got, err := marshal(body); err == nil {
			t.Errorf("got %s and no error", got)
		}
	}
}

func FuzzBodies(f *testing.F) {
	f.Add("bench", "run 1: {a: 2}\n", int64(7))
	f.Fuzz(func(t *testing.T, author, text string, ns int64) {
		for _, body := range []any{
			[]ChecklistChange{{Seq: ns, Time: time.Unix(0, ns).UTC(), Author: author, Op: "set", YAML: text}},
			[]LogRecord{{Time: time.Unix(0, ns).UTC(), Name: author, Message: text, Host: author, Launch: ns}},
		} {
			want, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := marshal(body); err != nil || string(got) != string(want) {
				t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
			}
		}
	})
}
