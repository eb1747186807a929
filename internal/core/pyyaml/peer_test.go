package pyyaml

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// peer is a Python process with real PyYAML, which answers requests one after the other (see testdata/peer.py).
type peer struct {
	t   testing.TB
	in  io.WriteCloser
	out io.Reader
}

func newPeer(t testing.TB) *peer {
	t.Helper()
	cmd := exec.Command("/usr/bin/python3", "testdata/peer.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start python with yaml (Debian: python3-yaml): %v", err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("python ended badly: %v", err)
		}
	})
	return &peer{t, in, out}
}

func (p *peer) ask(what byte, body []byte) []byte {
	p.t.Helper()
	request := append([]byte{what}, frame(body)...)
	if _, err := p.in.Write(request); err != nil {
		p.t.Fatalf("python is gone: %v", err)
	}
	reply, err := readFrame(p.out)
	if err != nil {
		p.t.Fatalf("python did not answer %c %.300q: %v", what, body, err)
	}
	return reply
}

// load returns the description of what safe_load makes of doc, or why it refuses it.
func (p *peer) load(doc []byte) (description, refusal string) {
	p.t.Helper()
	reply := string(p.ask('L', doc))
	if reply[0] == 'v' {
		return reply[1:], ""
	}
	return "", reply[1:]
}

func frame(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(r, body)
	return body, err
}

// split takes a body of several frames apart.
func split(body []byte) (parts [][]byte) {
	for len(body) > 0 {
		n := binary.BigEndian.Uint32(body)
		parts = append(parts, body[4:4+n])
		body = body[4+n:]
	}
	return parts
}

// describe is the same text as describe in peer.py: types and values, nothing left out.
func describe(v Value) string {
	switch v := v.(type) {
	case nil:
		return "N"
	case bool:
		return map[bool]string{true: "T", false: "F"}[v]
	case int64:
		return "i" + strconv.FormatInt(v, 10)
	case *big.Int:
		if v.IsInt64() {
			return "big.Int that fits int64: " + v.String()
		}
		return "i" + v.String()
	case float64:
		if math.IsNaN(v) {
			return "fnan"
		}
		return fmt.Sprintf("f%016x", math.Float64bits(v))
	case string:
		return "s" + hex.EncodeToString([]byte(v))
	case Binary:
		return "b" + hex.EncodeToString([]byte(v))
	case Date:
		return fmt.Sprintf("d%04d-%02d-%02d", v.Year, int(v.Month), v.Day)
	case DateTime:
		s := v.Time.Format("t2006-01-02T15:04:05.000000")
		if _, offset := v.Time.Zone(); v.Aware {
			s += fmt.Sprintf("@%d", offset)
		}
		return s
	case []Value:
		return "[" + describeAll(v) + "]"
	case Pairs:
		var parts []string
		for _, p := range v {
			parts = append(parts, "("+describe(p.Key)+" "+describe(p.Value)+")")
		}
		return "[" + strings.Join(parts, " ") + "]"
	case *Set:
		var parts []string
		for m := range v.All() {
			parts = append(parts, describe(m))
		}
		slices.Sort(parts)
		return "<" + strings.Join(parts, " ") + ">"
	case *Map:
		var parts []string
		for k, x := range v.All() {
			parts = append(parts, describe(k)+"="+describe(x))
		}
		return "{" + strings.Join(parts, " ") + "}"
	}
	return fmt.Sprintf("not a Value: %T", v)
}

func describeAll(list []Value) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = describe(v)
	}
	return strings.Join(parts, " ")
}
