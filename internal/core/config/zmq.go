package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nowcast/internal/core/pyyaml"
)

const (
	portRemedy  = "give a number from 1 to 65535"
	lportRemedy = "give a port, a quoted \"host:port\", or a list of them"
)

// loggers are the processes that zmq: ports: logging may name beside the workers.
var loggers = []string{"message_broker", "manager", "scheduler", "log_aggregator", "alerter", "orchestrator", "workers"}

func (n node) zmq(workers map[string]Worker) ZMQ {
	s, ok := n.section("zmq", "write host and ports: manager, workers below it")
	if !ok {
		return ZMQ{}
	}
	s.unknownKeys("host", "bind", "ports")
	var z ZMQ
	z.Host = s.address("host", "name the host that the broker runs on, e.g. localhost")
	z.Bind = s.address("bind", "")
	ports, ok := s.section("ports", "write manager and workers below it")
	if !ok {
		return z
	}
	ports.unknownKeys("manager", "workers", "logging")
	z.ManagerPort = ports.port("manager")
	z.WorkersPort = ports.port("workers")
	if c, _ := ports.child("workers"); z.WorkersPort != 0 && z.WorkersPort == z.ManagerPort {
		c.errorf("give each its own", "is %d, and so is ports: manager", z.WorkersPort)
	}
	logging, _ := ports.section("logging", "")
	z.LoggingPorts = logging.loggingPorts(workers)
	return z
}

// address returns a host name or address without scheme and port.
func (n node) address(key, required string) string {
	text, c := n.text(key, required)
	if strings.Contains(text, "/") || strings.Count(text, ":") == 1 || strings.ContainsAny(text, " \t\n") {
		c.errorf("give only a host name or address; ports stand below ports", "is %q, not a host name or address", text)
		return ""
	}
	return text
}

func (n node) port(key string) int {
	c, ok := n.child(key)
	if !ok {
		c.errorf(portRemedy, "is missing")
		return 0
	}
	port, ok := portOf(c.value)
	if !ok {
		c.errorf(portRemedy, "is %s, not a port number", strings.TrimPrefix(describe(c.value), "the number "))
	}
	return port
}

// portOf reads a port, which may be quoted.
func portOf(v pyyaml.Value) (int, bool) {
	if s, ok := v.(string); ok {
		i, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0, false
		}
		v = i
	}
	i, ok := v.(int64)
	return int(i), ok && i >= 1 && i <= 65535
}

func (n node) loggingPorts(workers map[string]Worker) map[string][]string {
	all := map[string][]string{}
	owner := map[string]string{}
	_, nodes := n.children()
	for _, c := range nodes {
		name := c.keys[len(c.keys)-1]
		if _, ok := workers[name]; !ok && !slices.Contains(loggers, name) {
			c.warnf("correct its spelling or register the worker; processes are "+strings.Join(loggers, ", "), "is neither a process nor a registered worker")
		}
		all[name] = c.ports()
		if first := owner[strings.Join(all[name], " ")]; first != "" {
			c.warnf("give each its own port, since only one process can bind it", "has the same port as %s", first)
		}
		owner[strings.Join(all[name], " ")] = name
	}
	return all
}

// ports returns a port, a host:port, or a list of either, as text.
func (n node) ports() []string {
	nodes := []node{n}
	if _, ok := n.value.([]pyyaml.Value); ok {
		nodes = n.items()
		if len(nodes) == 0 {
			n.errorf(lportRemedy, "is an empty list")
		}
	}
	var ports []string
	for _, c := range nodes {
		if text, ok := hostPort(c.value); ok {
			ports = append(ports, text)
			continue
		}
		c.errorf(lportRemedy, "is %s, not a port or host:port", describe(c.value))
	}
	return ports
}

func hostPort(v pyyaml.Value) (string, bool) {
	if port, ok := portOf(v); ok {
		return strconv.Itoa(port), true
	}
	text, _ := v.(string)
	i := strings.LastIndexByte(text, ':')
	if i <= 0 || strings.ContainsAny(text, "/ \t\n") {
		return "", false
	}
	port, ok := portOf(text[i+1:])
	return fmt.Sprintf("%s:%d", text[:i], port), ok
}
