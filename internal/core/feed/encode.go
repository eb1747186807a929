package feed

import (
	"encoding/json"
	"strconv"
	"time"
)

// marshal writes a body as json.Marshal does, byte for byte, with a short way for the two that come with every message: for each
// of their fields json.Marshal asks the type what it is.
func marshal(body any) ([]byte, error) {
	switch all := body.(type) {
	case []ChecklistChange:
		size := 2
		for i := range all {
			size += len(all[i].YAML) + len(all[i].YAML)/8 + len(all[i].Author) + 120
		}
		return array(make([]byte, 0, size), all, (*ChecklistChange).append)
	case []LogRecord:
		size := 2
		for i := range all {
			size += len(all[i].Message) + len(all[i].Name) + len(all[i].Host) + 180
		}
		return array(make([]byte, 0, size), all, (*LogRecord).append)
	}
	return json.Marshal(body)
}

func array[T any](b []byte, all []T, one func(*T, []byte) ([]byte, error)) ([]byte, error) {
	if all == nil {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	for i := range all {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = one(&all[i], b); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func (c *ChecklistChange) append(b []byte) (_ []byte, err error) {
	b = strconv.AppendInt(append(b, `{"seq":`...), c.Seq, 10)
	if b, err = appendTime(append(b, `,"time":`...), c.Time); err != nil {
		return nil, err
	}
	b = appendString(append(b, `,"author":`...), c.Author)
	b = appendString(append(b, `,"op":`...), c.Op)
	if c.YAML != "" {
		b = appendString(append(b, `,"yaml":`...), c.YAML)
	}
	return append(b, '}'), nil
}

func (r *LogRecord) append(b []byte) (_ []byte, err error) {
	if b, err = appendTime(append(b, `{"time":`...), r.Time); err != nil {
		return nil, err
	}
	b = strconv.AppendQuote(append(b, `,"level":`...), r.Level.String())
	b = appendString(append(b, `,"name":`...), r.Name)
	b = appendString(append(b, `,"message":`...), r.Message)
	if r.Host != "" {
		b = appendString(append(b, `,"host":`...), r.Host)
	}
	if r.PID != 0 {
		b = strconv.AppendInt(append(b, `,"pid":`...), int64(r.PID), 10)
	}
	if r.Launch != 0 {
		b = strconv.AppendInt(append(b, `,"launch":`...), r.Launch, 10)
	}
	if r.Published {
		b = append(b, `,"published":true`...)
	}
	return append(b, '}'), nil
}

func appendTime(b []byte, t time.Time) ([]byte, error) {
	if _, offset := t.Zone(); offset == 0 && t.Year() >= 0 && t.Year() <= 9999 {
		return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"'), nil
	}
	text, err := t.MarshalJSON() // it refuses what RFC 3339 cannot say
	return append(b, text...), err
}

// appendString writes a JSON string. What is not plain ASCII is left to json.Marshal.
func appendString(b []byte, s string) []byte {
	began := len(b)
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if plain[c] {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			text, _ := json.Marshal(s) // a string always can be
			return append(b[:began], text...)
		}
	}
	return append(append(b, s[from:]...), '"')
}

// plain are the bytes that stand for themselves in what json.Marshal writes.
var plain = func() (p [256]bool) {
	for c := byte(' '); c < 0x7f; c++ {
		switch c {
		case '"', '\\', '<', '>', '&':
		default:
			p[c] = true
		}
	}
	return p
}()
