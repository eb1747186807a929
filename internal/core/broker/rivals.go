package broker

import (
	"fmt"
	"time"
)

// lookForRivals tells of managers that are connected beside each other, such as a Python manager that was forgotten when ours took over.
// No request is given to any of them (wire.Forwarder), as each would have a part of the day and acknowledge it. Which one is wrong, only an
// operator knows.
func (w *watch) lookForRivals(now time.Time, rivals string) {
	switch {
	case rivals == "":
		w.rivals = time.Time{}
	case w.rivals.IsZero():
		w.rivals = now
	}
	w.is(keyRivals, rivals != "" && now.Sub(w.rivals) >= withTwoManagers, w.rivals,
		fmt.Sprintf("more than one manager is connected, from %s: none is given requests, as each would have a part of them. They wait, and none is lost: "+
			"find out whose these are (ss -tnp) and stop all but the one that shall go on", rivals), "there is one, or none")
}
