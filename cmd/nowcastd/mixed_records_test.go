package main

import (
	"regexp"
	"strings"
)

var recordStart = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]+) \[([\w.]+)\] `)

// recorded returns all records of each process, each as "LEVEL message".
func recorded(log string) map[string][]string {
	records := map[string][]string{}
	starts := recordStart.FindAllStringSubmatchIndex(log, -1)
	for i, at := range starts {
		end := len(log)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		name := log[at[4]:at[5]]
		records[name] = append(records[name], log[at[2]:at[3]]+" "+log[at[1]:end])
	}
	return records
}

// fixed are the lines of section 9 that a day has. After what is in parentheses, each side may say more or other things.
var fixed = regexp.MustCompile(`^(?s:INFO running in process \d+|INFO read config from .*|INFO writing logging messages to local file system|` +
	`INFO writing log messages to local file system|INFO worker socket bound to port \d+|INFO manager socket bound to port \d+|` +
	`(INFO next workers module loaded from )|INFO connected to \S+ port \d+|INFO checklist read from .*|INFO checklist:\n.*|` +
	`(WARNING checklist load failed:)|WARNING running with empty checklist|ERROR message received from unregistered worker: .*|` +
	`DEBUG (?:received|sent) message.*|INFO checklist updated with .*|INFO launching .*|DEBUG cmd = .*|(DEBUG race condition management [^:]*:)|` +
	`(CRITICAL could not find after_\w+ in )|INFO writing checklist to log file|INFO checklist cleared|CRITICAL unhandled exception:.*|DEBUG shutting down|` +
	`INFO slept for .*|INFO awoke|INFO requesting that .*|INFO nowcast system .*|INFO (?:interrupt|termination) signal .*)`)

// lines returns what each process logged of section 9, in its order.
func (s *system) lines(log string) map[string][]string {
	lines := map[string][]string{}
	for name, records := range recorded(log) {
		for _, record := range records {
			m := fixed.FindStringSubmatch(strings.TrimSuffix(record, "\n"))
			if m == nil {
				continue
			}
			for _, cut := range m[1:] {
				if cut != "" {
					m[0] = cut + "..."
				}
			}
			lines[name] = append(lines[name], s.plain(m[0]))
		}
	}
	return lines
}

var processOrPort = regexp.MustCompile(`(process|port) \d+`)

// plain takes what differs from run to run out of a line.
func (s *system) plain(line string) string {
	return processOrPort.ReplaceAllString(strings.ReplaceAll(line, s.dir, "DIR"), "$1 N")
}
