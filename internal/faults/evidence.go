package faults

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/store"
)

// Finish lets the clients have their answers, waits until all launches are over, stops the daemons and checks everything.
func (w *World) Finish() *Report {
	w.t.Helper()
	sent := w.StopClients()
	w.Settle()
	if w.hook != nil {
		w.settleAlarms()
	}
	deaths := w.deaths()
	w.Stop()
	e := w.read()
	e.Sent, e.Starts, e.Deaths, e.File, e.Excused = sent, w.starts(), deaths, w.Read("checklist.yaml"), w.excused
	e.Alerts = w.Alerts()
	if w.hook != nil {
		e.Told = w.hook.Told()
	}
	if w.watcher != nil {
		e.Seen, e.Gone = w.watcher.finish()
	}
	return Check(e)
}

// Settle waits until the store says that all launches are over, or long enough after the last fault (I3). Check says which are not.
func (w *World) Settle() {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		open := 0
		for _, l := range w.Launches() {
			if !l.State.Final() && l.State != launch.Unknown {
				open++
			}
		}
		if open == 0 {
			return
		}
	}
}

// Launches returns all launches in the store, also while a manager is at work.
func (w *World) Launches() (all []*launch.Launch) {
	w.t.Helper()
	for _, r := range w.history(store.KindLaunch) {
		all = append(all, r.Launch)
	}
	return all
}

// Messages returns all messages in the store.
func (w *World) Messages() (all []engine.Message) {
	w.t.Helper()
	for _, r := range w.history(store.KindMessage) {
		all = append(all, *r.Message)
	}
	slices.SortFunc(all, func(a, b engine.Message) int { return cmp.Compare(a.ID, b.ID) }) // history goes by time, which may have been set
	return all
}

// Alerts returns all alerts of the manager in the store.
func (w *World) Alerts() (all []engine.Alert) {
	w.t.Helper()
	for _, r := range w.history(store.KindAlert) {
		all = append(all, *r.Alert)
	}
	return all
}

func (w *World) history(kind string) []store.Record {
	w.t.Helper()
	records, err := store.History(context.Background(), w.where(), store.Query{Kinds: []string{kind}, Limit: math.MaxInt32, Bodies: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return records
}

func (w *World) deaths() (all []Death) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.daemons {
		all = append(all, d.Deaths()...)
	}
	return all
}

// read returns what the store has. No manager has it any more.
func (w *World) read() Evidence {
	w.t.Helper()
	e := Evidence{Messages: w.Messages(), Launches: w.Launches()}
	ctx := context.Background()
	s, err := store.Open(ctx, w.where(), store.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Close()
	st, err := s.Load(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	e.Barriers = st.Barriers
	if e.Stored, err = stored(st); err != nil {
		w.t.Fatal(err)
	}
	return e
}

// stored returns the checklist that a manager makes of a stored state.
func stored(st *engine.State) (*pyyaml.Map, error) {
	values := pyyaml.NewMap(0)
	if len(st.Base.YAML) > 0 {
		v, err := pyyaml.Decode(st.Base.YAML)
		if err != nil {
			return nil, err
		}
		if m, ok := v.(*pyyaml.Map); ok {
			values = m
		}
	}
	cl := checklist.New(values)
	for _, c := range st.Changes {
		msg, err := message.Decode(c.Body, len(c.Body))
		if err != nil {
			return nil, err
		}
		cl.Apply(checklist.Change{Op: c.Op, Key: c.Key, Value: msg.Payload})
	}
	return cl.Map(), nil
}
