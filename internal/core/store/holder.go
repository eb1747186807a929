package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
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
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	h.Boot = string(bytes.TrimSpace(boot))
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

// processStart returns field 22 of /proc/PID/stat; the name before may have spaces. A zombie is as good as gone.
func processStart(pid int) (string, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return "", fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	if fields[0][0] == 'Z' {
		return "", fs.ErrNotExist
	}
	return string(fields[19]), nil
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
