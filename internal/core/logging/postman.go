package logging

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"os"
	"strings"
	"time"
)

// postman is logging.handlers.SMTPHandler: one mail for each record, over a connection of its own.
type postman struct {
	mailSpec
	format *formatter
}

func (p *postman) compose(r *record) []byte {
	return p.message(string(p.format.append(nil, r)), r.time)
}

func (p *postman) hangUp() {}

func (p *postman) carry(ctx context.Context, message []byte) error {
	err := p.send(ctx, message)
	var reply *textproto.Error
	if errors.As(err, &reply) && reply.Code >= 500 {
		return refusal{err}
	}
	return err
}

func (p *postman) send(ctx context.Context, message []byte) error {
	d := net.Dialer{Timeout: p.timeout}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(p.host, p.port))
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, err := smtp.NewClient(&impatient{conn, p.timeout}, p.host)
	if err != nil {
		return err
	}
	if host, err := os.Hostname(); err == nil {
		if err := c.Hello(host); err != nil {
			return err
		}
	}
	if p.user != "" {
		if err := p.login(c); err != nil {
			return err
		}
	}
	return p.deliver(c, message)
}

// login encrypts, if that is asked for, and logs in. As with Python's, the server's certificate is not examined: internal mail
// servers have their own, and what works today must go on.
func (p *postman) login(c *smtp.Client) error {
	if p.secure {
		t := &tls.Config{ServerName: p.host, InsecureSkipVerify: true}
		if p.key != "" {
			cert := p.cert
			if cert == "" {
				cert = p.key
			}
			pair, err := tls.LoadX509KeyPair(cert, p.key)
			if err != nil {
				return err
			}
			t.Certificates = []tls.Certificate{pair}
		}
		if err := c.StartTLS(t); err != nil {
			return fmt.Errorf("encrypt: %w", err)
		}
	}
	_, methods := c.Extension("AUTH")
	auth, err := p.auth(strings.Fields(strings.ToUpper(methods)))
	if err != nil {
		return err
	}
	if err := c.Auth(auth); err != nil {
		return fmt.Errorf("log in as %s: %w", p.user, err)
	}
	return nil
}

// deliver sends to all who are accepted. Who is refused is an error only when the mail is gone.
func (p *postman) deliver(c *smtp.Client, message []byte) error {
	if err := c.Mail(bare(p.from)); err != nil {
		return err
	}
	var refused []error
	for _, to := range p.to {
		if err := c.Rcpt(bare(to)); err != nil {
			refused = append(refused, fmt.Errorf("%s: %w", to, err))
		}
	}
	if len(refused) == len(p.to) {
		return errors.Join(refused...)
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(message); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_ = c.Quit() // the server has taken the mail, whatever it says to this
	if len(refused) > 0 {
		return refusal{errors.Join(refused...)}
	}
	return nil
}

// bare returns an address without the name before it.
func bare(address string) string {
	if a, err := mail.ParseAddress(address); err == nil {
		return a.Address
	}
	return strings.TrimSpace(address)
}

// impatient gives every read and write of a connection the same time.
type impatient struct {
	net.Conn
	timeout time.Duration
}

func (c *impatient) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *impatient) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
