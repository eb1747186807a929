package launcher

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// connection returns the inode of a TCP socket of this host, by its own end and the port of the other end; "" if there is none. The kernel
// is asked for the one that connects an address with itself, as almost all connections within a host do: its tables list all connections
// and take milliseconds to read on a large machine, while the manager waits.
func connection(local netip.AddrPort, remotePort int) string {
	if inode := asked(local, remotePort); inode != 0 {
		return strconv.FormatUint(uint64(inode), 10)
	}
	if !ofThisHost(local.Addr()) {
		return ""
	}
	if inode := inTable("/proc/net/tcp", local, remotePort); inode != "" {
		return inode
	}
	return inTable("/proc/net/tcp6", local, remotePort)
}

func ofThisHost(a netip.Addr) bool {
	addresses, err := net.InterfaceAddrs()
	return err != nil || a.IsLoopback() || slices.ContainsFunc(addresses, func(each net.Addr) bool {
		n, ok := each.(*net.IPNet)
		return ok && n.IP.Equal(a.AsSlice())
	})
}

// diagID is which connection is asked for (struct inet_diag_sockid of the kernel): ports and addresses in the order of the network.
type diagID struct {
	Local, Remote               [2]byte
	LocalAddress, RemoteAddress [16]byte
	Interface                   uint32
	Cookie                      [2]uint32
}

// asked asks the kernel for one connection (sock_diag(7)). 0: it has none, or does not answer such questions.
func asked(local netip.AddrPort, remotePort int) (inode uint32) {
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0
	}
	defer unix.Close(socket)
	family := uint8(unix.AF_INET6)
	if local.Addr().Is4() {
		family = unix.AF_INET
	}
	id := diagID{Cookie: [2]uint32{^uint32(0), ^uint32(0)}} // no cookie is known
	binary.BigEndian.PutUint16(id.Local[:], local.Port())
	binary.BigEndian.PutUint16(id.Remote[:], uint16(remotePort))
	copy(id.LocalAddress[:], local.Addr().AsSlice())
	id.RemoteAddress = id.LocalAddress
	request, _ := binary.Append(nil, binary.NativeEndian, struct { // struct inet_diag_req_v2; all is of a fixed size
		Head                                unix.NlMsghdr
		Family, Protocol, Extension, Unused uint8
		States                              uint32
		ID                                  diagID
	}{
		unix.NlMsghdr{Len: unix.SizeofNlMsghdr + 56, Type: unix.SOCK_DIAG_BY_FAMILY, Flags: unix.NLM_F_REQUEST},
		family, unix.IPPROTO_TCP, 0, 0, ^uint32(0), id,
	})
	if err := unix.Sendto(socket, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(socket, answer, unix.MSG_DONTWAIT) // it answers while it is asked
	if err != nil {
		return 0
	}
	var head unix.NlMsghdr
	var found struct { // struct inet_diag_msg
		Family, State, Timer, Retransmissions  uint8
		ID                                     diagID
		Expires, ReadQueue, WriteQueue, UserID uint32
		Inode                                  uint32
	}
	r := bytes.NewReader(answer[:n])
	if binary.Read(r, binary.NativeEndian, &head) != nil || head.Type != unix.SOCK_DIAG_BY_FAMILY || binary.Read(r, binary.NativeEndian, &found) != nil {
		return 0
	}
	if found.ID.Local != id.Local || found.ID.Remote != id.Remote { // whoever listens there
		return 0
	}
	return found.Inode
}

// inTable returns the inode of the socket in a table of the kernel (proc_net_tcp(5)), "" if it is not there.
func inTable(table string, local netip.AddrPort, remotePort int) string {
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
