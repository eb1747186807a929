package main

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cable is the network between this machine and another one, which is a network namespace: two TUN devices, and this process carries
// the packets from one to the other, or does not. So the kernel's own TCP loses packets and sends them again, on both sides, and hears
// nothing of who has died behind a cut. (It is what tc netem does; kernels without that module have this.)
type cable struct {
	namespace string
	far       netip.Addr // of the other machine
	ends      [2]*os.File

	mu      sync.Mutex
	random  *rand.Rand // guarded by mu, as are the others
	ways    [2]weather // towards the broker, towards the worker
	carried int
	lost    int
}

// weather is how packets fare that go one way.
type weather struct {
	loss          float64 // of 1
	delay, jitter time.Duration
}

var (
	fair  = weather{}
	dark  = weather{loss: 1}
	storm = weather{loss: 0.2, delay: 5 * time.Millisecond, jitter: 15 * time.Millisecond} // and so out of order
)

// newCable makes the other machine. It fails where that is not allowed: it takes root, or a container that has its own network.
func newCable(t *testing.T, r *rand.Rand) (*cable, error) {
	number := rand.Uint32N(1 << 15) // by no seed: other tests may run beside this one
	net := number << 2              // one of the networks of 4 addresses in 198.18.0.0/15, which are for such tests
	address := func(host uint32) netip.Addr {
		n := net + host
		return netip.AddrFrom4([4]byte{198, byte(18 + n>>16), byte(n >> 8), byte(n)})
	}
	name := fmt.Sprint("faults", number)
	c := &cable{namespace: name, far: address(2), random: rand.New(rand.NewPCG(r.Uint64(), r.Uint64()))}
	var carrying sync.WaitGroup
	t.Cleanup(func() {
		for _, end := range c.ends {
			end.Close() // it may be nil
		}
		carrying.Wait()
		exec.Command("ip", "netns", "del", name).Run() // there may be none
	})
	for i, device := range []string{name + "a", name + "b"} {
		var err error
		if c.ends[i], err = openTun(device); err != nil {
			return nil, err
		}
	}
	inside := "ip -n " + name + " "
	for _, command := range []string{
		"ip netns add " + name,
		"ip link set " + name + "b netns " + name,
		fmt.Sprintf("ip addr add %s peer %s dev %sa", address(1), address(2), name),
		fmt.Sprintf(inside+"addr add %s peer %s dev %sb", address(2), address(1), name),
		"ip link set " + name + "a up", inside + "link set " + name + "b up", inside + "link set lo up",
	} {
		argv := strings.Fields(command)
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", command, err, strings.TrimSpace(string(out)))
		}
	}
	for way := range 2 {
		carrying.Go(func() { c.carry(way) })
	}
	return c, nil
}

// openTun makes a network device whose packets this process reads and writes.
func openTun(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("/dev/net/tun: make %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// carry carries what goes one way until the cable is closed.
func (c *cable) carry(way int) {
	for {
		packet := make([]byte, 64<<10)
		n, err := c.ends[way].Read(packet)
		if err != nil {
			return
		}
		c.mu.Lock()
		now := c.ways[way]
		lost := c.random.Float64() < now.loss
		after := now.delay
		if now.jitter > 0 {
			after += upTo(c.random, now.jitter)
		}
		if lost {
			c.lost++
		} else {
			c.carried++
		}
		c.mu.Unlock()
		deliver := func() { c.ends[1-way].Write(packet[:n]) } // a device that is down or gone takes none
		switch {
		case lost:
		case after > 0:
			time.AfterFunc(after, deliver)
		default:
			deliver()
		}
	}
}

// becomes sets the weather towards the broker and towards the worker.
func (c *cable) becomes(toTheBroker, toTheWorker weather) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ways = [2]weather{toBroker: toTheBroker, toWorker: toTheWorker}
}

// packets returns how many were carried so far, and how many were lost.
func (c *cable) packets() (carried, lost int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.carried, c.lost
}
