package python

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/launch"
)

func framed(body string) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(body))), body...)
}

func read(b []byte) (*reply, error) { return readReply(bufio.NewReader(bytes.NewReader(b))) }

func TestAnAnswerWithWorkersIsRead(t *testing.T) {
	a, err := read(framed(`{"next": {"workers": [["m.a", [], "localhost"], ["m.b", ["x", "\u00e9"], "salish"]], "await": [["x.c"], ["b", "x", "y"], ["c"]]}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := launch.Next{Workers: []launch.NextWorker{{Module: "m.a", Args: []string{}, Host: "localhost"}, {Module: "m.b", Args: []string{"x", "é"}, Host: "salish"}}, Await: []string{"b x y", "c", "c"}}
	if diff := cmp.Diff(want, a.Next.launches()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	for _, b := range [][]byte{
		[]byte("print\n to the wrong descriptor"), {0xff, 0xff, 0xff, 0x7f}, framed("{}")[:5], framed(""), framed("7"), framed(`{"next": {"workers": [["m"]]}}`),
		framed(`{"next": {"workers": [["m", null, "h"]]}}`), framed(`{"next": {"workers": [null]}}`), framed(`{"next": {"workers": [["m", [1], "h"]]}}`),
		framed(`{"loaded": {"files": [{"inode": -1}]}}`), framed(`{"next": {"await": [[]]}}`), framed(`{"next": {"await": [[""]]}}`),
	} {
		if a, err := read(b); err == nil {
			t.Errorf("%.60q: got %+v, want an error", b, a)
		}
	}
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{
		`{"next": {"workers": [["m.a", ["x"], "localhost"]], "await": [["b"]]}}`, `{"record": {"name": "n", "level": 1e300, "message": "m", "exc": ""}}`,
		`{"failure": {"message": "m", "file": "f", "line": -3, "trace": "t"}, "files": [{"file": "f", "sum": "zz"}]}`,
		`{"loaded": {"functions": ["w"], "files": [{"file": "/nowhere", "size": 1, "inode": 2, "written": 3, "sum": "00ff"}], "sources": {"m": {"file": "/nowhere", "text": "eA=="}}}}`,
	} {
		f.Add(framed(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := read(b)
		if err != nil {
			return
		}
		if a.Record != nil {
			if l := a.Record.level(); l < -8 || l > 392 {
				t.Errorf("level %v of %v", l, a.Record.Level)
			}
		}
		if a.Next != nil {
			for _, w := range a.Next.launches().Workers {
				if w.Module == "" || w.Host == "" || w.Args == nil {
					t.Errorf("got the worker %+v", w)
				}
			}
		}
		if a.Failure != nil && a.Failure.error("after_w", "m").File == "" {
			t.Error("an error without a place")
		}
		if a.Loaded != nil {
			for i := range a.Loaded.Files {
				if f := &a.Loaded.Files[i]; f.Sum != "" {
					f.stamp()
				}
			}
		}
	})
}
