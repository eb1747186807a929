package config

// Slack is the section slack notifications (specs: compat section 6).
type Slack struct {
	Channels     []SlackChannel
	LogURL       string // website log url; "" if there is none
	ChecklistURL string // website checklist url
}

// SlackChannel is a key that starts SLACK.
type SlackChannel struct {
	Variable string   // environment variable that holds the webhook URL
	Workers  []string // whose reports are sent
}

// notifications says that nobody is notified.
func (n node) notifications() {
	if c, ok := n.child("slack notifications"); ok && c.value != nil {
		c.warnf("watch the alerts in the console or with nowcastd status", "is not acted upon yet, so nothing is sent to Slack")
	}
}
