package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"nowcast/internal/core/process"
)

// holder is the process that has a lease.
type holder struct {
	Host      string `json:"host"`
	Boot      string `json:"boot"`      // boot id: which start of which machine
	Namespace string `json:"namespace"` // of process ids
	PID       int    `json:"pid"`
	Start     string `json:"start"` // of the process, in clock ticks since boot: with PID it names one process for good
}

func (h holder) String() string {
	if h.PID == 0 {
		return "another manager"
	}
	return fmt.Sprintf("%s pid %d", h.Host, h.PID)
}

func ourselves() holder {
	h := holder{PID: os.Getpid()}
	h.Host, _ = os.Hostname()
	h.Boot, _ = process.Boot()
	h.Namespace, _ = os.Readlink("/proc/self/ns/pid")
	h.Start, _ = processStart(h.PID)
	return h
}

func parseHolder(text string) (h holder) {
	if json.Unmarshal([]byte(text), &h) != nil {
		return holder{} // nobody we know
	}
	return h
}

// dead tells whether the process was one of this machine and is no more. False means that we do not know.
func (h holder) dead() bool {
	us := ourselves()
	if h.PID == 0 || h.Start == "" || h.Boot == "" || h.Boot != us.Boot || h.Namespace != us.Namespace || h.Host != us.Host {
		return false
	}
	start, err := processStart(h.PID)
	return errors.Is(err, fs.ErrNotExist) || err == nil && start != h.Start
}

// processStart returns when a process began. A dead one is as good as gone.
func processStart(pid int) (string, error) {
	s, err := process.Read(pid)
	if err == nil && s.Dead() {
		err = fs.ErrNotExist
	}
	return strconv.FormatUint(s.Start, 10), err
}

// Elsewhere returns which manager on another machine has the state at where now, as "HOST pid N"; "" if none has, or none can.
func Elsewhere(ctx context.Context, where string) (by string) {
	if !IsPostgres(where) {
		return ""
	}
	_ = reading(ctx, where, func(s *session) error { // who asks has an error already: that nobody answers
		free, h, err := leaseIsFree(ctx, s.conn.QueryRowContext, "")
		if err == nil && !free && h.PID != 0 && h.Boot != ourselves().Boot {
			by = h.String()
		}
		return err
	})
	return by
}
