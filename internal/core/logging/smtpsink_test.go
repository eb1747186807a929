package logging

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// smtpSink is a small mail server that keeps what it gets.
type smtpSink struct {
	port    int
	offers  string // what EHLO says beside the name, e.g. "AUTH PLAIN"
	answers func(line string) string
	tls     *tls.Config
	mails   chan sunkMail

	listener net.Listener
	serving  sync.WaitGroup
}

type sunkMail struct {
	From, Login string
	To          []string
	Data        string
	Encrypted   bool
}

// newSMTPSink starts a mail server; answer overrules its answers where it does not return "".
func newSMTPSink(t *testing.T, offers string, answer func(line string) string) *smtpSink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &smtpSink{port: l.Addr().(*net.TCPAddr).Port, offers: offers, answers: answer, mails: make(chan sunkMail, 100), listener: l, tls: ownCertificate(t)}
	s.serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.serving.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.serving.Wait()
	})
	return s
}

func ownCertificate(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func (s *smtpSink) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(conn)
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	decoded := func(text string) string {
		b, _ := base64.StdEncoding.DecodeString(text)
		return string(b)
	}
	var m sunkMail
	say("220 sink")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		if s.answers != nil {
			if a := s.answers(line); a != "" {
				say(a)
				continue
			}
		}
		verb, rest, _ := strings.Cut(line, " ")
		address := strings.Trim(line[strings.IndexByte(line, ':')+1:], "<> ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-sink")
			for _, o := range strings.Split(s.offers, ",") {
				say("250-" + o)
			}
			say("250 SIZE")
		case "STARTTLS":
			say("220 go ahead")
			encrypted := tls.Server(conn, s.tls)
			conn, in, m.Encrypted = encrypted, bufio.NewReader(encrypted), true
		case "AUTH":
			method, first, _ := strings.Cut(rest, " ")
			m.Login = method + " " + strings.ReplaceAll(decoded(first), "\x00", "|")
			for _, question := range map[string][]string{"LOGIN": {"User Name", "Password"}, "CRAM-MD5": {"<1@sink>"}}[method] {
				if first != "" { // Python sends the user at once
					first = ""
					continue
				}
				say("334 " + base64.StdEncoding.EncodeToString([]byte(question)))
				answer, err := in.ReadString('\n')
				if err != nil {
					return
				}
				m.Login += "|" + decoded(strings.TrimSpace(answer))
			}
			say("235 welcome")
		case "MAIL":
			address, _, _ = strings.Cut(address, ">")
			m.From, m.To = address, nil
			say("250 ok")
		case "RCPT":
			m.To = append(m.To, address)
			say("250 ok")
		case "DATA":
			say("354 go on")
			m.Data = ""
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				m.Data += strings.TrimPrefix(line, ".")
			}
			s.mails <- m
			say("250 ok")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// next returns a mail.
func (s *smtpSink) next(t *testing.T) sunkMail {
	t.Helper()
	select {
	case m := <-s.mails:
		return m
	case <-time.After(60 * time.Second):
		t.Fatal("no mail for 60 s")
	}
	return sunkMail{}
}
