package logging

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime"
	"strings"
	"time"
)

// mailSpec is where an SMTPHandler sends to.
type mailSpec struct {
	host, port     string
	from           string
	to             []string
	subject        string
	user, password string // no login if user is ""
	secure         bool   // STARTTLS before the login
	key, cert      string // files of a client certificate; "" none
	timeout        time.Duration
}

// mailWidth is how long Python lets a line of a message get.
const mailWidth = 78

// message writes a mail as Python's EmailMessage does: the same headers in the same order, the same choice of encoding.
func (m *mailSpec) message(text string, at time.Time) []byte {
	encoding, body := encodeBody(text)
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", m.from}, {"To", strings.Join(m.to, ",")}, {"Subject", mime.QEncoding.Encode("utf-8", m.subject)},
		{"Date", at.Local().Format(time.RFC1123Z)},
		{"Content-Type", `text/plain; charset="utf-8"`}, {"Content-Transfer-Encoding", encoding}, {"MIME-Version", "1.0"},
	} {
		b.WriteString(fold(h[0] + ": " + h[1]))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.Write(body)
	return b.Bytes()
}

// fold breaks a long header at blanks. A line break in it would begin another header.
func fold(header string) string {
	header = strings.Join(strings.FieldsFunc(header, func(r rune) bool { return r == '\r' || r == '\n' }), " ")
	var folded strings.Builder
	for first := strings.Index(header, ": ") + 2; len(header) > mailWidth; first = 1 {
		at := strings.LastIndexByte(header[:mailWidth+1], ' ')
		if at < first { // a word that is longer than a line
			break
		}
		folded.WriteString(header[:at] + "\n")
		header = header[at:]
	}
	return folded.String() + header
}

// encodeBody returns a text as a mail carries it: as it is if its lines are short, else in the shorter of two encodings.
func encodeBody(text string) (encoding string, body []byte) {
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimSuffix(text, "\n")), "\n")
	longest := 0
	for _, l := range lines {
		longest = max(longest, len(l))
	}
	whole := strings.Join(lines, "\n") + "\n"
	if longest <= mailWidth {
		encoding = "7bit"
		if strings.ContainsFunc(whole, func(r rune) bool { return r > 0x7f }) {
			encoding = "8bit"
		}
		return encoding, []byte(whole)
	}
	sample := strings.Join(lines[:min(10, len(lines))], "\n") + "\n"
	if len(quotedPrintable(sample)) > base64.StdEncoding.EncodedLen(len(sample))+1 {
		return "base64", base64Lines(whole)
	}
	return "quoted-printable", quotedPrintable(whole)
}

// base64Lines encodes with 57 bytes to the line.
func base64Lines(text string) []byte {
	var b []byte
	for len(text) > 0 {
		n := min(57, len(text))
		b = append(base64.StdEncoding.AppendEncode(b, []byte(text[:n])), '\n')
		text = text[n:]
	}
	return b
}

// quotedPrintable differs from package mime's in the length of lines only.
func quotedPrintable(text string) []byte {
	var b []byte
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		var quoted []byte
		for i := range len(line) {
			c := line[i]
			if c == '=' || c < ' ' && c != '\t' || c > '~' {
				quoted = fmt.Appendf(quoted, "=%02X", c)
				continue
			}
			quoted = append(quoted, c)
		}
		for len(quoted) > mailWidth {
			cut := mailWidth - 1
			if quoted[cut-2] == '=' {
				cut -= 2
			} else if quoted[cut-1] == '=' {
				cut--
			}
			b = append(append(b, quoted[:cut]...), '=', '\n')
			quoted = quoted[cut:]
		}
		if n := len(quoted); n > 0 && (quoted[n-1] == ' ' || quoted[n-1] == '\t') { // would be lost on the way
			blank := fmt.Appendf(nil, "=%02X", quoted[n-1])
			switch room := mailWidth - n; {
			case room >= 2:
				quoted = append(quoted[:n-1], blank...)
			case room == 1:
				quoted = append(quoted, '=', '\n')
			default:
				quoted = append(append(quoted[:n-1], '=', '\n'), blank...)
			}
		}
		b = append(append(b, quoted...), '\n')
	}
	return b
}
