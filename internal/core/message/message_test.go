package message

import (
	"errors"
	"strings"
	"testing"

	"nowcast/internal/core/pyyaml"
)

func TestAMessageIsWrittenAsPyYAMLWritesIt(t *testing.T) {
	for want, m := range map[string]Message{
		"payload: null\nsource: manager\ntype: ack\n": {Source: "manager", Type: "ack"},
		"payload:\n  00 2.5km: /results/00\nsource: collect_weather\ntype: success 2.5km 00\n": {
			Source: "collect_weather", Type: "success 2.5km 00", Payload: pyyaml.MapOf("00 2.5km", "/results/00")},
		"launch: 7\npayload: null\nsource: sleep\ntype: success\n": {Source: "sleep", Type: "success", Launch: 7},
		"payload: null\nsource: sleep\ntype: 'yes'\n":              {Source: "sleep", Type: "yes"},
	} {
		if got := string(m.Encode()); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		back, err := Decode([]byte(want), DefaultLimit)
		if err != nil || back.Source != m.Source || back.Type != m.Type || back.Launch != m.Launch || !pyyaml.Equal(back.Payload, m.Payload) {
			t.Errorf("read back: got %+v %v, want %+v", back, err, m)
		}
	}
}

func TestExtraKeysAreIgnored(t *testing.T) {
	m, err := Decode([]byte("{source: a, type: b, payload: 1, more: [x], launch: none, id: 5}"), DefaultLimit)
	if err != nil || m.Source != "a" || m.Type != "b" || m.Payload != int64(1) || m.Launch != 0 {
		t.Errorf("got %+v %v", m, err)
	}
}

func TestWhatIsNotAMessageIsRefusedWithTheReasonAndItsBeginning(t *testing.T) {
	for name, tc := range map[string]struct {
		data   string
		reason string
		source string
	}{
		"empty":                    {"", "not a mapping with the keys payload, source and type", ""},
		"not UTF-8":                {"\xff\xfe\xfd", "not UTF-8", ""},
		"a scalar":                 {"hello", "not a mapping", ""},
		"a list":                   {"[1]", "not a mapping", ""},
		"not YAML":                 {"a: [", "", ""},
		"no source":                {"{payload: 1, type: x}", "the key source is missing", ""},
		"no type":                  {"{payload: 1, source: sleep}", "the key type is missing", "sleep"},
		"no payload":               {"{source: sleep, type: x}", "the key payload is missing", "sleep"},
		"a source that is a map":   {"{payload: 1, source: {a: b}, type: x}", "the value of source is not a string", ""},
		"a type that is a number":  {"{payload: 1, source: sleep, type: 5}", "the value of type is not a string", "sleep"},
		"a Python object":          {"payload: !!python/object:os.x {}\nsource: sleep\ntype: x\n", "python/object", `"sleep"`},
		"too long":                 {strings.Repeat("x", 200), "200 bytes are more than the limit of 100", ""},
		"control characters in it": {"\x1b[31mred", "", ""},
	} {
		_, err := Decode([]byte(tc.data), 100)
		var bad *Malformed
		if !errors.As(err, &bad) {
			t.Errorf("%s: got %v, want a Malformed", name, err)
			continue
		}
		if !strings.Contains(bad.Reason, tc.reason) || bad.Source != tc.source {
			t.Errorf("%s: got reason %q from %q, want %q from %q", name, bad.Reason, bad.Source, tc.reason, tc.source)
		}
		if strings.ContainsAny(bad.Error(), "\x1b\xff") {
			t.Errorf("%s: %q has raw bytes in it", name, bad.Error())
		}
	}
}

func TestAnExcerptIsShortAndPrintable(t *testing.T) {
	got := Excerpt([]byte("a\n\x00é" + strings.Repeat("x", 1000)))
	if !strings.HasPrefix(got, `"a\n\x00\u00e9xxx`) || !strings.HasSuffix(got, "... (1005 bytes)") || len(got) > 200 {
		t.Errorf("got %s", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("payload: null\nsource: sleep\ntype: success\n"))
	f.Add([]byte("{source: sleep, type: success, payload: !!set {a, b}}"))
	f.Add([]byte("\xff\x00source: x"))
	f.Add([]byte("payload: &a [*a]\nsource: s\ntype: t"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data, 1<<16)
		if err != nil {
			var bad *Malformed
			if !errors.As(err, &bad) || len(bad.Excerpt) > 1000 {
				t.Fatalf("got %v", err)
			}
			return
		}
		back, err := Decode(m.Encode(), 1<<24)
		if err != nil || back.Source != m.Source || back.Type != m.Type {
			t.Fatalf("%+v comes back as %+v, %v", m, back, err)
		}
	})
}
