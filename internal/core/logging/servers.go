package logging

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"nowcast/internal/core/pyyaml"
)

const (
	streamSocket   = "ext://socket.SOCK_STREAM"
	datagramSocket = "ext://socket.SOCK_DGRAM"
)

// mail reads the arguments of an SMTPHandler.
func (p *parser) mail(m *pyyaml.Map, keys []string) *mailSpec {
	s := &mailSpec{port: "25", timeout: 5 * time.Second, subject: p.required(m, keys, "subject"), from: p.required(m, keys, "fromaddr")}
	if s.host, s.port = p.hostPort(m, "mailhost", s.port); s.host == "" {
		p.errorf(append(keys, "mailhost"), "name the mail server, or write [host, port]", "is missing or neither a name nor [host, port]")
	}
	if s.to = p.texts(m, "toaddrs"); len(s.to) == 0 {
		p.errorf(append(keys, "toaddrs"), "list the addresses", "is missing or not a list of addresses")
	}
	if v, _ := m.Get("credentials"); v != nil {
		if pair := p.texts(m, "credentials"); len(pair) == 2 {
			s.user, s.password = pair[0], pair[1]
		} else {
			p.errorf(append(keys, "credentials"), "write [user, password], quoted", "is not a list of two texts")
		}
	}
	if v, _ := m.Get("secure"); v != nil {
		list, ok := v.([]pyyaml.Value)
		files := p.texts(m, "secure")
		if !ok || len(files) != len(list) || len(files) > 2 {
			p.errorf(append(keys, "secure"), "write [], [key file] or [key file, certificate file]", "is %s", pyyaml.Repr(v))
			return s
		}
		s.secure = true
		files = append(files, "", "")
		s.key, s.cert = files[0], files[1]
	}
	switch v, _ := m.Get("timeout"); v := v.(type) {
	case nil:
	case int64:
		s.timeout = time.Duration(v) * time.Second
	case float64:
		s.timeout = time.Duration(v * float64(time.Second))
	default:
		p.errorf(append(keys, "timeout"), "give seconds", "is %s", pyyaml.Repr(v))
	}
	if s.timeout <= 0 {
		p.errorf(append(keys, "timeout"), "give seconds above 0", "is %v", s.timeout)
	}
	return s
}

// facilities are the names that Python has for those of syslog, by number.
var facilities = []string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
	"security", "console", "solaris-cron", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}

// syslog reads the arguments of a SysLogHandler.
func (p *parser) syslog(m *pyyaml.Map, keys []string) *syslogSpec {
	s := &syslogSpec{facility: 1}
	datagram, stream := true, false
	switch v, _ := m.Get("socktype"); v {
	case nil:
	case streamSocket, int64(1):
		datagram, stream = false, true
	case datagramSocket, int64(2):
	default:
		p.errorf(append(keys, "socktype"), "write "+datagramSocket+" or "+streamSocket, "is %s", pyyaml.Repr(v))
	}
	v, _ := m.Get("address")
	switch path, _ := v.(string); {
	case path != "":
		s.address = path
		if v, _ := m.Get("socktype"); v == nil {
			stream = true // the second to be tried
		}
		s.networks = networks(datagram, stream, "unixgram", "unix")
	default:
		host, port := "localhost", "514"
		if v != nil {
			host, port = p.hostPort(m, "address", "")
		}
		if host == "" || port == "" {
			p.errorf(append(keys, "address"), "write the path of a socket, or [host, port]", "is %s", pyyaml.Repr(v))
		}
		s.address = net.JoinHostPort(host, port)
		s.networks = networks(datagram, stream, "udp", "tcp")
	}
	switch v, _ := m.Get("facility"); v := v.(type) {
	case nil:
	case int64:
		s.facility = int(v)
	default:
		name, _ := v.(string)
		s.facility = slices.Index(facilities, name)
	}
	if s.facility < 0 {
		p.errorf(append(keys, "facility"), "write one of "+strings.Join(facilities, ", "), "is not a facility of syslog")
	}
	return s
}

func networks(datagram, stream bool, datagrams, streams string) (all []string) {
	if datagram {
		all = append(all, datagrams)
	}
	if stream {
		all = append(all, streams)
	}
	return all
}

func (p *parser) required(m *pyyaml.Map, keys []string, key string) string {
	s := p.text(m, keys, key)
	if v, _ := m.Get(key); v == nil {
		p.errorf(append(keys, key), "add it", "is missing")
	}
	return s
}

// texts returns a list of texts, or one text as a list; nil for anything else.
func (*parser) texts(m *pyyaml.Map, key string) []string {
	v, _ := m.Get(key)
	if s, ok := v.(string); ok {
		return []string{s}
	}
	list, _ := v.([]pyyaml.Value)
	var all []string
	for _, item := range list {
		s, ok := item.(string)
		if !ok {
			return nil
		}
		all = append(all, s)
	}
	return all
}

// hostPort returns a host and a port, which may be [host, port] or the host only; "" for anything else.
func (*parser) hostPort(m *pyyaml.Map, key, port string) (string, string) {
	v, _ := m.Get(key)
	if s, ok := v.(string); ok {
		return s, port
	}
	list, _ := v.([]pyyaml.Value)
	if len(list) != 2 {
		return "", ""
	}
	host, _ := list[0].(string)
	number, ok := list[1].(int64)
	if !ok || number < 0 || number > 65535 {
		return "", ""
	}
	if number != 0 || port == "" { // Python takes 0 for not given
		port = strconv.FormatInt(number, 10)
	}
	return host, port
}
