package alerter

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	diskEvery  = time.Minute
	diskWithin = 20 * time.Second
	fewFiles   = 1000
)

// diskWatch looks at the disks of directories on a goroutine of its own: one that hangs, as network disks do, must not take the alerter
// with it.
type diskWatch struct {
	jobs chan diskJob // capacity 1: what to look at from now on
	look func(diskJob) []finding
}

type diskJob struct {
	dirs []string
	free int64 // bytes below which it is an alert
}

// run sends what it finds, every minute and when there are other directories.
func (w diskWatch) run(ctx context.Context, found chan<- []finding) {
	var j diskJob
	tick := time.NewTicker(diskEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case j = <-w.jobs:
		case <-tick.C:
		}
		done := make(chan []finding, 1)
		go func(j diskJob) { done <- w.look(j) }(j) // it is left behind if it hangs
		late := time.NewTimer(diskWithin)
		for waiting := true; waiting; {
			var all []finding
			select {
			case all = <-done:
				all = append(all, fine(keyDisks, "the disks answer again"))
				waiting = false
			case <-late.C:
				all = []finding{bad(keyDisks, "disk hangs", "the disk of one of these directories does not answer: %q. Is a network disk away?", j.dirs)}
			case <-ctx.Done():
				return
			}
			select {
			case found <- all:
			case <-ctx.Done():
				return
			}
		}
		late.Stop()
	}
}

const keyDisks = "disks"

// lookAtDisks tells which disks have less than free bytes left, each disk once. One is fine again when a tenth more is free.
func lookAtDisks(j diskJob) (all []finding) {
	seen := map[unix.Fsid]bool{}
	for _, dir := range j.dirs {
		var s unix.Statfs_t
		if unix.Statfs(dir, &s) != nil || seen[s.Fsid] && s.Fsid != (unix.Fsid{}) {
			continue // a directory that is not there has an alert of whoever wants to write to it
		}
		seen[s.Fsid] = true
		all = append(all, diskFinding(dir, int64(s.Bavail)*s.Bsize, int64(s.Blocks)*s.Bsize, int64(s.Files), int64(s.Ffree), j.free)...)
	}
	return all
}

func diskFinding(dir string, left, size, files, filesLeft, free int64) []finding {
	key := "disk " + dir
	switch {
	case left < free:
		return []finding{bad(key, kindDiskLow, "the disk of %s has only %s of %s left (disk free: %s): when it is full, nothing can be acknowledged. Make room",
			dir, amount(left), amount(size), amount(free))}
	case files > 0 && filesLeft < min(fewFiles, files/10):
		return []finding{bad(key, kindDiskLow, "the disk of %s has room for only %d more files: delete some", dir, filesLeft)}
	case left > free+free/10:
		return []finding{fine(key, fmt.Sprintf("%s are free", amount(left)))}
	}
	return nil
}

// amount shows a number of bytes.
func amount(n int64) string {
	switch {
	case n >= 10e9:
		return fmt.Sprintf("%d GB", n/1e9)
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
	return fmt.Sprintf("%d MB", n/1e6)
}
