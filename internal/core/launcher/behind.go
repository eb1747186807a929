package launcher

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"nowcast/internal/core/launch"
	"nowcast/internal/core/process"
)

// Behind returns which of the candidates has the TCP connection whose own end is peer ("127.0.0.1:41234") and whose other end has this
// port. It looks at the processes of those that run first, and then for whoever has it: a process belongs to a launch if it is in its session, has
// its number in the environment, or descends from it. The candidate itself may have ended, and have left behind the one that speaks.
//
// 0 and true: a process of this host was found that has it, and is none of the candidates. False: that cannot be seen, as of a connection
// from another host, one that is closed by now, or a process of another user; or it takes too long to look at the files of all others.
func (la *Launcher) Behind(peer string, port int, candidates []*launch.Launch) (id int64, seen bool) {
	address, err := netip.ParseAddrPort(peer)
	if err != nil {
		return 0, false
	}
	address = netip.AddrPortFrom(address.Addr().Unmap(), address.Port())
	inode := connection(address, port)
	if inode == "" {
		return 0, false
	}
	all := family{byPID: map[int]*launch.Launch{}, byNumber: map[string]*launch.Launch{}, known: map[int]process.Stat{}}
	for _, l := range candidates {
		if !l.State.Final() && holds(l.PID, inode) {
			return l.ID, la.alive(l)
		}
		all.byPID[l.PID], all.byNumber[strconv.FormatInt(l.ID, 10)] = l, l
	}
	pids := newestFirst()
	for began := time.Now(); len(pids) > 0 && time.Since(began) < lookAtAll; pids = pids[1:] {
		if holds(pids[0], inode) { // those that inherit it are of one family
			if l := all.of(pids[0]); l != nil {
				return la.stillOf(l, all.known[pids[0]])
			}
			return 0, true
		}
	}
	for _, pid := range pids {
		if l := all.of(pid); l != nil && holds(pid, inode) {
			return la.stillOf(l, all.known[pid])
		}
	}
	return 0, false
}

// lookAtAll bounds how long the open files of all processes are looked through. Whoever speaks to us is new in most cases and found at once;
// of those that are older, on a host with very many, only those are looked at that belong to a launch. Tests change it.
var lookAtAll = 20 * time.Millisecond

// newestFirst returns the numbers of all processes, the highest first, which the kernel gave last (until it began anew, which costs us time
// only).
func newestFirst() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.SortFunc(pids, func(a, b int) int { return b - a })
	return pids
}

// family tells which launch a process belongs to.
type family struct {
	byPID    map[int]*launch.Launch // the leaders of their sessions
	byNumber map[string]*launch.Launch
	known    map[int]process.Stat
}

// of returns the launch of a process, nil if it is none's.
func (f family) of(pid int) *launch.Launch {
	if l := f.byNumber[numberOf(pid)]; l != nil {
		f.stat(pid)
		return l
	}
	if l := f.byPID[f.stat(pid).Session]; l != nil {
		return l
	}
	for up, steps := f.stat(pid).Parent, 0; up > 1 && steps < deepest; up, steps = f.stat(up).Parent, steps+1 {
		if l := f.byPID[up]; l != nil {
			return l
		}
	}
	return nil
}

// deepest bounds the generations that are gone up, should processes change while we look.
const deepest = 1000

func (f family) stat(pid int) process.Stat {
	s, known := f.known[pid]
	if !known {
		s, _ = process.Read(pid) // gone: it has no parent
		f.known[pid] = s
	}
	return s
}

// stillOf returns the launch that a process belongs to, unless the launch's number in the kernel is not its own any more.
func (la *Launcher) stillOf(l *launch.Launch, s process.Stat) (id int64, seen bool) {
	if l.PIDStart == 0 || s.Start < l.PIDStart || l.Boot != "" && l.Boot != la.boot || reused(l) {
		return 0, false
	}
	return l.ID, true
}

// reused tells whether the PID of a launch is another process's by now. While anything of its session is left, it is nobody's.
func reused(l *launch.Launch) bool {
	s, err := process.Read(l.PID)
	return err == nil && s.Start != l.PIDStart
}

// numberOf returns the number of the launch that a process was started for, as its environment has it.
func numberOf(pid int) string { return startedWith(pid, "NOWCAST_LAUNCH") }

// writers returns the living processes that were started for launches, by their output files, which no two launches share.
func writers() map[string]int {
	all := map[string]int{}
	process.All(func(pid int, s process.Stat) bool {
		if output := startedWith(pid, "NOWCAST_OUTPUT"); output != "" && !s.Dead() {
			all[output] = pid
		}
		return true
	})
	return all
}

// startedWith returns what the environment has that a process was started with.
func startedWith(pid int, name string) string {
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ")) // of somebody else, or gone
	for line := range bytes.SplitSeq(text, []byte{0}) {
		if value, ok := bytes.CutPrefix(line, []byte(name+"=")); ok {
			return string(value)
		}
	}
	return ""
}

// holds tells whether a process has the socket open.
func holds(pid int, inode string) bool {
	dir, err := os.Open("/proc/" + strconv.Itoa(pid) + "/fd")
	if err != nil {
		return false // of somebody else, or gone
	}
	defer dir.Close()
	files, _ := dir.Readdirnames(-1)
	want := "socket:[" + inode + "]"
	target := make([]byte, len(want)+1)
	return slices.ContainsFunc(files, func(file string) bool {
		n, err := unix.Readlinkat(int(dir.Fd()), file, target)
		return err == nil && string(target[:n]) == want
	})
}
