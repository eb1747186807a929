package config

import (
	"strings"

	"nowcast/internal/core/pyyaml"
)

// Slack is the section slack notifications (specs: compat section 6).
type Slack struct {
	Channels     []SlackChannel // in order
	LogURL       string         // website log url; "" if there is none
	ChecklistURL string         // website checklist url
}

// SlackChannel is a key that starts SLACK.
type SlackChannel struct {
	Variable string   // environment variable that holds the webhook URL
	Workers  []string // whose reports are sent
}

const (
	slackSection   = "slack notifications"
	slackPrefix    = "SLACK"
	websiteLog     = "website log url"
	websiteList    = "website checklist url"
	channelRemedy  = "write a list of workers below it, each on a line of its own: - download_weather"
	variableRemedy = "begin the name of the environment variable that has the webhook URL with " + slackPrefix +
		"; other keys here are " + websiteLog + " and " + websiteList
)

// notifications reads slack notifications. The environment is not looked at: a variable that is not set is for the log.
func (n node) notifications(workers map[string]Worker) (s Slack) {
	section, ok := n.section(slackSection, "")
	if !ok {
		return s
	}
	s.LogURL, _ = section.text(websiteLog, "")
	s.ChecklistURL, _ = section.text(websiteList, "")
	keys, nodes := section.children()
	for i, c := range nodes {
		key, isText := keys[i].(string)
		switch {
		case isText && (key == websiteLog || key == websiteList):
		case isText && strings.HasPrefix(key, slackPrefix):
			s.Channels = append(s.Channels, SlackChannel{Variable: key, Workers: c.slackWorkers(workers)})
		default:
			c.warnf(variableRemedy, "is not a key that is used here")
		}
	}
	return s
}

// slackWorkers returns the names in the list of one channel.
func (n node) slackWorkers(workers map[string]Worker) (names []string) {
	switch n.value.(type) {
	case []pyyaml.Value:
	case nil:
		n.warnf(channelRemedy, "is empty, so nothing is sent")
		return nil
	default:
		n.errorf(channelRemedy, "is %s, not a list", describe(n.value))
		return nil
	}
	for _, c := range n.items() {
		name, ok := c.value.(string)
		if !ok {
			c.errorf("write the name of a worker", "is %s, not text", describe(c.value))
			continue
		}
		if _, ok := workers[name]; !ok && len(workers) > 0 {
			c.warnf("correct its spelling or register the worker", "is %q, which is not in message registry: workers", name)
		}
		names = append(names, name)
	}
	return names
}
