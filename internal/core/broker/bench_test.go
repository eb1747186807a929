package broker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/wire"
	"nowcast/internal/core/wire/wirebench"
)

// middleEnv makes this test binary run what stands between clients and manager, instead of tests.
const middleEnv = "NOWCAST_BENCH_MIDDLE"

func TestMain(m *testing.M) {
	if middle := os.Getenv(middleEnv); middle != "" {
		if err := runMiddle(middle); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runMiddle prints the two endpoints and serves them until its input ends.
func runMiddle(middle string) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if middle == "bare" {
		front, back, stop, err := wirebench.BareProxy()
		if err != nil {
			return err
		}
		fmt.Println(front, back)
		<-ctx.Done()
		stop()
		return nil
	}
	dir, err := os.MkdirTemp("", "nc")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := New(Options{
		Logger: slog.New(slog.DiscardHandler), Journal: filepath.Join(dir, "requests.journal"),
		Workers: wire.BindTCP("localhost", "", 0), Manager: wire.BindTCP("localhost", "", 0),
	})
	if err != nil {
		return err
	}
	fmt.Println(b.Endpoints().Workers, b.Endpoints().Manager)
	return b.Run(ctx)
}

// middle starts one in a process of its own, with a constant REP behind it in ours; stop returns the CPU time it took.
func middle(b *testing.B, name string) (front string, stop func() time.Duration) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), middleEnv+"="+name)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	endpoints := strings.Fields(line)
	stopReply, err := wirebench.ConstantReply(endpoints[1], []byte("payload: null\nsource: manager\ntype: ack\n"))
	if err != nil {
		b.Fatal(err)
	}
	return endpoints[0], func() time.Duration {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			b.Error(err)
		}
		stopReply()
		return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
}

// BenchmarkProxy compares the broker with libzmq's own proxy, each in a process of its own between the same 64 REQ clients and
// constant REP. The target is 90 % of the bare proxy's rate. They take turns in short rounds and medians are reported,
// because a neighbour on the machine makes any single rate meaningless; the CPU time of the two processes does not mind.
func BenchmarkProxy(b *testing.B) {
	bareFront, stopBare := middle(b, "bare")
	brokerFront, stopBroker := middle(b, "broker")
	var bare, broker, ratio []float64
	for b.Loop() {
		x, y := round(b, bareFront), round(b, brokerFront)
		bare, broker, ratio = append(bare, x), append(broker, y), append(ratio, 100*y/x)
	}
	perRequest := func(cpu time.Duration) float64 {
		return float64(cpu.Microseconds()) / float64(len(bare)*requestsPerRound)
	}
	b.ReportMetric(median(bare), "bare-requests/s")
	b.ReportMetric(median(broker), "requests/s")
	b.ReportMetric(median(ratio), "%-of-bare")
	b.ReportMetric(perRequest(stopBare()), "bare-CPU-µs/request")
	b.ReportMetric(perRequest(stopBroker()), "CPU-µs/request")
}

const requestsPerRound = 15_000

// round makes requests of a worker's usual size and returns their rate.
func round(b *testing.B, endpoint string) float64 {
	body := make([]byte, 150)
	result, err := wirebench.Load(endpoint, 64, requestsPerRound, func(int, int) []byte { return body })
	if err != nil {
		b.Fatal(err)
	}
	return result.Rate()
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}
