package workers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"strings"

	"nowcast/internal/core/pyyaml"
)

// longestLogged is how much of one line is logged.
const longestLogged = 8 << 10

// lineWriter passes a command's output on and logs it line by line. One goroutine writes to it.
type lineWriter struct {
	pass  io.Writer // nil: it is not passed on
	log   func(line string)
	limit int // bytes of a line that are kept; what a payload can have

	line  []byte // of the line that has no end yet
	total int    // its length, with what was not kept
	last  []byte // the last line that was not blank, nil if it was longer than limit
}

// Write never fails: the command must not stop because nobody listens.
func (w *lineWriter) Write(data []byte) (int, error) {
	if w.pass != nil {
		if _, err := w.pass.Write(data); err != nil {
			w.pass = nil
		}
	}
	n := len(data)
	for len(data) > 0 {
		part, rest, ended := bytes.Cut(data, []byte("\n"))
		w.total += len(part)
		w.line = append(w.line, part[:min(len(part), w.limit-len(w.line))]...)
		if ended {
			w.end()
		}
		data = rest
	}
	return n, nil
}

// flush ends a last line without a newline.
func (w *lineWriter) flush() {
	if w.total > 0 {
		w.end()
	}
}

func (w *lineWriter) end() {
	line, total := bytes.TrimRight(w.line, "\r"), w.total
	// A progress bar is the same line written again and again; what stays on a terminal is its end.
	line = line[bytes.LastIndexByte(line, '\r')+1:]
	if len(bytes.TrimSpace(line)) > 0 {
		if w.last = nil; total <= w.limit {
			w.last = bytes.Clone(line)
		}
		text := strings.ToValidUTF8(string(line[:min(len(line), longestLogged)]), "\ufffd")
		if len(line) > longestLogged || total > w.limit {
			text += fmt.Sprintf(" ... (%d bytes)", total)
		}
		w.log(text)
	}
	w.line, w.total = w.line[:0], 0
}

// payloadOf returns the mapping that a line of output is, in JSON or YAML; nil if it is none.
func payloadOf(line []byte) any {
	line = bytes.TrimSpace(line)
	if bytes.HasPrefix(line, []byte("{")) {
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		var m map[string]any
		if d.Decode(&m) == nil && !d.More() {
			return jsonNumbers(m)
		}
	}
	v, err := pyyaml.Decode(line)
	if m, ok := v.(*pyyaml.Map); ok && err == nil {
		return yamlValue{m}
	}
	return nil
}

// jsonNumbers replaces numbers by those Python's json would make of them: without point and exponent they are whole.
func jsonNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = jsonNumbers(e)
		}
	case []any:
		for i, e := range v {
			v[i] = jsonNumbers(e)
		}
	case json.Number:
		if i, ok := new(big.Int).SetString(v.String(), 10); ok {
			return i
		}
		x, _ := v.Float64() // beyond its range it is infinite, as in Python
		return x
	}
	return v
}
