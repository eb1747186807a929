package manager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/statefile"
)

// restore rebuilds the state from the store and the checklist file.
func (m *Manager) restore(ctx context.Context) error {
	st, err := m.Store.Load(ctx)
	if err != nil {
		return err
	}
	m.lastMessage, m.lastLaunch, m.lastBarrier, m.lastAlert = st.LastMessage, max(st.LastLaunch, m.LastLaunch), st.LastBarrier, st.LastAlert
	m.unknown = unknownLaunches(st.LastLaunch, m.LastLaunch)
	m.barriers, m.alerts = st.Barriers, st.Alerts
	m.handled = newHandled(st.Recent)
	m.otherDay = otherDay(st.Recent)
	for _, l := range st.Launches {
		m.remember(l)
	}
	slices.SortStableFunc(m.finished, func(a, b int64) int { return m.launches[a].Ended.Compare(*m.launches[b].Ended) }) // as they ended, not as they began
	for _, id := range m.finished {
		l := m.launches[id]
		m.noteEnded(l)
		if l.Superseded != 0 {
			m.noteReplaced(l)
		}
	}
	if m.checklist, err = Rebuild(st); err != nil {
		return err
	}
	m.seq, m.baseSize = st.Base.Message, len(st.Base.YAML)
	for _, c := range st.Changes {
		m.seq = c.ID
		m.sinceBase += len(c.Body) + 64
	}
	if err := m.readChecklist(ctx); err != nil {
		return err
	}
	for _, b := range m.barriers {
		m.Log.Info("open since before the start: " + describeBarrier(b))
	}
	return nil
}

// describeBarrier says which barrier it is and what depends on it.
func describeBarrier(b engine.Barrier) string {
	held := make([]string, len(b.Held))
	for i, h := range b.Held {
		held[i] = h.NextWorker.String()
	}
	what := "holds nothing"
	if len(held) > 0 {
		what = "holds " + strings.Join(held, ", ")
	}
	return fmt.Sprintf("barrier %d, opened by %s at %s, waits for %s and %s",
		b.ID, b.Cause, b.Opened.Local().Format("2006-01-02 15:04:05"), strings.Join(b.Missing, ", "), what)
}

// Rebuild makes the checklist anew from a base and the messages after it.
func Rebuild(st *engine.State) (*checklist.Checklist, error) {
	values := pyyaml.NewMap(0)
	if len(st.Base.YAML) > 0 {
		v, err := pyyaml.Decode(st.Base.YAML)
		if err != nil {
			return nil, fmt.Errorf("stored checklist %d: %w", st.Base.Message, err)
		}
		if mapping, ok := v.(*pyyaml.Map); ok {
			values = mapping
		}
	}
	cl := checklist.New(values)
	for _, c := range st.Changes {
		msg, err := message.Decode(c.Body, len(c.Body)) // it was short enough then
		if err != nil {
			return nil, fmt.Errorf("stored message %d: %w", c.ID, err)
		}
		cl.Apply(checklist.Change{Op: c.Op, Key: c.Key, Value: msg.Payload})
	}
	return cl, nil
}

// readChecklist decides between the checklist that the store remembers and the file. The file wins if somebody else
// wrote it: an operator with an editor, or the Python manager. What we wrote ourselves, or what is left of that, does not: the
// file is not synced, and may be behind. Only when the database has lost its end the file may have more.
func (m *Manager) readChecklist(ctx context.Context) error {
	path := m.Config.ChecklistFile
	text, err := os.ReadFile(path)
	seq, ours := ourTrailer(text)
	if ours {
		if err := m.noteForgotten(ctx, seq); err != nil {
			return err
		}
	}
	if m.StoodBy != "" {
		return m.takeOver(ctx, text, ours, err)
	}
	if m.IgnoreChecklist {
		var other time.Time
		if _, damaged := m.edited(text); err == nil && damaged == nil {
			other = m.writtenByAnother(path, text)
		}
		return m.replaceChecklist(ctx, pyyaml.NewMap(0), "--ignore-checklist", "the day begins with an empty checklist (--ignore-checklist)", other)
	}
	if err == nil {
		ahead := ours && m.Incomplete && seq > m.seq
		if ours && m.seq > 0 && !ahead {
			return m.keepStored(text, seq)
		}
		var values *pyyaml.Map
		if values, err = m.edited(text); err == nil {
			var alerts []engine.Alert
			switch {
			case ahead:
				m.Log.Warn(fmt.Sprintf("the checklist file is as of message %d, what could be read of the damaged state database as of message %d: the file is used", seq, m.seq))
			case m.seq > 0:
				alerts = m.replaced(values, "the checklist file was changed while no manager was running: it takes the place of the checklist in the state database")
			}
			forget, other := "", m.writtenByAnother(path, text)
			if !other.IsZero() {
				forget = tookOver
			}
			if err := m.replaceChecklist(ctx, values, path, forget, other, alerts...); err != nil {
				return err
			}
			m.loaded()
			return nil
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		if failed := m.notRead(ctx, path, err); failed != nil {
			return failed
		}
	}
	m.Log.Warn("checklist load failed: " + err.Error())
	if m.checklist.Map().Len() > 0 {
		// The reference would start empty; nothing is lost here unless an operator says so.
		m.Log.Warn("running with the checklist from the state database; use --ignore-checklist for an empty one")
	} else {
		m.Log.Warn("running with empty checklist")
	}
	if errors.Is(err, fs.ErrNotExist) && m.checklist.Map().Len() == 0 {
		return nil
	}
	m.file.writeNow(m.checklist, m.seq)
	return nil
}

// keepStored goes on with the stored checklist although there is a file of ours, current with message seq. One that is ahead is kept: it may be
// all that is left of the newest messages.
func (m *Manager) keepStored(text []byte, seq int64) error {
	if seq > m.seq {
		if kept, err := m.keepAside(text); err != nil {
			m.Log.Error("the checklist file is newer than the state database and could not be kept", "err", err)
		} else {
			m.Log.Warn("the checklist file is newer than the state database; it is kept as " + kept)
		}
	}
	if seq != m.seq {
		m.Log.Warn(fmt.Sprintf("the checklist file is as of message %d, the state database as of message %d: the database is used and the file written anew; "+
			"to go back to an older file, delete its last line before the manager starts; open barriers are closed then, and what was not started is not", seq, m.seq))
		m.file.writeNow(m.checklist, m.seq)
	}
	m.loaded()
	return nil
}

// edited returns what somebody else wrote into the checklist file, or why it is taken for damage.
func (m *Manager) edited(text []byte) (*pyyaml.Map, error) {
	v, err := pyyaml.Decode(text)
	if err != nil {
		return nil, err
	}
	values, ok := v.(*pyyaml.Map)
	if !ok && v != nil {
		return nil, errors.New("it is not a mapping")
	}
	// The beginning of what we wrote is no edit if it ends within a line, or lacks no more than our last one. One that is shorter by whole
	// lines may be the Python manager's, cleared and filled again: it is taken, and replaced tells what is gone.
	mapping := m.checklist.AppendText(nil)
	ours := append(slices.Clip(mapping), trailerLine(mapping, m.seq)...)
	cut := bytes.HasPrefix(ours, text) && (!bytes.HasSuffix(text, []byte("\n")) || len(text) >= len(mapping))
	if m.seq > 0 && (cut || v == nil) {
		return nil, errors.New("it is empty or cut off: if that is meant, write {} into it for an empty checklist, or add a line with a comment (#) at its end")
	}
	if values == nil {
		values = pyyaml.NewMap(0)
	}
	return values, nil
}

func (m *Manager) loaded() {
	m.Log.Info("checklist read from " + m.Config.ChecklistFile)
	m.tellChecklist()
}

func (m *Manager) tellChecklist() {
	m.Log.Info("checklist:\n" + pyyaml.PFormat(m.checklist.Map()))
}

// notReadKey is the key of the alert that the checklist file could not be used.
const notReadKey = "checklist not read"

// notRead keeps a checklist file that cannot be read for whoever wants to know what was in it. Whoever has edited it expects that it is
// in effect, so it is an alert until another file is read, or the checklist is cleared.
func (m *Manager) notRead(ctx context.Context, path string, why error) error {
	text := "the checklist file could not be used, and what somebody has changed in it is NOT in effect: " + why.Error()
	if aside, err := statefile.PutAside(path, m.Now()); err != nil {
		m.Log.Error("the checklist file cannot be read and could not be put aside", "err", err)
		text += fmt.Sprintf(". It is overwritten, as it could not be put aside: %v", err)
	} else {
		m.Log.Error("the checklist file cannot be read and was put aside", "file", aside)
		text += fmt.Sprintf(". It is %s now: to have it in effect, correct it, stop the manager, copy it over %s and start the manager", aside, path)
	}
	t := m.turn()
	m.raise(t, engine.Alert{Key: notReadKey, Kind: "checklist not read", Message: text})
	return m.Store.Commit(ctx, &t.effects)
}

// replaceChecklist makes another checklist the state, durably. If forget is not "", it says why the open barriers mean nothing any
// more: they are closed, as they would hold back what another day's workers ask for. If another manager had the day, other is when it wrote
// last. The alerts are durable with it.
func (m *Manager) replaceChecklist(ctx context.Context, values *pyyaml.Map, author, forget string, other time.Time, alerts ...engine.Alert) error {
	t := m.turn()
	m.lastMessage++
	m.seq = m.lastMessage
	record := engine.Message{ID: m.seq, Time: m.Now().UTC(), Source: author, Type: anotherChecklist, Body: []byte{}}
	if !other.IsZero() {
		m.hadTheDay(t, other, &record)
	}
	t.effects.Messages = []engine.Message{record}
	m.checklist = checklist.New(values)
	m.base(t)
	m.settle(t, notReadKey, "there is another checklist")
	for _, a := range alerts {
		m.raise(t, a)
	}
	if forget != "" {
		for _, b := range m.barriers {
			text := describeBarrier(b) + "; it is closed, and what it holds is not launched: " + forget
			m.Log.Warn(text)
			m.raise(t, engine.Alert{Key: fmt.Sprint("barrier ", b.ID, " closed"), Kind: "barrier closed", Message: text + "; launch it by hand if it is still wanted"})
			t.effects.Released = append(t.effects.Released, b.ID)
			m.settle(t, barrierKey(b.ID), "it was closed")
		}
		m.barriers = nil
	}
	if err := m.Store.Commit(ctx, &t.effects); err != nil {
		return err
	}
	m.file.writeNow(m.checklist, m.seq)
	return nil
}
