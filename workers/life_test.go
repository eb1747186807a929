package workers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

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
				want.Source, want.Other = tt.worker.Name, []string{}
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

func TestAMessageWhoseConnectionBreaksIsSentAgain(t *testing.T) {
	m := startManager(t, "breaks")
	s := newSite(t, m.port)
	c := newConsole(nil, s.config)
	w := worker(func(context.Context, *Run) (any, error) { return nil, nil })
	if got := w.Execute(c.Process); got != 0 {
		t.Errorf("got status %d, want 0; stderr: %s", got, &c.err)
	}
	if got := m.next(t); got.Type != "success" {
		t.Errorf("the manager got %+v, want success", got)
	}
	m.none(t)
	log := s.lines(t)
	for _, want := range []string{
		fmt.Sprintf("WARNING [test_worker] the connection to localhost:%d broke before there was a reply to (success); it is sent again until there is one\n", m.port),
		fmt.Sprintf("INFO [test_worker] the manager at localhost:%d has answered (success) after ", m.port),
	} {
		if strings.Count(plain(log), plain(want)) != 1 {
			t.Errorf("log: got\n%s\nwant once %q", log, want)
		}
	}
}
