package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"nowcast/internal/core/config"
)

const (
	// upStopsWithin is how long `up` waits for one that is stopping: longer than that gives its daemons, one after the other.
	upStopsWithin = time.Minute
	// upLooksAgain is for one that was told to stop this instant and has not heard it yet.
	upLooksAgain = time.Second

	upStopping = "stopping"
)

// upLock keeps a second supervisor out: each would start what the other has running already, again and again. The kernel lets go of the
// lock with the process, so one that was killed is in nobody's way.
type upLock struct{ *os.File }

// lockUp waits for a supervisor that is stopping, as in a quick restart. One that is not is an error.
func lockUp(ctx context.Context, cfg *config.Config, say io.Writer) (upLock, error) {
	if err := cfg.EnsureStateDir(); err != nil {
		return upLock{}, err
	}
	f, err := os.OpenFile(cfg.StatePath("up.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return upLock{}, fmt.Errorf("keep out a second supervisor: %w", err)
	}
	l := upLock{f}
	said := false
	for began := time.Now(); ; {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			l.note("running")
			return l, nil
		}
		who, stops := l.holder()
		if waited := time.Since(began); ctx.Err() != nil || waited > upStopsWithin || waited > upLooksAgain && !stops {
			f.Close()
			return upLock{}, failure{fmt.Errorf("another nowcastd up runs with the state directory %s (%s): stop it first, or look at it with nowcastd status %s (%w)",
				cfg.StateDir, who, cfg.File, err), exitFailed}
		}
		if stops && !said {
			said = true
			fmt.Fprintf(say, "waiting for the nowcastd up before (%s) to end\n", who)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// stopping tells the next one that it is worth waiting.
func (l upLock) stopping() { l.note(upStopping) }

// note writes what holder reads. It is for people and for who waits; that it cannot be written changes nothing else.
func (l upLock) note(state string) {
	_ = l.Truncate(0)
	_, _ = l.WriteAt(fmt.Appendf(nil, "process %d, %s\n", os.Getpid(), state), 0)
}

func (l upLock) holder() (who string, stops bool) {
	b := make([]byte, 100)
	n, _ := l.ReadAt(b, 0)
	who = strings.TrimSpace(string(b[:n]))
	return who, strings.HasSuffix(who, upStopping)
}
