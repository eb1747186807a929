package manager

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/config"
	"nowcast/internal/core/control"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/wire"
)

// day is a manager with a world that outlives it, and a day of events that depends on the seed only.
type day struct {
	*world
	death  *death
	store  *mortalStore
	line   *mortalLine
	table  *table
	kills  *rand.Rand // nil: the manager never dies
	killed int
	number uint64 // of the last request
	ended  chan error
	said   []string // what workers and operators were answered
}

func newDay(t *testing.T, kills *rand.Rand) *day {
	w := newWorld(t)
	w.config.Clear, w.config.Barrier = config.ClearAllow, 24*time.Hour
	d := &day{world: w, death: &death{}, kills: kills}
	d.death.revive()
	d.store = &mortalStore{w.store, d.death}
	d.line = &mortalLine{death: d.death, in: make(chan []wire.Frames), out: make(chan message.Message, 100)}
	d.table = &table{death: d.death, starts: map[int64]int{}, ended: map[int64]launch.Exit{}}
	one := func(module string, args ...string) launch.NextWorker {
		return launch.NextWorker{Module: module, Args: args, Host: launch.Localhost}
	}
	w.rule("sleep", launch.Next{Workers: []launch.NextWorker{one("w.awaken", "x"), one("w.awaken", endsAtOnce)}})
	w.rule("awaken", launch.Next{Workers: []launch.NextWorker{one("w.b")}})
	w.rule("a", launch.Next{Workers: []launch.NextWorker{one("w.b", "early")}, Await: []string{"b", "sleep"}})
	w.rules.after["b"] = func(m message.Message, _ *pyyaml.Map) (launch.Next, error) {
		if m.Type == "crash" {
			return launch.Next{}, fmt.Errorf("no idea what to do now")
		}
		return launch.Next{}, nil
	}
	d.live()
	return d
}

// live starts a manager.
func (d *day) live() {
	d.store.memory.lost = d.death.revive()
	d.table.mu.Lock()
	d.table.exits = make(chan launch.Exit, 1000)
	d.table.mu.Unlock()
	m, err := New(context.Background(), Options{Config: d.config, Requests: d.line, Store: d.store, Rules: d.rules, NoFunction: errNoFunction, Launcher: d.table,
		Feed: d.feed, Log: slog.New(d.logs), Now: time.Now, Machine: "here",
		Fatal: func(error) bool { return d.death.isDead() }})
	if err != nil {
		d.t.Fatal(err)
	}
	d.Manager = m
	d.ended = make(chan error, 1)
	go func() { d.ended <- m.Run(context.Background()) }()
}

// threaten has the manager die somewhere in what follows, or not.
func (d *day) threaten() {
	if d.kills != nil && d.kills.IntN(2) == 0 {
		d.death.arm(points[d.kills.IntN(len(points))], 1+d.kills.IntN(3))
	}
}

// rise starts another manager if this one has died.
func (d *day) rise() bool {
	if !d.death.isDead() {
		return false
	}
	must(d.world, "the end of Run", d.ended)
	d.killed++
	for len(d.line.out) > 0 {
		<-d.line.out // it came in the last moment, and its request is given again
	}
	d.live()
	d.threaten()
	return true
}

// report sends a message, and again until it is answered.
func (d *day) report(m message.Message) {
	d.number++
	flags := byte(0)
	for {
		frames := wire.Frames{ticket(d.number, flags, ""), []byte("client"), nil, m.Encode()}
		select {
		case d.line.in <- []wire.Frames{frames}:
		case <-time.After(time.Millisecond):
			d.rise()
			continue
		}
		for {
			select {
			case r := <-d.line.out:
				d.said = append(d.said, r.Type+" "+pyyaml.Repr(r.Payload))
				return
			case <-time.After(time.Millisecond):
			}
			if d.rise() {
				flags = again
				break
			}
		}
	}
}

// command gives an operator's command, and again until it is answered.
func (d *day) command(name, args string) control.Reply {
	d.number++
	r := control.Request{ID: fmt.Sprint("command ", d.number), Command: name, Author: "sue@host", Args: []byte(args)}
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		reply := d.Do(ctx, r)
		cancel()
		if !reply.Again {
			return reply
		}
		d.rise()
	}
}

// settled waits until every launch that was decided has a process, and every end of one is recorded.
func (d *day) settled() {
	d.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		if !d.rise() && d.quiet() {
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("the launches do not settle: %+v", d.store.launches)
		}
		time.Sleep(200 * time.Microsecond)
	}
}

func (d *day) quiet() bool {
	d.store.mu.Lock()
	defer d.store.mu.Unlock()
	d.table.mu.Lock()
	defer d.table.mu.Unlock()
	for id, l := range d.store.launches {
		if _, over := d.table.ended[id]; over != l.State.Final() || !over && l.State != launch.Running {
			return false
		}
	}
	return true
}

// pass plays one event.
func (d *day) pass(r *rand.Rand) {
	workers := []string{"sleep", "awaken", "a", "b"}
	living := d.table.living(1000)
	switch what := r.IntN(12); {
	case what < 5:
		m := message.Message{Source: workers[r.IntN(4)], Type: []string{"success", "success", "failure", "crash", "unheard of"}[r.IntN(5)]}
		switch r.IntN(3) {
		case 0:
			m.Payload = pyyaml.MapOf(fmt.Sprint("k", r.IntN(3)), int64(r.IntN(100)))
		case 1:
			m.Payload = fmt.Sprint("text ", r.IntN(100))
		}
		if len(living) > 0 && r.IntN(2) == 0 {
			m.Launch = living[r.IntN(len(living))]
		}
		d.report(m)
	case what == 5:
		d.report(message.Message{Source: "sleep", Type: "need", Payload: workers[r.IntN(4)] + " key"})
	case what == 6 && r.IntN(3) == 0:
		d.report(message.Message{Source: "a", Type: "clear checklist"})
	case what < 10 && len(living) > 0:
		e := launch.Exit{ID: living[r.IntN(len(living))], Time: time.Unix(2, 0), Status: r.IntN(2)}
		if r.IntN(4) == 0 {
			e.Status, e.Signal = -1, "killed"
		}
		d.table.end(e)
	case what == 10 && len(living) > 0:
		id := living[r.IntN(len(living))]
		d.said = append(d.said, fmt.Sprint(d.command(control.CmdKill, fmt.Sprintf(`{"launch":%d,"signal":"TERM"}`, id)).OK))
	case what == 11:
		d.said = append(d.said, d.command(control.CmdRelaunch, fmt.Sprintf(`{"launch":%d}`, 1+r.IntN(8))).Error)
	default:
		d.said = append(d.said, d.command(control.CmdRelease, fmt.Sprintf(`{"barrier":%d}`, 1+r.IntN(4))).Error)
	}
}

var moment = regexp.MustCompile(`at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)

// play plays the day and returns what an operator sees in the end, times aside, and everything that anybody was answered.
func (d *day) play(seed uint64, events int) (feed.Snapshot, []string) {
	r := rand.New(rand.NewPCG(seed, 1))
	for range events {
		d.threaten()
		d.pass(r)
		d.settled()
	}
	d.death.arm("", 0)
	var s feed.Snapshot
	if err := json.Unmarshal(d.command(control.CmdSnapshot, "{}").Result, &s); err != nil {
		d.t.Fatal(err)
	}
	s.Time = time.Time{}
	for i := range s.Launches {
		l := &s.Launches[i]
		l.Decided, l.Started, l.Ended = time.Time{}, nil, nil
		for j := range l.Reports {
			l.Reports[j].Time = time.Time{}
		}
	}
	for i := range s.Barriers {
		s.Barriers[i].Opened = time.Time{}
	}
	for i := range s.Alerts {
		a := &s.Alerts[i]
		a.Time, a.Last, a.Message = time.Time{}, nil, moment.ReplaceAllString(a.Message, "at some time")
		if a.Ended != nil {
			a.Ended = &time.Time{}
		}
	}
	d.death.mu.Lock()
	d.death.dead = true
	close(d.death.lost)
	d.death.mu.Unlock()
	must(d.world, "the end of Run", d.ended)
	return s, d.said
}

// TestStateIsThatOfAManagerThatNeverDied is I6: a day on which the manager is killed again and again ends as one on which it is
// not.
func TestStateIsThatOfAManagerThatNeverDied(t *testing.T) {
	kills := 0
	for seed := range uint64(40) {
		want, wantSaid := newDay(t, nil).play(seed, 30)
		d := newDay(t, rand.New(rand.NewPCG(seed, 2)))
		got, said := d.play(seed, 30)
		kills += d.killed
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d, killed %d times: -never died +died\n%s", seed, d.killed, diff)
		}
		if diff := cmp.Diff(wantSaid, said); diff != "" {
			t.Fatalf("seed %d, killed %d times: answers, -never died +died\n%s", seed, d.killed, diff)
		}
		if err := d.table.startedTwice(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	if kills < 100 {
		t.Errorf("got %d kills, want at least 100: the test does not test", kills)
	}
}
