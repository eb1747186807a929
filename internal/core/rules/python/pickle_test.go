package python

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/pyyaml"
)

// unpickler is a real Python that says what a pickle is: types and values, nothing left out.
type unpickler struct {
	in  io.WriteCloser
	out *bufio.Reader
}

const describeInPython = `
import datetime, pickle, struct, sys
def describe(v):
    t = type(v)
    if v is None: return "N"
    if t is bool: return str(v)
    if t is int: return "i%x" % v
    if t is float: return "f" + struct.pack(">d", v).hex()
    if t is str: return "s" + v.encode("utf-8", "surrogatepass").hex()
    if t is bytes: return "b" + v.hex()
    if t is datetime.date: return "d" + v.isoformat()
    if t is datetime.datetime:
        return "t" + v.replace(tzinfo=None).isoformat(timespec="microseconds") + ("" if v.tzinfo is None else "@%d" % v.utcoffset().total_seconds())
    if t is list: return "[" + " ".join(map(describe, v)) + "]"
    if t is tuple: return "(" + " ".join(map(describe, v)) + ")"
    if t is set: return "<" + " ".join(sorted(map(describe, v))) + ">"
    if t is dict: return "{" + " ".join(describe(k) + "=" + describe(x) for k, x in v.items()) + "}"
    return repr(t)
while True:
    size = sys.stdin.buffer.read(4)
    if not size: break
    print(describe(pickle.loads(sys.stdin.buffer.read(*struct.unpack("<I", size)))), flush=True)
`

func newUnpickler(t testing.TB) *unpickler {
	t.Helper()
	c := exec.Command(interpreter, "-c", describeInPython)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		c.Wait()
	})
	return &unpickler{in, bufio.NewReader(out)}
}

func (u *unpickler) describe(t testing.TB, pickle []byte) string {
	t.Helper()
	if _, err := u.in.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(pickle))), pickle...)); err != nil {
		t.Fatal(err)
	}
	line, err := u.out.ReadString('\n')
	if err != nil {
		t.Fatalf("%v after %.200q", err, pickle)
	}
	return strings.TrimSuffix(line, "\n")
}

// describe says the same of a value as Python is to say of its pickle.
func describe(v pyyaml.Value) string {
	switch v := v.(type) {
	case nil:
		return "N"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case int64:
		return fmt.Sprintf("i%x", v)
	case *big.Int:
		return fmt.Sprintf("i%x", v)
	case float64:
		if math.IsNaN(v) {
			return "f7ff8000000000000"
		}
		return fmt.Sprintf("f%016x", math.Float64bits(v))
	case string:
		return "s" + hex.EncodeToString([]byte(v))
	case pyyaml.Binary:
		return "b" + hex.EncodeToString([]byte(v))
	case pyyaml.Date:
		return fmt.Sprintf("d%04d-%02d-%02d", v.Year, v.Month, v.Day)
	case pyyaml.DateTime:
		s := v.Time.Format("t2006-01-02T15:04:05.000000")
		if _, offset := v.Time.Zone(); v.Aware {
			s += fmt.Sprintf("@%d", offset)
		}
		return s
	case []pyyaml.Value:
		return "[" + join(len(v), func(i int) string { return describe(v[i]) }) + "]"
	case pyyaml.Pairs:
		return "[" + join(len(v), func(i int) string { return "(" + describe(v[i].Key) + " " + describe(v[i].Value) + ")" }) + "]"
	case *pyyaml.Set:
		parts := []string{}
		for m := range v.All() {
			parts = append(parts, describe(m))
		}
		slices.Sort(parts)
		return "<" + strings.Join(parts, " ") + ">"
	case *pyyaml.Map:
		parts := []string{}
		for k, x := range v.All() {
			parts = append(parts, describe(k)+"="+describe(x))
		}
		return "{" + strings.Join(parts, " ") + "}"
	}
	return fmt.Sprintf("%T", v)
}

func join(n int, part func(int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = part(i)
	}
	return strings.Join(parts, " ")
}

func power(of int64, n int64, plus int64) *big.Int {
	i := new(big.Int).Exp(big.NewInt(of), big.NewInt(n), nil)
	return i.Add(i, big.NewInt(plus))
}

func TestEveryKindOfValueReachesPython(t *testing.T) {
	u := newUnpickler(t)
	noon := time.Date(2031, 5, 17, 12, 0, 0, 123456000, time.UTC)
	west := time.FixedZone("", -(9*3600 + 30*60))
	for _, v := range []pyyaml.Value{
		nil, true, false, int64(0), int64(-1), int64(255), int64(math.MaxInt32), int64(math.MinInt32), int64(math.MaxInt32 + 1), int64(math.MinInt32 - 1),
		int64(math.MaxInt64), int64(math.MinInt64), power(2, 63, 0), power(2, 64, -1), power(2, 64, 0), power(-2, 63, -1), power(-2, 127, 0), power(-2, 127, -1),
		power(2, 255*8, -1), power(10, 1000, 7), power(-10, 1001, 7),
		0.0, math.Copysign(0, -1), 1.5, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, 5e-324,
		"", "text", "é😀", strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("é", 100_000), "\x00\n", "lone \xed\xb3\xbf and \xed\xa0\x80",
		pyyaml.Binary(""), pyyaml.Binary("\x00\xff"), pyyaml.Binary(strings.Repeat("b", 300)),
		pyyaml.Date{Year: 1, Month: 1, Day: 1}, pyyaml.Date{Year: 9999, Month: 12, Day: 31},
		pyyaml.DateTime{Time: noon}, pyyaml.DateTime{Time: noon, Aware: true}, pyyaml.DateTime{Time: noon.In(west), Aware: true},
		[]pyyaml.Value{}, []pyyaml.Value{int64(1), []pyyaml.Value{nil}}, pyyaml.NewMap(0), pyyaml.NewSet(), pyyaml.NewSet(int64(1), "x", nil),
		pyyaml.Pairs{}, pyyaml.Pairs{{Key: "a", Value: []pyyaml.Value{}}, {Key: "a", Value: nil}},
		[]pyyaml.Value{pyyaml.Date{Year: 2031, Month: 5, Day: 17}, math.NaN(), pyyaml.Date{Year: 2031, Month: 5, Day: 18}, math.NaN(), pyyaml.DateTime{Time: noon, Aware: true},
			pyyaml.DateTime{Time: noon.In(west), Aware: true}},
		keyed(nil, true, int64(7), power(2, 70, 0), 0.5, "k", pyyaml.Binary("k"), pyyaml.Date{Year: 2031, Month: 5, Day: 17}, pyyaml.DateTime{Time: noon}),
	} {
		if got, want := u.describe(t, appendPickle(nil, v)), "("+describe(v)+")"; got != want {
			t.Errorf("%T: got %.200s\nwant %.200s", v, got, want)
		}
	}
	if got, want := u.describe(t, appendPickle(nil, "not \xff UTF-8 \xed\xa0")), "("+describe("not \xed\xb3\xbf UTF-8 \xed\xb3\xad\xed\xb2\xa0")+")"; got != want {
		t.Errorf("bytes that are no UTF-8: got %s, want what surrogateescape makes of them, %s", got, want)
	}
}

func keyed(keys ...pyyaml.Value) *pyyaml.Map {
	m := pyyaml.NewMap(len(keys))
	for i, k := range keys {
		m.Set(k, int64(i))
	}
	return m
}

// arbitrary makes values of every kind, always the same for one seed.
type arbitrary struct{ *rand.Rand }

func (a arbitrary) scalar() pyyaml.Value {
	switch a.IntN(10) {
	case 0:
		return nil
	case 1:
		return a.IntN(2) == 0
	case 2:
		return int64(a.Uint64()) >> a.UintN(64)
	case 3:
		n := new(big.Int).Lsh(big.NewInt(a.Int64()|1<<62), 2+a.UintN(3000))
		if a.IntN(2) == 0 {
			n.Neg(n)
		}
		return n
	case 4:
		if f := math.Float64frombits(a.Uint64()); !math.IsNaN(f) {
			return f
		}
		return 0.1
	case 5:
		return pyyaml.Date{Year: 1 + a.IntN(9999), Month: time.Month(1 + a.IntN(12)), Day: 1 + a.IntN(28)}
	case 6:
		zone, aware := time.UTC, a.IntN(2) == 0
		if aware {
			zone = time.FixedZone("", 60*(a.IntN(2879)-1439))
		}
		return pyyaml.DateTime{Time: time.Date(2+a.IntN(9990), 1, a.IntN(365), 0, 0, a.IntN(86400), 1000*a.IntN(1e6), zone), Aware: aware}
	case 7:
		b := make([]byte, a.IntN(600))
		for i := range b {
			b[i] = byte(a.Uint32())
		}
		return pyyaml.Binary(b)
	}
	var s strings.Builder
	for range a.IntN(100) {
		s.WriteString([]string{"a", "é", "😀", "\xed\xa0\x80", "\xed\xbf\xbf", "\n", "\x00"}[a.IntN(7)])
	}
	return s.String()
}

func (a arbitrary) value(depth int) pyyaml.Value {
	if depth > 4 || a.IntN(3) == 0 {
		return a.scalar()
	}
	n := a.IntN(6)
	switch a.IntN(4) {
	case 0:
		list := make([]pyyaml.Value, n)
		for i := range list {
			list[i] = a.value(depth + 1)
		}
		return list
	case 1:
		set := pyyaml.NewSet()
		for range n {
			set.Add(a.scalar())
		}
		return set
	case 2:
		pairs := make(pyyaml.Pairs, n)
		for i := range pairs {
			pairs[i] = pyyaml.Pair{Key: a.scalar(), Value: a.value(depth + 1)}
		}
		return pairs
	}
	m := pyyaml.NewMap(n)
	for range n {
		m.Set(a.scalar(), a.value(depth+1))
	}
	return m
}

func TestValuesOfAllKindsReachPython(t *testing.T) {
	u := newUnpickler(t)
	for seed := range uint64(2000) {
		v := arbitrary{rand.New(rand.NewPCG(5, seed))}.value(0)
		if got, want := u.describe(t, appendPickle(nil, v)), "("+describe(v)+")"; got != want {
			t.Fatalf("seed %d: got %.500s\nwant %.500s", seed, got, want)
		}
	}
}
