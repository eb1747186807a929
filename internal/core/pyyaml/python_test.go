package pyyaml

import (
	"strconv"
	"testing"
)

func TestValuesMadeByPythonAreReadAndWrittenAsPyYAMLDoes(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	for seed := range 2000 {
		parts := split(p.ask('G', strconv.AppendInt(nil, int64(seed), 10)))
		dumped, other, want, otherWant := parts[0], parts[1], string(parts[2]), string(parts[3])
		v, err := Decode(dumped)
		if err != nil {
			t.Errorf("seed %d: decode: %v\n%s", seed, err, dumped)
			continue
		}
		if got := describe(v); got != want {
			t.Errorf("seed %d: value\ngot  %.600s\nwant %.600s\n%s", seed, got, want, dumped)
		}
		if got := Encode(v); string(got) != string(dumped) {
			t.Errorf("seed %d: encoding\ngot  %q\nwant %q", seed, got, dumped)
		}
		if len(other) == 0 {
			continue
		}
		v, err = Decode(other)
		if err != nil {
			t.Errorf("seed %d: decode of another style: %v\n%q", seed, err, other)
			continue
		}
		if got := describe(v); got != otherWant {
			t.Errorf("seed %d: value of another style\ngot  %.600s\nwant %.600s\n%q", seed, got, otherWant, other)
		}
	}
}
