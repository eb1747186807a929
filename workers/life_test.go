package workers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// worker returns a worker that does what a test wants.
func worker(work func(context.Context, *Run) (any, error)) Worker {
	return Worker{Name: "test_worker", Description: "Test.", Work: work}
}

func TestLifeOfAWorker(t *testing.T) {
	exchange := func(name, msgType, words string) string {
		return fmt.Sprintf("DEBUG [%s] sent message: (%s) %s\nDEBUG [%[1]s] received message from manager: (ack) message acknowledged\n", name, msgType, words)
	}
	const end = "DEBUG [test_worker] shutting down\n"
	for _, tt := range []struct {
		name       string
		worker     Worker
		wantStatus int
		wantTold   []told
		wantLog    string // after the first lines
	}{
		{
			name: "a success without a checklist",
			worker: worker(func(context.Context, *Run) (any, error) {
				return nil, nil
			}),
			wantTold: []told{{Type: "success", Payload: "None"}},
			wantLog:  exchange("test_worker", "success", "it went well") + end,
		}, {
			name: "a success of a type of its own",
			worker: Worker{Name: "test_worker",
				Work: func(_ context.Context, w *Run) (any, error) {
					w.Log.Info("working")
					return map[string]any{"forecast": "made"}, nil
				},
				Success: func(w *Run) string { w.Log.Info("it is done"); return "success forecast" },
			},
			wantTold: []told{{Type: "success forecast", Payload: "{'forecast': 'made'}"}},
			wantLog: "INFO [test_worker] working\nINFO [test_worker] it is done\n" +
				exchange("test_worker", "success forecast", "the forecast went well") + end,
		}, {
			name: "a declared error is a failure",
			worker: Worker{Name: "test_worker",
				Work: func(context.Context, *Run) (any, error) {
					return "not sent", fmt.Errorf("plots: %w", Errorf("no file %s", "x.nc"))
				},
				Failure: func(w *Run) string { w.Critical("it went wrong"); return "failure" },
			},
			wantTold: []told{{Type: "failure", Payload: "None"}},
			wantLog: "ERROR [test_worker] plots: no file x.nc\nCRITICAL [test_worker] it went wrong\n" +
				exchange("test_worker", "failure", "it failed") + end,
		}, {
			name: "any other error is a crash",
			worker: worker(func(context.Context, *Run) (any, error) {
				return nil, errors.New("division of labour by zero")
			}),
			wantTold: []told{{Type: "crash", Payload: "None"}},
			wantLog: "CRITICAL [test_worker] unhandled exception:\n*errors.errorString: division of labour by zero\n" +
				exchange("test_worker", "crash", "it crashed") + end,
		}, {
			name: "a panic is a crash, with its stack",
			worker: worker(func(context.Context, *Run) (any, error) {
				panic("index of things out of range")
			}),
			wantTold: []told{{Type: "crash", Payload: "None"}},
			wantLog: "CRITICAL [test_worker] unhandled exception:\npanic: index of things out of range\n<stack>" +
				exchange("test_worker", "crash", "it crashed") + end,
		}, {
			name: "leaving the goroutine is a crash",
			worker: worker(func(context.Context, *Run) (any, error) {
				runtime.Goexit()
				return nil, nil
			}),
			wantTold: []told{{Type: "crash", Payload: "None"}},
			wantLog: "CRITICAL [test_worker] unhandled exception:\n*errors.errorString: the worker called runtime.Goexit\n" +
				exchange("test_worker", "crash", "it crashed") + end,
		}, {
			name: "a payload that cannot be sent is a crash",
			worker: worker(func(context.Context, *Run) (any, error) {
				return map[string]any{"a": []any{1, make(chan int)}}, nil
			}),
			wantTold: []told{{Type: "crash", Payload: "None"}},
			wantLog: "CRITICAL [test_worker] unhandled exception:\n*errors.errorString: the payload of success[\"a\"][1] is a chan int, which cannot be sent: " +
				"use maps, slices, strings, numbers, booleans, time.Time, workers.Date or []byte\n" +
				exchange("test_worker", "crash", "it crashed") + end,
		}, {
			name: "a success that is not registered is a failure",
			worker: Worker{Name: "test_worker",
				Work:    func(context.Context, *Run) (any, error) { return nil, nil },
				Success: func(*Run) string { return "success of sorts" },
			},
			wantTold: []told{{Type: "failure", Payload: "None"}},
			wantLog: "ERROR [test_worker] message type not found for test_worker worker in /site/nowcast.yaml message registry: success of sorts\n" +
				exchange("test_worker", "failure", "it failed") + end,
		}, {
			name: "a failure that is not registered cannot be told",
			worker: Worker{Name: "no_failure",
				Work: func(context.Context, *Run) (any, error) { return nil, Errorf("no luck") },
			},
			wantStatus: 1,
			wantLog: "ERROR [no_failure] no luck\n" +
				"CRITICAL [no_failure] message type not found for no_failure worker in /site/nowcast.yaml message registry: failure\n" +
				"DEBUG [no_failure] shutting down\n",
		}, {
			name: "a worker that is not registered cannot tell anything",
			worker: Worker{Name: "stranger",
				Work: func(context.Context, *Run) (any, error) { return nil, nil },
			},
			wantStatus: 1,
			wantLog: "ERROR [stranger] worker not found in /site/nowcast.yaml message registry: stranger\n" +
				"CRITICAL [stranger] worker not found in /site/nowcast.yaml message registry: stranger\n" +
				"DEBUG [stranger] shutting down\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := startManager(t, "normal")
			s := newSite(t, m.port)
			c := newConsole(nil, s.config)
			if got := tt.worker.Execute(c.Process); got != tt.wantStatus {
				t.Errorf("got status %d, want %d; stderr: %s", got, tt.wantStatus, &c.err)
			}
			for _, want := range tt.wantTold {
				got := m.next(t)
				if got.ID == "" {
					t.Errorf("got message %+v without an id", got)
				}
				want.Source, got.ID, want.Other = tt.worker.Name, "", []string{}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("message (-want +got):\n%s", diff)
				}
			}
			m.none(t)
			want := begin(tt.worker.Name) + tt.wantLog
			if diff := cmp.Diff(want, withoutStack(t, s.lines(t))); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

// withoutStack replaces a Go stack, after looking that it leads to the test.
func withoutStack(t *testing.T, log string) string {
	t.Helper()
	from := strings.Index(log, "goroutine ")
	if from < 0 {
		return log
	}
	to := from + strings.Index(log[from:], "\nDEBUG") + 1
	if !strings.Contains(log[from:to], "life_test.go") {
		t.Errorf("got stack\n%s\nwant it to lead to life_test.go", log[from:to])
	}
	return log[:from] + "<stack>" + log[to:]
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	for _, tt := range []struct{ how, wantLog string }{
		{"unknown", "ERROR [test_worker] message type not found for manager in /site/nowcast.yaml message registry: shrug\n"},
		{"garbage", "CRITICAL [test_worker] unhandled exception:\n"},
	} {
		t.Run(tt.how, func(t *testing.T) {
			m := startManager(t, tt.how)
			s := newSite(t, m.port)
			c := newConsole(nil, s.config)
			w := worker(func(context.Context, *Run) (any, error) { return nil, nil })
			if got := w.Execute(c.Process); got != 1 {
				t.Errorf("got status %d, want 1", got)
			}
			if got := m.next(t); got.Type != "success" {
				t.Errorf("got %+v first, want success", got)
			}
			if got := s.lines(t); !strings.Contains(got, tt.wantLog) {
				t.Errorf("got log\n%s\nwant it to contain %q", got, tt.wantLog)
			}
		})
	}
}

func TestSignalsEndTheWorkWithoutAMessage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		signal os.Signal
		work   func(context.Context, *Run) (any, error)
		want   string
	}{
		{"SIGTERM", syscall.SIGTERM,
			func(ctx context.Context, w *Run) (any, error) {
				<-ctx.Done()
				w.Log.Info("tidying up")
				return "x", nil
			},
			"INFO [test_worker] termination signal (SIGTERM) received; shutting down\nINFO [test_worker] tidying up\n"},
		{"SIGINT", syscall.SIGINT,
			func(ctx context.Context, _ *Run) (any, error) { <-ctx.Done(); return nil, ctx.Err() },
			"INFO [test_worker] interrupt signal (SIGINT or Ctrl-C) received; shutting down\n"},
		{"SIGTERM while the manager does not answer", syscall.SIGTERM,
			func(_ context.Context, w *Run) (any, error) { _, err := w.Tell("need", "x"); return nil, err },
			"DEBUG [test_worker] sent message: (need) asking for something\nINFO [test_worker] termination signal (SIGTERM) received; shutting down\n"},
		{"work that does not listen is abandoned", syscall.SIGTERM,
			func(context.Context, *Run) (any, error) { select {} },
			"INFO [test_worker] termination signal (SIGTERM) received; shutting down\n" +
				"WARNING [test_worker] test_worker is still at work 50ms after the signal; it is abandoned\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := startManager(t, "late")
			s := newSite(t, m.port)
			c := newConsole(nil, s.config)
			c.Process.grace = 50 * time.Millisecond
			started := make(chan bool)
			w := worker(func(ctx context.Context, w *Run) (any, error) { close(started); return tt.work(ctx, w) })
			go func() {
				<-started
				if strings.Contains(tt.want, "sent message") {
					m.next(t)
				}
				c.signals <- tt.signal
			}()
			if got := w.Execute(c.Process); got != 0 {
				t.Errorf("got status %d, want 0", got)
			}
			m.none(t)
			want := begin("test_worker") + tt.want + "DEBUG [test_worker] shutting down\n"
			if diff := cmp.Diff(want, s.lines(t)); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDebugModeTellsTheConsoleInsteadOfTheManager(t *testing.T) {
	s := newSite(t, noPort)
	c := newConsole(nil, "--debug", s.config)
	w := worker(func(_ context.Context, w *Run) (any, error) {
		reply, err := w.Tell("need", "x")
		if reply != (Reply{}) || err != nil {
			t.Errorf("got %+v, %v, want nothing", reply, err)
		}
		return map[string]any{"a": 1}, nil
	})
	if got := w.Execute(c.Process); got != 0 {
		t.Errorf("got status %d, want 0; stderr: %s", got, &c.err)
	}
	want := `INFO [test_worker] running in process N
INFO [test_worker] read config from /site/nowcast.yaml
INFO [test_worker] **debug mode** writing log messages to console
DEBUG [test_worker] **debug mode** no connection to manager
DEBUG [test_worker] **debug mode** message that would have been sent to manager: (need asking for something)
DEBUG [test_worker] **debug mode** message that would have been sent to manager: (success it went well)
DEBUG [test_worker] shutting down
`
	if diff := cmp.Diff(want, plain(strings.ReplaceAll(c.out.String(), s.dir, "/site"))); diff != "" {
		t.Errorf("console (-want +got):\n%s", diff)
	}
	if data, err := os.ReadFile(s.log); err == nil && len(data) > 0 {
		t.Errorf("got log file %q, want none", data)
	}
}

func TestAnswerFromTheChecklist(t *testing.T) {
	m := startManager(t, "normal")
	s := newSite(t, m.port)
	c := newConsole(map[string]string{"NOWCAST_LAUNCH": "41"}, s.config)
	var got Reply
	w := worker(func(_ context.Context, w *Run) (_ any, err error) {
		got, err = w.Tell("need", "all")
		return got.Payload, err
	})
	if status := w.Execute(c.Process); status != 0 {
		t.Fatalf("got status %d; stderr: %s", status, &c.err)
	}
	want := Reply{Type: "ack", Payload: map[any]any{
		"NEMO run": map[string]any{"forecast": map[string]any{"completed": true, "run date": Date{2031, time.May, 17}}},
		"sizes":    []any{1, 2.5, bigInt("100000000000000000000"), nil},
		"when":     time.Date(2031, time.May, 17, 5, 40, 0, 0, NoZone),
		"raw":      []byte{0, 0xff},
		"days":     map[any]struct{}{17: {}, 18: {}},
		5:          map[string]any{"by": "number"},
	}}
	if diff := cmp.Diff(want, got, cmp.Comparer(sameInt)); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
	need, success := m.next(t), m.next(t)
	if need.Launch != 41 || success.Launch != 41 || need.ID == success.ID {
		t.Errorf("got launches %d and %d and ids %q and %q, want launch 41 and different ids", need.Launch, success.Launch, need.ID, success.ID)
	}
	// What came from Python and goes back is equal there.
	wantPayload := "{5: {'by': 'number'}, 'NEMO run': {'forecast': {'completed': True, 'run date': datetime.date(2031, 5, 17)}}, " +
		"'days': {17, 18}, 'raw': b'\\x00\\xff', 'sizes': [1, 2.5, 100000000000000000000, None], 'when': datetime.datetime(2031, 5, 17, 5, 40)}"
	if got, want := sortedRepr(t, success.Payload), sortedRepr(t, wantPayload); got != want {
		t.Errorf("got payload %s, want %s", got, want)
	}
}

func TestManagerThatDoesNotAnswerIsComplainedAbout(t *testing.T) {
	m := startManager(t, "late")
	s := newSite(t, m.port)
	c := newConsole(nil, s.config)
	c.Process.warnEvery = 20 * time.Millisecond
	done := make(chan int)
	go func() {
		done <- worker(func(context.Context, *Run) (any, error) { return nil, nil }).Execute(c.Process)
	}()
	m.next(t)
	deadline := time.Now().Add(patience)
	for strings.Count(s.lines(t), "still waiting: is the broker running?") < 2 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	fmt.Fprintln(m.stdin, "answer")
	if got := <-done; got != 0 {
		t.Errorf("got status %d, want 0", got)
	}
	if got, want := s.lines(t), "WARNING [test_worker] no reply from the manager at localhost:"; strings.Count(got, want) < 2 {
		t.Errorf("got log\n%s\nwant it to say twice %q", got, want)
	}
}

func TestWorkerThatCannotBegin(t *testing.T) {
	s := newSite(t, noPort)
	broken := s.dir + "/broken.yaml"
	if err := os.WriteFile(broken, []byte("zmq: {host: 5}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no such configuration", []string{"/nowhere/nowcast.yaml"}, "test_worker: /nowhere/nowcast.yaml: "},
		{"a wrong configuration", []string{broken}, "test_worker: " + broken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newConsole(nil, tt.args...)
			got := worker(func(context.Context, *Run) (any, error) { t.Error("it worked"); return nil, nil }).Execute(c.Process)
			if got != 1 || !strings.HasPrefix(c.err.String(), tt.want) {
				t.Errorf("got status %d and %q, want 1 and %q", got, &c.err, tt.want)
			}
		})
	}
}

func TestConfigIsPlainData(t *testing.T) {
	s := newSite(t, noPort)
	c := newConsole(nil, "--debug", s.config)
	status := worker(func(_ context.Context, w *Run) (any, error) {
		for _, tt := range []struct {
			keys []any
			want any
		}{
			{[]any{"rivers", "stations"}, map[string]any{"Fraser": "08MF005", "Skagit": 12200500}},
			{[]any{"rivers", 5, 1}, "b"},
			{[]any{"rivers", 5, 2}, nil},
			{[]any{"rivers", "lakes", "depth"}, nil},
			{[]any{"checklist file"}, s.dir + "/checklist.yaml"},
			{[]any{"rivers", "stations", "Fraser", "x"}, nil},
			{[]any{make(chan int)}, nil},
		} {
			if diff := cmp.Diff(tt.want, w.Config(tt.keys...)); diff != "" {
				t.Errorf("Config(%v) (-want +got):\n%s", tt.keys, diff)
			}
		}
		if whole, ok := w.Config().(map[string]any); !ok || whole["zmq"] == nil {
			t.Errorf("got %v, want the whole file", w.Config())
		}
		if w.ConfigFile() != s.config {
			t.Errorf("got %s, want %s", w.ConfigFile(), s.config)
		}
		return nil, nil
	}).Execute(c.Process)
	if status != 0 {
		t.Errorf("got status %d, want 0; stderr: %s", status, &c.err)
	}
}
