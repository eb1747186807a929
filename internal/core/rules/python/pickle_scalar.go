package python

import (
	"encoding/binary"
	"math"
	"math/big"
	"slices"
	"unicode/utf8"

	"nowcast/internal/core/pyyaml"
)

func (p *pickler) bool(v bool) {
	if v {
		p.op(opTrue)
	} else {
		p.op(opFalse)
	}
}

func (p *pickler) int(v int64) {
	if v == int64(int32(v)) {
		p.op(opBinInt)
		p.uint32(int(v))
		return
	}
	p.op(opLong1, 8)
	p.b = binary.LittleEndian.AppendUint64(p.b, uint64(v))
}

// big writes a number of any size: bytes of the two's complement, lowest first.
func (p *pickler) big(v *big.Int) {
	n := v.BitLen()/8 + 1 // one bit is for the sign
	twos := v
	if v.Sign() < 0 {
		twos = new(big.Int).Lsh(big.NewInt(1), uint(8*n))
		twos.Add(twos, v)
	}
	digits := twos.FillBytes(make([]byte, n))
	slices.Reverse(digits)
	if n < 256 {
		p.op(opLong1, byte(n))
	} else {
		p.op(opLong4)
		p.uint32(n)
	}
	p.op(digits...)
}

func (p *pickler) float(v float64) {
	if math.IsNaN(v) {
		p.global(nan)
		return
	}
	p.op(opBinFloat)
	p.b = binary.BigEndian.AppendUint64(p.b, math.Float64bits(v))
}

// text writes a str. Lone surrogates are the same three bytes in a Go string and in a pickle.
func (p *pickler) text(s string) {
	if !utf8.ValidString(s) {
		s = escapeSurrogates(s)
	}
	switch n := len(s); {
	case n < 256:
		p.op(opShortText, byte(n))
	case n <= math.MaxUint32:
		p.op(opText)
		p.uint32(n)
	default:
		p.op(opText8)
		p.b = binary.LittleEndian.AppendUint64(p.b, uint64(n))
	}
	p.b = append(p.b, s...)
}

// escapeSurrogates makes of each byte that is no UTF-8, nor part of a surrogate, what Python's surrogateescape makes of it.
func escapeSurrogates(s string) string {
	var b []byte
	for i := 0; i < len(s); {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case size > 1 || s[i] < utf8.RuneSelf:
		case i+2 < len(s) && s[i] == 0xed && s[i+1]&0xe0 == 0xa0 && s[i+2]&0xc0 == 0x80:
			size = 3
		default:
			b = append(b, 0xed, 0xb0|s[i]>>6, 0x80|s[i]&0x3f)
			i++
			continue
		}
		b = append(b, s[i:i+size]...)
		i += size
	}
	return string(b)
}

func (p *pickler) bytes(s string) {
	if n := len(s); n <= math.MaxUint32 {
		p.op(opBytes)
		p.uint32(n)
	} else {
		p.op(opBytes8)
		p.b = binary.LittleEndian.AppendUint64(p.b, uint64(n))
	}
	p.b = append(p.b, s...)
}

func (p *pickler) global(g global) {
	if p.named[g] {
		p.op(opGet, byte(g))
		return
	}
	p.named[g] = true
	p.op(opGlobal)
	p.b = append(p.b, globals[g]...)
	p.op(opPut, byte(g))
}

// call writes a call of g with numbers.
func (p *pickler) call(g global, args ...int) {
	p.global(g)
	p.op(opMark)
	for _, a := range args {
		p.int(int64(a))
	}
	p.op(opTuple, opReduce)
}

func (p *pickler) dateTime(v pyyaml.DateTime) {
	t := v.Time
	p.global(dateTime)
	p.op(opMark)
	for _, n := range []int{t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond() / 1000} {
		p.int(int64(n))
	}
	if v.Aware {
		_, offset := t.Zone()
		p.global(timeZone)
		p.call(timeDelta, 0, offset)
		p.op(opTuple1, opReduce)
	}
	p.op(opTuple, opReduce)
}
