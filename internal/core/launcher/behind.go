package launcher

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"nowcast/internal/core/launch"
)

// Behind returns which of the candidates has the TCP connection whose own end is peer ("127.0.0.1:41234") and whose other end has this
// port. It looks at the candidates' processes first, and then at all processes that belong to them: that are in their sessions, have
// their number in the environment, or descend from them. The candidate itself may have ended, and have left behind the one that speaks.
//
// 0 and true: a process of this host was found that has it, and is none of the candidates. False: that cannot be seen, as of a connection
// from another host, one that is closed by now, or a process of another user; or it takes too long to look at the files of all others.
func (la *Launcher) Behind(peer string, port int, candidates []*launch.Launch) (id int64, seen bool) {
	address, err := netip.ParseAddrPort(peer)
	if err != nil {
		return 0, false
	}
	address = netip.AddrPortFrom(address.Addr().Unmap(), address.Port())
	inode := connection("/proc/net/tcp", address, port)
	if inode == "" {
		inode = connection("/proc/net/tcp6", address, port)
	}
	if inode == "" {
		return 0, false
	}
	bySession, byNumber := map[int]*launch.Launch{}, map[string]*launch.Launch{}
	for _, l := range candidates {
		if holds(l.PID, inode) {
			return l.ID, la.alive(l)
		}
		bySession[l.PID], byNumber[strconv.FormatInt(l.ID, 10)] = l, l
	}
	all := map[int]stat{}
	processes(func(pid int, s stat) bool {
		all[pid] = s
		return true
	})
	var found *launch.Launch
	var others []int
	for pid, s := range all {
		l := byNumber[numberOf(pid)]
		if l == nil {
			l = bySession[s.session]
		}
		for up, steps := s.parent, 0; l == nil && up > 1 && steps < len(all); up, steps = all[up].parent, steps+1 {
			l = bySession[up] // whose leader it is
		}
		switch {
		case l == nil:
			others = append(others, pid)
		case s.start >= l.PIDStart && holds(pid, inode):
			found = l
		}
	}
	if found == nil {
		slices.SortFunc(others, func(a, b int) int { return cmp.Compare(all[b].start, all[a].start) }) // who speaks is most likely new
		return 0, anyHolds(others, inode)
	}
	if found.PIDStart == 0 || found.Boot != "" && found.Boot != la.boot || reused(found) {
		return 0, false
	}
	return found.ID, true
}

// lookAtOthers bounds how long the open files of processes are looked through that are most likely nobody's who speaks to us.
const lookAtOthers = 20 * time.Millisecond

func anyHolds(pids []int, inode string) bool {
	for began := time.Now(); len(pids) > 0 && time.Since(began) < lookAtOthers; pids = pids[1:] {
		if holds(pids[0], inode) {
			return true
		}
	}
	return false
}

// reused tells whether the PID of a launch is another process's by now. While anything of its session is left, it is nobody's.
func reused(l *launch.Launch) bool {
	s, err := processStat(l.PID)
	return err == nil && s.start != l.PIDStart
}

// numberOf returns the number of the launch that a process was started for, as its environment has it.
func numberOf(pid int) string { return startedWith(pid, "NOWCAST_LAUNCH") }

// writers returns the living processes that were started for launches, by their output files, which no two launches share.
func writers() map[string]int {
	all := map[string]int{}
	processes(func(pid int, s stat) bool {
		if output := startedWith(pid, "NOWCAST_OUTPUT"); output != "" && !s.dead() {
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

// connection returns the inode of the socket in a table of the kernel (proc_net_tcp(5)), "" if it is not there.
func connection(table string, local netip.AddrPort, remotePort int) string {
	f, err := os.Open(table)
	if err != nil {
		return "" // no IPv6
	}
	defer f.Close()
	port := ":" + strings.ToUpper(hex.EncodeToString(binary.BigEndian.AppendUint16(nil, uint16(remotePort))))
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		const from, to, inode = 1, 2, 9
		if len(fields) > inode && strings.HasSuffix(fields[to], port) && tableAddress(fields[from]) == local {
			return fields[inode]
		}
	}
	return ""
}

// tableAddress reads an address as the kernel's tables show it: words of 32 bits in the order of this machine, and the port.
func tableAddress(text string) netip.AddrPort {
	address, portText, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(address)
	port, err2 := strconv.ParseUint(portText, 16, 16)
	if err != nil || err2 != nil {
		return netip.AddrPort{}
	}
	for word := range slices.Chunk(raw, 4) {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	ip, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(ip.Unmap(), uint16(port))
}

// holds tells whether a process has the socket open.
func holds(pid int, inode string) bool {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, _ := os.ReadDir(dir) // of somebody else, or gone
	for _, e := range entries {
		if file, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && file == "socket:["+inode+"]" {
			return true
		}
	}
	return false
}
