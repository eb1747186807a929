package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"nowcast/internal/core/store/storetest"
	"nowcast/internal/faults"
)

var postgresFaults = []fault{
	{1, "PostgreSQL: SIGKILL of the manager, at each step", 2, killManagerOnPostgres},
	{24, "PostgreSQL: SIGKILL, another manager stands by", 2, failOver},
	{24, "PostgreSQL: SIGSTOP, another manager takes over", 1, freezeManager},
	{24, "PostgreSQL: only the manager is cut off from it", 1, cutOffManager},
	{24, "PostgreSQL: its connections are cut", 2, cutConnections},
	{24, "PostgreSQL: its server dies, a replica is promoted", 1, replicaTakesOver},
	{24, "PostgreSQL: it does not answer for a while", 1, slowPostgres},
	{24, "PostgreSQL: its server is killed and comes back", 1, killPostgres},
	{24, "PostgreSQL: its server is restarted", 1, restartPostgres},
}

func newPostgresWorld(t *testing.T) (*faults.World, *storetest.Server) {
	server := storetest.Postgres(t, true)
	url := server.Database()
	return newWorld(t, func(o *faults.Options) { o.State = url }), server
}

func killManagerOnPostgres(t *testing.T, r *rand.Rand, n int) *faults.Report {
	w, _ := newPostgresWorld(t)
	w.Keep("broker", nil)
	w.Report(clients)
	m := w.Keep("manager", atSteps(r, managerSteps, n))
	return allAnswered(diesAndServes(w, m, n))
}

// pair is two managers with one database, one of which stands by.
type pair struct {
	*faults.World
	server   *storetest.Server
	managers []*faults.Daemon
	db       *sql.DB
}

func newPair(t *testing.T) *pair {
	t.Helper()
	server := storetest.Postgres(t, true)
	return newPairOn(t, server, server.Database(), nil)
}

// newPairOn has the database at a URL. change may be nil.
func newPairOn(t *testing.T, server *storetest.Server, url string, change func(*faults.Options)) *pair {
	t.Helper()
	p := &pair{World: newWorld(t, func(o *faults.Options) {
		o.State = url
		if change != nil {
			change(o)
		}
	}), server: server}
	p.Keep("broker", nil)
	p.managers = []*faults.Daemon{p.Keep("manager", nil), p.Keep("manager", nil)}
	var err error
	if p.db, err = sql.Open("pgx", url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.db.Close() })
	if _, err := p.db.Exec(audit); err != nil {
		t.Fatal(err)
	}
	p.Report(clients)
	return p
}

// audit has the database itself write down for each commit of a manager which connection made it, and in which generation of the lease.
const audit = `
CREATE TABLE audit (id BIGSERIAL PRIMARY KEY, generation BIGINT, backend TEXT);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO audit (generation, backend) SELECT generation, inet_client_port() || '/' || pg_backend_pid() FROM lease;
	RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER UPDATE ON head FOR EACH STATEMENT EXECUTE FUNCTION audit();`

// twoActive returns where two managers were active at once: a generation came after a later one, or a connection was used again after
// another one had been.
func (p *pair) twoActive(t *testing.T) (broken []string) {
	rows, err := p.db.Query("SELECT generation, backend FROM audit ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var last int64
	var current string
	gone := map[string]bool{}
	for rows.Next() {
		var generation int64
		var backend string
		if err := rows.Scan(&generation, &backend); err != nil {
			t.Fatal(err)
		}
		if generation < last || gone[backend] {
			broken = append(broken, fmt.Sprintf("two managers were active: connection %s committed in generation %d, after %s in %d", backend, generation, current, last))
		}
		if backend != current {
			gone[current] = true
		}
		last, current = generation, backend
	}
	if err := rows.Err(); err != nil || last == 0 {
		t.Fatalf("no commit was written down: %v", err)
	}
	return broken
}

func (p *pair) finish(t *testing.T) *faults.Report {
	broken := p.twoActive(t)
	report := allAnswered(p.Finish())
	report.Broken = append(report.Broken, broken...)
	return report
}

// active returns the manager that has the lease.
func (p *pair) active(t *testing.T) (active *faults.Daemon) {
	t.Helper()
	p.Eventually("a manager that has the lease", func() bool {
		var holder struct{ PID int }
		var text []byte
		if p.db.QueryRow("SELECT holder FROM lease_renewal").Scan(&text) != nil || json.Unmarshal(text, &holder) != nil {
			return false
		}
		i := slices.IndexFunc(p.managers, func(m *faults.Daemon) bool { return m.PID() == holder.PID })
		if i >= 0 {
			active = p.managers[i]
		}
		return i >= 0
	})
	return active
}

// failOver kills one of two managers n times: the one that serves, at first; then whichever comes. The other takes over, and the one that
// comes back stands by.
func failOver(t *testing.T, r *rand.Rand, n int) *faults.Report {
	p := newPair(t)
	var slow []string
	for i := range n {
		serves(p.World)
		time.Sleep(upTo(r, 500*time.Millisecond))
		victim := p.active(t)
		if i%2 == 1 {
			victim = p.managers[r.IntN(2)]
		}
		deaths := len(victim.Deaths())
		victim.Kill()
		killed := time.Now()
		p.Eventually("its death", func() bool { return len(victim.Deaths()) > deaths })
		if serves(p.World); tooSlow(time.Since(killed), answeredWithin) {
			slow = append(slow, fmt.Sprintf("reports were acknowledged %s after a manager was killed, and not within %s", time.Since(killed), answeredWithin))
		}
	}
	report := p.finish(t)
	report.Broken = append(report.Broken, slow...)
	return report
}

// answeredWithin is how soon reports are answered again: the takeover, and the broker that finds out.
const answeredWithin = 3 * time.Second

// freezeManager stops the active manager until another one has taken over. When it goes on it believes to be active, and must end.
func freezeManager(t *testing.T, r *rand.Rand, n int) *faults.Report {
	p := newPair(t)
	var slow []string
	for range n {
		serves(p.World)
		time.Sleep(upTo(r, 300*time.Millisecond))
		victim := p.active(t)
		endings := len(victim.Endings())
		victim.Signal(syscall.SIGSTOP)
		frozen := time.Now()
		p.Eventually("another one that has the lease", func() bool { return p.active(t) != victim })
		serves(p.World)
		if took := time.Since(frozen); tooSlow(took, answeredWithin) {
			slow = append(slow, fmt.Sprintf("reports were acknowledged %s after a manager was stopped, want %s", took.Round(time.Millisecond), answeredWithin))
		}
		victim.Signal(syscall.SIGCONT)
		p.Eventually("its end", func() bool { return len(victim.Endings()) > endings })
		serves(p.World)
	}
	report := p.finish(t)
	report.Broken = append(report.Broken, slow...)
	return report
}

func cutConnections(t *testing.T, r *rand.Rand, n int) *faults.Report {
	p := newPair(t)
	for range n {
		serves(p.World)
		time.Sleep(upTo(r, 300*time.Millisecond))
		p.server.CutConnections()
		serves(p.World)
	}
	return p.finish(t)
}

// slowPostgres has a server that does not answer for longer than a lease is valid: nobody knows whose it is, and nothing is launched.
func slowPostgres(t *testing.T, r *rand.Rand, n int) *faults.Report {
	p := newPair(t)
	for range n {
		serves(p.World)
		time.Sleep(upTo(r, 300*time.Millisecond))
		p.server.Pause()
		time.Sleep(time.Second + upTo(r, 2*time.Second))
		p.server.Resume()
		serves(p.World)
	}
	return p.finish(t)
}

// killPostgres kills the server of the database: nothing is acknowledged until it is back, and nothing is lost.
func killPostgres(t *testing.T, r *rand.Rand, n int) *faults.Report {
	return withoutPostgres(t, r, n, (*storetest.Server).Kill)
}

// restartPostgres stops it as an administrator does.
func restartPostgres(t *testing.T, r *rand.Rand, n int) *faults.Report {
	return withoutPostgres(t, r, n, (*storetest.Server).Stop)
}

func withoutPostgres(t *testing.T, r *rand.Rand, n int, end func(*storetest.Server)) *faults.Report {
	p := newPair(t)
	for range n {
		serves(p.World)
		time.Sleep(upTo(r, 300*time.Millisecond))
		end(p.server)
		time.Sleep(upTo(r, 1500*time.Millisecond))
		p.server.Start()
		serves(p.World)
	}
	return p.finish(t)
}
