package python

import (
	"encoding/binary"
	"fmt"
	"math/big"

	"nowcast/internal/core/pyyaml"
)

// Opcodes of pickle protocol 4, by their names in Python's pickletools.
const (
	opProto     = "\x80\x04"
	opStop      = '.'
	opMark      = '('
	opNone      = 'N'
	opTrue      = 0x88
	opFalse     = 0x89
	opBinInt    = 'J'
	opLong1     = 0x8a
	opLong4     = 0x8b
	opBinFloat  = 'G'
	opShortText = 0x8c
	opText      = 'X'
	opText8     = 0x8d
	opBytes     = 'B'
	opBytes8    = 0x8e
	opList      = ']'
	opAppends   = 'e'
	opDict      = '}'
	opSetItems  = 'u'
	opSet       = 0x8f
	opAddItems  = 0x90
	opTuple     = 't'
	opTuple1    = 0x85
	opTuple2    = 0x86
	opGlobal    = 'c'
	opReduce    = 'R'
	opPut       = 'q'
	opGet       = 'h'
)

// global is something that a pickle names: module and name, each ended by a newline.
type global byte

const (
	date global = iota
	dateTime
	timeZone
	timeDelta
	nan // PyYAML's nan is one object, which Python then finds as a key; so is this one
)

var globals = [...]string{"datetime\ndate\n", "datetime\ndatetime\n", "datetime\ntimezone\n", "datetime\ntimedelta\n", "math\nnan\n"}

// pickler appends one pickle. It is a writer only: what comes back from Python is never unpickled.
type pickler struct {
	b     []byte
	named [len(globals)]bool // globals that this pickle has named; they are taken from its memo then
}

// appendPickle appends the pickle of a tuple of values.
func appendPickle(dst []byte, tuple ...pyyaml.Value) []byte {
	p := pickler{b: append(dst, opProto...)}
	p.op(opMark)
	for _, v := range tuple {
		p.value(v)
	}
	p.op(opTuple, opStop)
	return p.b
}

func (p *pickler) op(codes ...byte)      { p.b = append(p.b, codes...) }
func (p *pickler) uint32(n int)          { p.b = binary.LittleEndian.AppendUint32(p.b, uint32(n)) }
func (p *pickler) collection(start byte) { p.op(start, opMark) }

func (p *pickler) value(v pyyaml.Value) {
	switch v := v.(type) {
	case nil:
		p.op(opNone)
	case bool:
		p.bool(v)
	case int64:
		p.int(v)
	case int:
		p.int(int64(v))
	case *big.Int:
		p.big(v)
	case float64:
		p.float(v)
	case string:
		p.text(v)
	case pyyaml.Binary:
		p.bytes(string(v))
	case pyyaml.Date:
		p.call(date, v.Year, int(v.Month), v.Day)
	case pyyaml.DateTime:
		p.dateTime(v)
	default:
		p.container(v)
	}
}

func (p *pickler) container(v pyyaml.Value) {
	switch v := v.(type) {
	case []pyyaml.Value:
		p.collection(opList)
		for _, e := range v {
			p.value(e)
		}
		p.op(opAppends)
	case *pyyaml.Map:
		p.collection(opDict)
		for k, e := range v.All() {
			p.value(k)
			p.value(e)
		}
		p.op(opSetItems)
	case *pyyaml.Set:
		p.collection(opSet)
		for e := range v.All() {
			p.value(e)
		}
		p.op(opAddItems)
	case pyyaml.Pairs:
		p.collection(opList)
		for _, pair := range v {
			p.value(pair.Key)
			p.value(pair.Value)
			p.op(opTuple2)
		}
		p.op(opAppends)
	default:
		p.text(fmt.Sprint(v)) // no value of pyyaml
	}
}
