package broker

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/wire"
)

// pyNamed is a manager that answers with its name, says so, and goes when there is a file.
const pyNamed = `
import os
s = ctx.socket(zmq.REP)
s.connect(sys.argv[1])
print("ready", flush=True)
while not os.path.exists(sys.argv[3]):
    if s.poll(20):
        request = s.recv()
        print(request.decode(), flush=True)
        s.send(sys.argv[2].encode() + b": " + request)
ctx.destroy(linger=1000)
`

// TestOfTwoManagersNoneIsGivenRequestsUntilOneIsGone: libzmq would deal them in turn, and what the forgotten one acknowledges is lost.
func TestOfTwoManagersNoneIsGivenRequestsUntilOneIsGone(t *testing.T) {
	b, err := New(Options{Logger: slog.New(slog.DiscardHandler), Workers: wire.BindTCP("localhost", "", 0), Manager: wire.BindTCP("localhost", "", 0)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- b.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}()
	e, leaves := b.Endpoints(), filepath.Join(t.TempDir(), "leave")

	_, forgottenEnds := python(t, pyNamed, e.Manager, "forgotten", leaves)
	eventually(t, "the first manager is there", func() bool { return b.Waiting().Peers == 1 })
	if is := b.Waiting(); is.Rivals != "" {
		t.Errorf("one manager: got %+v", is)
	}
	said, _ := python(t, pyNamed, e.Manager, "ours", leaves+" never")
	eventually(t, "both are known by their addresses", func() bool { return strings.Count(b.Waiting().Rivals, "127.0.0.1:") == 2 })

	const requests = 20
	replies := make(chan string, requests)
	for i := range requests {
		go func() {
			worker := wire.NewRequester(e.Workers)
			defer worker.Close()
			got, err := worker.Request(ctx, fmt.Append(nil, "report ", i))
			if err != nil {
				got = []byte(err.Error())
			}
			replies <- string(got)
		}()
	}
	eventually(t, "all requests wait", func() bool { return b.Waiting().Requests == requests })
	if is := b.Waiting(); is.Answered != 0 || len(replies) > 0 {
		t.Errorf("with two managers: got %+v, want that none is answered", is)
	}
	if err := os.WriteFile(leaves, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	forgottenEnds()
	given := map[string]int{}
	for range requests {
		if got := <-replies; !strings.HasPrefix(got, "ours: report ") {
			t.Errorf("got %q, want an answer of the one that stayed", got)
		}
		given[line(t, said)]++
	}
	if len(given) != requests {
		t.Errorf("the one that stayed was given %v, want each of %d once", given, requests)
	}
}
