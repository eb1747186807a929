package config

import (
	"fmt"
	"strings"

	"nowcast/internal/core/pyyaml"
)

// Scheduled is one entry of scheduled workers (specs: compat section 7).
type Scheduled struct {
	Module   string
	Args     []string // cmd line opts, split on white space
	Every    string   // unit of the Python package schedule; "" with Cron
	At       string   // time of day; "" if there is none
	Cron     string   // cron (ours): five fields
	Timezone string   // timezone (ours): IANA name; "" local time
	Missed   string   // missed (ours): run, skip or report
}

// scheduledWorkers looks for what the scheduler could not use.
func (n node) scheduledWorkers(workers map[string]Worker) {
	c, ok := n.child("scheduled workers")
	if !ok || c.value == nil {
		return
	}
	list, isList := c.value.([]pyyaml.Value)
	if !isList {
		c.errorf("write a list: - module: and every, at below it", "is %s, not a list", describe(c.value))
		return
	}
	if len(list) > 0 {
		c.warnf("let cron launch them: nowcastd launch CONFIG MODULE ARGS", "is not acted upon yet, so nothing launches these workers")
	}
	for _, item := range c.items() {
		keys, nodes := item.children()
		if len(nodes) != 1 {
			item.errorf("write - module: and every, at below it, indented", "is %s, not a mapping with one key", describe(item.value))
			continue
		}
		module, _ := keys[0].(string)
		if _, ok := workers[module[strings.LastIndexByte(module, '.')+1:]]; !ok && len(workers) > 0 {
			nodes[0].warnf("register it, or what it sends is refused", "is not in message registry: workers")
		}
		nodes[0].unknownKeys("every", "at", "cmd line opts")
		if at, ok := nodes[0].child("at"); ok {
			at.timeOfDay()
		}
	}
}

// timeOfDay warns of a time that YAML did not read as text. 5:15 without quotes is 5*60+15 there, 05:15 is text.
func (n node) timeOfDay() {
	minutes, ok := n.value.(int64)
	switch {
	case ok && minutes >= 60:
		var parts []string
		for ; minutes >= 60; minutes /= 60 {
			parts = append([]string{fmt.Sprintf("%02d", minutes%60)}, parts...)
		}
		parts = append([]string{fmt.Sprintf("%02d", minutes)}, parts...)
		n.warnf(fmt.Sprintf("quote it: at: %q", strings.Join(parts, ":")), "is %s to YAML, not a time of day", describe(n.value))
	case n.value == nil:
	default:
		if _, isText := n.value.(string); !isText {
			n.warnf(`quote it, e.g. at: "05:15"`, "is %s, not a time of day", describe(n.value))
		}
	}
}
