package logging

import (
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"
	"time"
)

// syslogSpec is where a SysLogHandler sends to.
type syslogSpec struct {
	networks []string // to be tried in turn, as package net names them
	address  string
	facility int
}

// syslogTimeout is how long connecting, and each write, may take.
const syslogTimeout = 5 * time.Second

// syslog is logging.handlers.SysLogHandler: each record is <priority>text and a NUL.
type syslog struct {
	syslogSpec
	format *formatter
	conn   net.Conn
}

// severities are those of Python's levels; others are warnings.
var severities = map[int]int{debug: 7, info: 6, warning: 4, failure: 3, critical: 2}

func (s *syslog) compose(r *record) []byte {
	severity, ok := severities[r.level]
	if !ok {
		severity = 4
	}
	b := append([]byte{'<'}, strconv.Itoa(s.facility<<3|severity)...)
	return append(s.format.append(append(b, '>'), r), 0)
}

// carry sends over the connection there is, and if the server has dropped it over a new one.
func (s *syslog) carry(ctx context.Context, item []byte) error {
	old := s.conn != nil
	err := s.send(ctx, item)
	if err != nil && old {
		err = s.send(ctx, item)
	}
	if errors.Is(err, syscall.EMSGSIZE) {
		return refusal{err}
	}
	return err
}

func (s *syslog) send(ctx context.Context, item []byte) error {
	if s.conn == nil {
		if err := s.connect(ctx); err != nil {
			return err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = s.conn.SetDeadline(time.Now()) })
	defer stop()
	err := s.conn.SetWriteDeadline(time.Now().Add(syslogTimeout))
	if err == nil {
		_, err = s.conn.Write(item)
	}
	if err != nil {
		s.hangUp()
	}
	return err
}

func (s *syslog) connect(ctx context.Context) error {
	d := net.Dialer{Timeout: syslogTimeout}
	var errs []error
	for _, network := range s.networks {
		conn, err := d.DialContext(ctx, network, s.address)
		if err == nil {
			s.conn = conn
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (s *syslog) hangUp() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}
