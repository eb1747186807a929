package pyyaml

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestValuesMadeInGoAreReadByPythonAndWrittenAsItWould(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	for i, v := range goValues(1000) {
		text := Encode(v)
		loaded, refusal := p.load(text)
		if refusal != "" {
			t.Errorf("value %d: PyYAML refuses it: %s\n%s", i, refusal, text)
			continue
		}
		back, err := Decode(text)
		if err != nil {
			t.Errorf("value %d: %v\n%s", i, err, text)
			continue
		}
		if got, want := describe(back), loaded; got != want {
			t.Errorf("value %d: read back\ngot  %s\nwant %s", i, got, want)
		}
		if got, want := sortedDescription(back), sortedDescription(v); got != want {
			t.Errorf("value %d: what was written\ngot  %s\nwant %s", i, got, want)
		}
		if hasPairs(v) || orderedByChance(v) {
			continue
		}
		if want := p.ask('D', text); !bytes.Equal(text, want) {
			t.Errorf("value %d: encoding\ngot  %q\nwant %q", i, text, want)
		}
	}
}

func TestSizesAndKindsThatMustSurvive(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	const megabyte, some = 1 << 20, 1 << 15 // PyYAML writes a megabyte in some seconds
	for _, c := range []struct {
		name, unit string
		size       int
	}{
		{"words", "some words and no_more ", megabyte},
		{"words", "some words and no_more ", some},
		{"one word", "x", some},
		{"unicode", "日本 \U0001f600", megabyte / 2},
		{"unicode", "日本 \U0001f600", some},
		{"lines", "a line\n", some},
		{"blanks", " \n", some},
	} {
		text := strings.Repeat(c.unit, c.size/len(c.unit))
		p.survives(c.name, text, c.size <= some)
		p.survives(c.name+" as bytes", Binary(text), c.size <= some)
	}
	p.survives("empty", "", true)
	p.survives("a path that is no UTF-8", "/data/\xed\xb3\xbf", true)
	p.survives("an offset with seconds", DateTime{time.Date(2020, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3601)), true}, true)
}

// survives sends v to PyYAML and takes it back.
func (p *peer) survives(name string, v Value, sameBytes bool) {
	p.t.Helper()
	text := Encode(MapOf("payload", v))
	loaded, refusal := p.load(text)
	back, err := Decode(text)
	if refusal != "" || err != nil {
		p.t.Errorf("%s: refused: %s %v", name, refusal, err)
		return
	}
	if describe(back) != loaded {
		p.t.Errorf("%s: read back differs from what PyYAML reads", name)
	}
	if got, _ := back.(*Map).Get("payload"); !Equal(got, v) {
		p.t.Errorf("%s: got %.100s, want %.100s", name, Repr(got), Repr(v))
	}
	if sameBytes && !bytes.Equal(text, p.ask('D', text)) {
		p.t.Errorf("%s: encoding differs from yaml.dump's", name)
	}
}

func TestBytesOfABrokenStringBecomeSurrogatesAsInPython(t *testing.T) {
	if got, want := string(Encode("a\xff")), `"a\uDCFF"`+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEntriesPutTogetherAreWhatEncodeWrites(t *testing.T) {
	for i, v := range goValues(1500) {
		m, ok := v.(*Map)
		if !ok || m.Len() == 0 || findShared(m) != nil {
			continue
		}
		var whole []byte
		for _, key := range SortedKeys(m) {
			value, _ := m.Get(key)
			whole = AppendEntry(whole, key, value, 0)
		}
		if want := Encode(m); !bytes.Equal(whole, want) {
			t.Errorf("value %d: top level\ngot  %q\nwant %q", i, whole, want)
		}
	}
}

func TestSharedCollectionsAreWrittenOnce(t *testing.T) {
	list := []Value{int64(1)}
	m := MapOf("x", list)
	got := string(Encode(MapOf("b", m, "a", m, "c", list)))
	want := "a: &id001\n  x: &id002\n  - 1\nb: *id001\nc: *id002\n"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	entry := string(AppendEntry(nil, "k", []Value{list, list}, 2))
	if want := "  k:\n  - - 1\n  - - 1\n"; entry != want {
		t.Errorf("entry: got %q, want %q", entry, want)
	}
}

func TestWhatIsNoValuePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a struct{} was written")
		}
	}()
	Encode(MapOf("a", struct{}{}))
}
