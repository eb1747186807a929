package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"os"
	"strings"
	"time"
)

// mailer sends mails through a server that takes them from this host as they are: one that is near. Who needs another has a server here
// that knows how to log in there.
type mailer struct {
	to           []string
	from, server string
}

func (m mailer) send(ctx context.Context, a Alarm) (Attempt, error) {
	refused, err := m.deliver(ctx, a)
	var reply *textproto.Error
	return Attempt{Final: errors.As(err, &reply) && reply.Code >= 500, Note: refused}, err
}

// deliver sends to all who are accepted. Who is refused is an error only if there is nobody else.
func (m mailer) deliver(ctx context.Context, a Alarm) (refused string, err error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", m.server)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		conn.SetDeadline(end)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	host, _, _ := net.SplitHostPort(m.server)
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return "", err
	}
	own, err := os.Hostname()
	if err != nil {
		own = "localhost"
	}
	if err := c.Hello(own); err != nil {
		return "", err
	}
	if err := c.Mail(bare(m.from)); err != nil {
		return "", fmt.Errorf("from %s: %w", m.from, err)
	}
	var refusals []error
	for _, to := range m.to {
		if err := c.Rcpt(bare(to)); err != nil {
			refusals = append(refusals, fmt.Errorf("to %s: %w", to, err))
		}
	}
	if len(refusals) == len(m.to) {
		return "", errors.Join(refusals...)
	}
	w, err := c.Data()
	if err != nil {
		return "", err
	}
	if _, err := w.Write(m.compose(a, own)); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	_ = c.Quit() // the server has taken the mail, whatever it says to this
	if len(refusals) > 0 {
		refused = errors.Join(refusals...).Error()
	}
	return refused, nil
}

// compose writes the mail. Its Message-ID is made of the alarm's key, so that one that was sent twice shows once.
func (m mailer) compose(a Alarm, host string) []byte {
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", m.from}, {"To", strings.Join(m.to, ", ")}, {"Subject", mime.QEncoding.Encode("utf-8", oneLine(a.Subject))},
		{"Date", a.Time.Local().Format(time.RFC1123Z)}, {"Message-ID", "<" + digest(a.Key)[:32] + "@" + host + ">"},
		{"Auto-Submitted", "auto-generated"}, // so that nobody's holiday answers it
		{"MIME-Version", "1.0"}, {"Content-Type", `text/plain; charset="utf-8"`}, {"Content-Transfer-Encoding", "quoted-printable"},
	} {
		b.WriteString(h[0] + ": " + oneLine(h[1]) + "\r\n")
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	w.Write([]byte(strings.ReplaceAll(a.Text, "\n", "\r\n")))
	w.Close()
	b.WriteString("\r\n")
	return b.Bytes()
}

// oneLine keeps a text from beginning another header.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }), " ")
}

// bare returns an address without the name before it.
func bare(address string) string {
	if a, err := mail.ParseAddress(address); err == nil {
		return a.Address
	}
	return address
}

func digest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
