package config

import (
	"fmt"
	"strings"
)

// NoRule says that a worker of the registry has no rule in the module, and what to do. Installations with Python rules have workers in their registry
// that nothing launches any more: there a missing rule is no mistake until such a worker reports.
func NoRule(worker, module string) (text string, wrong bool) {
	then := "its reports are answered with \"no after_worker function\" and are CRITICAL in the log and an alert: delete it there if it is not in use, or"
	if wrong = strings.HasSuffix(module, ".star"); wrong {
		then = "nothing can follow its reports:"
	}
	return fmt.Sprintf("no function after_%s, but %s is in the message registry; %s add def after_%s(msg, config, checklist)", worker, worker, then, worker), wrong
}
