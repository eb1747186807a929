package pyyaml

import (
	"fmt"
	"testing"
)

const smallMessage = `payload:
  NEMO forecast: /results/SalishSea/forecast.202402
  run date: '2023-02-24'
  status: completed on arbutus
source: watch_NEMO
type: success forecast
`

func BenchmarkDecodeSmallMessage(b *testing.B) {
	b.SetBytes(int64(len(smallMessage)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := decodeFast([]byte(smallMessage)); !ok {
			b.Fatal("not the fast way")
		}
	}
}

func BenchmarkDecodeSmallMessageTheGeneralWay(b *testing.B) {
	b.SetBytes(int64(len(smallMessage)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeSlow([]byte(smallMessage), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeSmallMessage(b *testing.B) {
	v, err := Decode([]byte(smallMessage))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		Encode(v)
	}
}

// largeMapping is a checklist of 10 MB.
func largeMapping() *Map {
	m := NewMap(1000)
	for i := range 1000 {
		inner := NewMap(100)
		for j := range 100 {
			inner.Set(fmt.Sprintf("file %d", j), MapOf("path", fmt.Sprintf("/results/2023-02-24/worker_%d/file_%d.nc", i, j), "size", int64(1000*i+j), "done", true))
		}
		m.Set(fmt.Sprintf("worker %d", i), inner)
	}
	return m
}

func BenchmarkEncode10MB(b *testing.B) {
	m := largeMapping()
	b.SetBytes(int64(len(Encode(m))))
	for b.Loop() {
		Encode(m)
	}
}

func BenchmarkDecode10MB(b *testing.B) {
	text := Encode(largeMapping())
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := decodeFast(text); !ok {
			b.Fatal("not the fast way")
		}
	}
}

func BenchmarkDecode10MBTheGeneralWay(b *testing.B) {
	text := Encode(largeMapping())
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := decodeSlow(text, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendEntry(b *testing.B) {
	v, _ := Decode([]byte(smallMessage))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendEntry(buf[:0], "watch_NEMO", v, 0)
	}
}
