package manager

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"nowcast/internal/core/control"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

// command is an operator's request on its way through the loop.
type command struct {
	control.Request
	reply chan<- control.Reply
}

// Names are the commands that the manager answers.
var Names = []string{control.CmdSnapshot, control.CmdLaunch, control.CmdRelaunch, control.CmdKill, control.CmdRelease, control.CmdEvaluate}

// Do executes an operator's request in the loop and returns the reply after what it changed is durable. A request with an id
// that was answered before, by this manager or an earlier one, gets that answer again.
func (m *Manager) Do(ctx context.Context, r control.Request) control.Reply {
	reply := make(chan control.Reply, 1)
	select {
	case m.commands <- command{r, reply}:
	case <-ctx.Done():
		return control.Reply{Error: "the manager is stopping", Again: true}
	}
	select {
	case answer := <-reply:
		return answer
	case <-ctx.Done():
		return control.Reply{Error: "the manager has not answered so far; status shows whether it did what was asked", Again: true}
	}
}

func (m *Manager) execute(ctx context.Context, c command) {
	if now := m.Now(); !c.Expires.IsZero() && now.After(c.Expires) { // a rule or the disk took long: who asked was told that there is no answer
		c.reply <- control.Reply{Again: true, Error: "the manager was busy until after the command was waited for; nothing was done"}
		return
	}
	if c.Command == ping {
		c.reply <- control.Reply{}
		return
	}
	if c.Command == control.CmdSnapshot {
		c.reply <- control.Answer(m.snapshot(), nil)
		return
	}
	if m.lost != nil {
		c.reply <- control.Reply{Error: "nothing was done: this manager ends, as the state is not its own any more", Again: true}
		return
	}
	if !m.Store.Held() {
		c.reply <- control.Reply{Error: "nothing was done: the database does not answer, and another manager may have taken over meanwhile", Again: true}
		return
	}
	if m.trouble != nil {
		c.reply <- control.Reply{Error: "nothing was done, because it could not be recorded: " + m.trouble.Error(), Again: true}
		return
	}
	m.reading.Lock()
	op, found, err := m.Store.Operation(ctx, c.ID)
	m.reading.Unlock()
	if err != nil {
		c.reply <- control.Reply{Error: err.Error(), Again: true}
		return
	}
	if found {
		var earlier control.Reply
		if err := json.Unmarshal([]byte(op.Reply), &earlier); err != nil {
			earlier = control.Reply{Error: fmt.Sprintf("it was done at %s; the answer given then cannot be read: %v", op.Time.Format(time.RFC3339), err)}
		}
		c.reply <- earlier
		return
	}
	t := m.turn()
	answer := control.Answer(m.operate(ctx, t, c.Request))
	text, _ := json.Marshal(answer) // a Reply is always encodable
	t.effects.Operations = append(t.effects.Operations, engine.Operation{
		ID: c.ID, Time: m.Now().UTC(), Author: c.Author, Command: c.Command, Args: string(c.Args), Reply: string(text),
	})
	m.Log.Info(fmt.Sprintf("%s asked for %s %s", c.Author, c.Command, c.Args))
	t.answers = append(t.answers, func() { c.reply <- answer })
	m.submit(t)
}

func (m *Manager) operate(ctx context.Context, t *turn, r control.Request) (any, error) {
	switch r.Command {
	case control.CmdLaunch:
		return operation(r, func(a control.LaunchArgs) (any, error) { return m.operatorLaunch(t, r.Author, a) })
	case control.CmdRelaunch:
		return operation(r, func(a control.RelaunchArgs) (any, error) { return m.relaunch(t, r.Author, a) })
	case control.CmdKill:
		return operation(r, func(a control.KillArgs) (any, error) { return m.kill(t, r.Author, a) })
	case control.CmdRelease:
		return operation(r, func(a control.ReleaseArgs) (any, error) { return nil, m.release(t, a.Barrier) })
	case control.CmdEvaluate:
		return operation(r, func(a control.EvaluateArgs) (any, error) { return nil, m.evaluate(ctx, t, a) })
	}
	return nil, fmt.Errorf("the manager has no command %q: it has %v", r.Command, Names)
}

func operation[A any](r control.Request, do func(A) (any, error)) (any, error) {
	var a A
	if err := json.Unmarshal(r.Args, &a); err != nil {
		return nil, fmt.Errorf("arguments of %s: %w", r.Command, err)
	}
	return do(a)
}

func (m *Manager) operatorLaunch(t *turn, author string, a control.LaunchArgs) (any, error) {
	n := a.NextWorker
	if n.Host == "" {
		n.Host = launch.Localhost
	}
	if err := m.launchable(n); err != nil {
		return nil, err
	}
	return m.decide(t, &launch.Launch{NextWorker: n, Cause: cause("launch", author, 0)}), nil
}

func (m *Manager) relaunch(t *turn, author string, a control.RelaunchArgs) (any, error) {
	old, err := m.known(a.Launch)
	if err != nil {
		return nil, err
	}
	n := old.NextWorker
	if a.Args != nil {
		n.Args = a.Args
	}
	if err := m.launchable(n); err != nil {
		return nil, err
	}
	if retry := m.hurry(t, author, old, n); retry != nil {
		return retry, nil
	}
	l := m.decide(t, &launch.Launch{NextWorker: n, Cause: cause("relaunch", author, old.ID), Parent: old.ID})
	// The new one does what the old one did not say that it has done. With other arguments it does something else, and what still
	// runs speaks for itself.
	if old.State.Final() && !old.Reported() && old.Superseded == 0 && slices.Equal(n.Args, old.Args) {
		m.replace(old, l.ID)
		t.changed[old.ID] = old
	}
	return l, nil
}

// launchable tells an operator what would go wrong before it is recorded as a launch that went wrong.
func (m *Manager) launchable(n launch.NextWorker) error {
	if _, ok := m.Config.Registry.Workers[n.Name()]; !ok {
		return fmt.Errorf("%s is not in message registry: workers of %s as the manager read it: nothing it reports would be accepted; if it was added since, send SIGHUP to nowcastd up", n.Name(), m.Config.File)
	}
	_, err := m.Launcher.Argv(m.Config, n)
	return err
}

func (m *Manager) known(id int64) (*launch.Launch, error) {
	if l := m.launches[id]; l != nil {
		return l, nil
	}
	return nil, fmt.Errorf("there is no launch %d, or it is too old: the manager remembers the last %d", id, engine.KeepLaunches)
}

func (m *Manager) kill(t *turn, author string, a control.KillArgs) (any, error) {
	l, err := m.known(a.Launch)
	if err != nil {
		return nil, err
	}
	if left := m.leftBehind(l); len(left) > 0 {
		return m.killLeft(author, l, a.Signal, left)
	}
	if l.State.Final() {
		return nil, fmt.Errorf("launch %d of %s is over: it %s at %s", l.ID, l.Name(), l.State, l.Ended.Format("15:04:05 MST"))
	}
	if l.State == launch.Unknown {
		m.giveUp(t, author, l)
		return control.Killed{Launch: *l, Did: "was given up; it may still run on " + whereIs(l)}, nil
	}
	since, handed := m.handed[l.ID]
	if l.State == launch.Decided || l.State == launch.Starting && !handed {
		m.callOff(t, author, l)
		return control.Killed{Launch: *l, Did: "was called off before it was started"}, nil
	}
	if l.PID == 0 {
		return nil, fmt.Errorf("launch %d of %s has no process yet: it is being started since %s; if that hangs, the alert %q says why", l.ID, l.Name(), since.Local().Format("15:04:05"), startHangs)
	}
	if err := checkSignal(a.Signal); err != nil {
		return nil, err
	}
	t.changed[l.ID] = l
	before := l.KilledBy
	if !m.willKill(author, l) {
		l.KilledBy = before
		return nil, errors.New("no signal was sent, because it could not be recorded who asked for it")
	}
	note, err := m.Launcher.Kill(l, a.Signal)
	if err != nil {
		l.KilledBy = before
		return nil, err
	}
	l.Note = note
	return control.Killed{Launch: *l, Did: "was sent " + a.Signal}, nil
}

// willKill makes durable who is going to end a launch. A manager that found it ended and did not know would repeat it.
func (m *Manager) willKill(author string, l *launch.Launch) bool {
	l.KilledBy = author
	t := m.turn()
	t.changed[l.ID] = l
	m.submit(t)
	return m.drain()
}

// giveUp ends a launch whose process cannot be seen any more: an operator has looked, and it is not there or does not matter.
func (m *Manager) giveUp(t *turn, author string, l *launch.Launch) {
	before := l.Note
	l.KilledBy = "" // nobody has killed it
	m.conclude(t, l, launch.Exit{ID: l.ID, Time: m.Now(), Status: -1, Unseen: true})
	l.KilledBy = author
	l.Note = fmt.Sprintf("given up by %s; it may still run on %s. Before: %s", author, whereIs(l), before)
	m.settle(t, launchKey(l), "given up by "+author)
	m.missedByBarriers(t, l)
}

// whereIs returns the machine on which the process of a launch that cannot be seen is.
func whereIs(l *launch.Launch) string {
	if l.Host == launch.Localhost || l.Host == "" {
		return cmp.Or(l.Machine, launch.Localhost)
	}
	return l.Host
}

// release launches what a barrier holds, without those it still waits for.
func (m *Manager) release(t *turn, id int64) error {
	i := slices.IndexFunc(m.barriers, func(b engine.Barrier) bool { return b.ID == id })
	if i < 0 {
		return fmt.Errorf("barrier %d is not open", id)
	}
	b := m.barriers[i]
	m.setBarriers(t, slices.Delete(slices.Clone(m.barriers), i, i+1))
	for _, h := range b.Held {
		m.decide(t, &launch.Launch{NextWorker: h.NextWorker, Cause: h.Cause, Message: h.Message, Parent: h.Parent})
	}
	return nil
}

func (m *Manager) snapshot() feed.Snapshot {
	s := feed.Snapshot{Source: message.ManagerName, Time: m.Now().UTC(), Checklist: string(m.checklist.AppendText(nil))}
	s.Epoch, s.Seq = m.Feed.Position()
	for _, id := range sortedIDs(m.launches) {
		s.Launches = append(s.Launches, *m.launches[id].Clone())
	}
	s.Barriers = append(s.Barriers, m.barriers...)
	s.Alerts = m.knownAlerts()
	if m.trouble != nil {
		s.Alerts = append(s.Alerts, m.troubled)
	}
	return s
}

func (m *Manager) dumpChecklist() {
	if m.ChecklistLog == nil {
		return
	}
	m.Log.Info("writing checklist to log file")
	m.ChecklistLog.Info("checklist:\n" + pyyaml.PFormat(m.checklist.Map()))
}

func killArgs(id int64) json.RawMessage {
	b, _ := json.Marshal(control.KillArgs{Launch: id, Signal: "TERM"}) // always encodable
	return b
}

func relaunchArgs(id int64) json.RawMessage {
	b, _ := json.Marshal(control.RelaunchArgs{Launch: id})
	return b
}
