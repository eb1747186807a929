package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/launch"
	"nowcast/internal/core/store"
	"nowcast/internal/core/store/storetest"
)

// past is a database with what it had after each commit.
type past struct {
	files    map[string][]byte // by suffix
	states   map[string]bool   // as JSON
	versions map[string]bool   // of launches, barriers and alerts, as JSON
	bases    map[string]bool
	changes  []engine.Message
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// makePast fills a database with a few hundred records and copies it as it is while it is open: what a power cut leaves. copied is
// whether SQLite has copied the log into the database just before.
func makePast(t *testing.T, copied bool) *past {
	r := rand.New(rand.NewPCG(1, 2))
	file := filepath.Join(t.TempDir(), "state.db")
	p := &past{files: map[string][]byte{}, states: map[string]bool{}, versions: map[string]bool{}, bases: map[string]bool{toJSON(engine.Base{}): true}}
	s := storetest.Open(t, file)
	p.states[toJSON(storetest.Load(t, s))] = true
	id, open := int64(0), map[int64]bool{}
	for i := range int64(120) {
		var e engine.Effects
		for range 1 + r.IntN(4) {
			id++
			m := engine.Message{ID: id, Time: storetest.Day, Source: "w", Type: "success", Reply: "ack", Request: fmt.Sprint("r", id),
				Body: bytes.Repeat([]byte{byte(id)}, 20+r.IntN(200))}
			if r.IntN(10) == 0 {
				m.Body = bytes.Repeat([]byte{byte(id)}, 9000)
			}
			if r.IntN(5) > 0 {
				m.Op, m.Key = checklist.Update, "k"
				p.changes = append(p.changes, m)
			}
			e.Messages = append(e.Messages, m)
		}
		if i%40 == 39 {
			e.Base = &engine.Base{Message: id, YAML: bytes.Repeat([]byte{'a' + byte(i%20)}, 6000)}
			p.bases[toJSON(e.Base)] = true
		}
		for _, l := range []*launch.Launch{{ID: i + 1, State: launch.Running, Note: strings.Repeat("n", r.IntN(300))}, {ID: i/2 + 1, State: launch.Succeeded}} {
			e.Launches = append(e.Launches, l)
			p.versions[toJSON(l)] = true
		}
		if i%3 == 0 {
			e.Barriers = append(e.Barriers, engine.Barrier{ID: i/3 + 1, Cause: fmt.Sprint(i)})
			p.versions[toJSON(e.Barriers[0])] = true
			open[i/3+1] = true
		} else if r.IntN(2) == 0 && open[i/3] {
			e.Released = append(e.Released, i/3)
			delete(open, i/3)
		}
		a := engine.Alert{ID: i/4 + 1, Time: storetest.Day, Count: int(i), Key: fmt.Sprint(i)}
		if i%4 == 3 && i%8 != 7 {
			a.Ended = &storetest.Day
		}
		e.Alerts = append(e.Alerts, a)
		p.versions[toJSON(a)] = true
		storetest.Commit(t, s, &e)
		p.states[toJSON(storetest.Load(t, s))] = true
		if i == 60 {
			s.Close()
			s = storetest.Open(t, file)
		}
		if i == 100 && copied {
			checkpoint(t, file)
		}
	}
	if copied {
		checkpoint(t, file)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		p.files[suffix], _ = os.ReadFile(file + suffix)
	}
	return p
}

func checkpoint(t *testing.T, file string) {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		t.Fatal(err)
	}
}

// damage does one or two bad things to copies of the files, and says what.
func (p *past) damage(t *testing.T, r *rand.Rand, file string) string {
	files := map[string][]byte{"": bytes.Clone(p.files[""]), "-wal": bytes.Clone(p.files["-wal"])}
	if r.IntN(2) == 0 {
		files["-shm"] = bytes.Clone(p.files["-shm"]) // as after a kill and not a power cut
	}
	var done []string
	for range 1 + r.IntN(2) {
		suffix := []string{"", "-wal"}[r.IntN(2)]
		data := files[suffix]
		if len(data) == 0 {
			continue
		}
		at := r.IntN(len(data))
		switch what := r.IntN(8); what {
		case 0, 1, 2:
			data[at] ^= 1 << r.IntN(8)
			done = append(done, fmt.Sprintf("bit at %d of %q", at, suffix))
		case 3:
			files[suffix] = data[:at]
			done = append(done, fmt.Sprintf("cut at %d of %q", at, suffix))
		case 4, 5:
			page := at / 4096 * 4096
			clear(data[page:min(len(data), page+4096)])
			done = append(done, fmt.Sprintf("page at %d of %q zeroed", page, suffix))
		case 6:
			for i := at; i < min(len(data), at+600); i++ {
				data[i] = byte(r.Uint32())
			}
			done = append(done, fmt.Sprintf("garbage at %d of %q", at, suffix))
		case 7:
			if suffix == "-wal" {
				delete(files, suffix)
				done = append(done, "no -wal")
			}
		}
	}
	for suffix, data := range files {
		if err := os.WriteFile(file+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file+".lock", []byte("used\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.Join(done, ", ")
}

func TestAnyDamageLeavesAStateThatWas(t *testing.T) {
	t.Parallel()
	for name, copied := range map[string]bool{"log apart": false, "log copied": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := makePast(t, copied)
			salvaged, whole, kept := 0, 0, 0
			const seeds = 40
			for seed := range uint64(seeds) {
				file := filepath.Join(t.TempDir(), "state.db")
				what := p.damage(t, rand.New(rand.NewPCG(seed, 1)), file)
				s, err := store.Open(context.Background(), file, store.Options{})
				if err != nil {
					t.Errorf("seed %d, %s: %v", seed, what, err)
					continue
				}
				st := storetest.Load(t, s)
				report := s.Salvaged()
				problem := p.verify(st, report)
				if report != nil {
					salvaged++
					if report.Whole {
						whole++
					} else if st.LastLaunch > 0 {
						kept++
					}
				}
				if problem != "" {
					t.Errorf("seed %d, %s: %s; salvaged: %v", seed, what, problem, report)
				}
				if err := s.Commit(context.Background(), &engine.Effects{Messages: []engine.Message{{ID: st.LastMessage + 1}}, Launches: []*launch.Launch{{ID: st.LastLaunch + 1}}}); err != nil {
					t.Errorf("seed %d, %s: a commit afterwards: %v", seed, what, err)
				}
				s.Close()
			}
			t.Logf("%d of %d had to be salvaged, %d of these whole, of %d more something was kept", salvaged, seeds, whole, kept)
		})
	}
}

func (p *past) verify(st *engine.State, report *store.Salvage) string {
	if report == nil || report.Whole {
		if !p.states[toJSON(st)] {
			return "the state never was"
		}
		return ""
	}
	if _, err := os.Stat(report.File); err != nil {
		return err.Error()
	}
	for _, l := range st.Launches {
		if !p.versions[toJSON(l)] {
			return "never was: " + toJSON(l)
		}
	}
	for _, b := range st.Barriers {
		if !p.versions[toJSON(b)] {
			return "never was: " + toJSON(b)
		}
	}
	for _, a := range st.Alerts {
		if !p.versions[toJSON(a)] {
			return "never was: " + toJSON(a)
		}
	}
	if !p.bases[toJSON(st.Base)] {
		return "the checklist never was"
	}
	want := p.changes
	for len(want) > 0 && want[0].ID <= st.Base.Message {
		want = want[1:]
	}
	if len(st.Changes) > len(want) || toJSON(st.Changes) != toJSON(want[:len(st.Changes)]) && len(st.Changes) > 0 {
		return "the changes are not the first ones"
	}
	return ""
}
