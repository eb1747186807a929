package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"nowcast/internal/core/checklist"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/store"
	"nowcast/internal/core/store/storetest"
)

func TestPostgres(t *testing.T) {
	server := storetest.Postgres(t, false)
	storetest.Run(t, func(testing.TB) string { return server.Database() })
}

func one(id int64) *engine.Effects {
	return &engine.Effects{Messages: []engine.Message{{ID: id, Op: checklist.Clear, Body: []byte("x")}}}
}

// standby opens a second store in the background.
func standby(t *testing.T, where string) (opened chan *store.Store, waits chan string) {
	opened, waits = make(chan *store.Store, 1), make(chan string, 1)
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		s, err := store.Open(ctx, where, store.Options{Waiting: func(holder string) { waits <- holder }})
		if err == nil {
			opened <- s
		}
	})
	t.Cleanup(func() {
		cancel()
		done.Wait()
		select {
		case s := <-opened:
			s.Close()
		default:
		}
	})
	return opened, waits
}

func TestAStandbyTakesOverAtOnceWhenTheManagerStops(t *testing.T) {
	where := storetest.Postgres(t, false).Database()
	first := storetest.Open(t, where)
	storetest.Commit(t, first, one(1))
	opened, waits := standby(t, where)
	if holder := <-waits; !strings.Contains(holder, " pid ") {
		t.Errorf("got %q, want host and process id", holder)
	}
	if !first.Held() {
		t.Error("the first manager has the lease and does not know")
	}
	select {
	case <-opened:
		t.Fatal("two managers have the store")
	case <-time.After(3 * time.Second): // longer than a lease lasts that is not renewed
	}
	if !first.Held() {
		t.Error("the lease was not renewed")
	}
	begin := time.Now()
	first.Close()
	second := <-opened
	if took := time.Since(begin); took > 1500*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	if st := storetest.Load(t, second); st.LastMessage != 1 {
		t.Errorf("got %+v, want the first's state", st)
	}
	second.Close()
}

func TestAManagerThatWasCutOffIsDeposedAndCanDoNothingMore(t *testing.T) {
	server := storetest.Postgres(t, false)
	where := server.Database()
	first := storetest.Open(t, where)
	storetest.Commit(t, first, one(1))
	first.Freeze() // as if its renewals did not arrive
	begin := time.Now()
	opened, _ := standby(t, where)
	second := <-opened
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("it took %v to take over, want less than 3 s", took)
	}
	if first.Held() {
		t.Error("the first still believes that it has the store")
	}
	storetest.Commit(t, second, one(2))
	if err := first.Commit(context.Background(), one(2)); !errors.Is(err, store.ErrDeposed) {
		t.Errorf("commit: got %v, want ErrDeposed", err)
	}
	if _, err := first.Prune(context.Background(), time.Now(), 1, 100); errors.Is(err, store.ErrDamaged) {
		t.Errorf("prune: got %v", err)
	}
	select {
	case <-first.Lost():
	default:
		t.Error("Lost is not closed")
	}
	if st := storetest.Load(t, second); st.LastMessage != 2 {
		t.Errorf("got %+v", st)
	}
	second.Close()
}

func TestCommitsGoOnAfterTheServerWasRestarted(t *testing.T) {
	server := storetest.Postgres(t, true)
	where := server.Database()
	s := storetest.Open(t, where)
	storetest.Commit(t, s, one(1))
	for i, interrupt := range []func(){server.Stop, server.Kill} {
		interrupt()
		batch := one(int64(i) + 2)
		if err := s.Commit(context.Background(), batch); err == nil {
			t.Fatal("committed without a server")
		}
		server.Start()
		for deadline := time.Now().Add(20 * time.Second); ; {
			err := s.Commit(context.Background(), batch)
			if err == nil {
				break
			}
			if time.Now().After(deadline) || errors.Is(err, store.ErrDamaged) {
				t.Fatal(err)
			}
		}
		if st := storetest.Load(t, s); st.LastMessage != int64(i)+2 || len(st.Changes) != i+2 {
			t.Errorf("got %+v", st)
		}
	}
}

func TestACommitWhoseAnswerIsLostIsNotDoneTwice(t *testing.T) {
	server := storetest.Postgres(t, true)
	where := server.Database()
	s := storetest.Open(t, where)
	var busy sync.WaitGroup
	stop := make(chan struct{})
	busy.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(70 * time.Millisecond):
				server.CutConnections()
			}
		}
	})
	for id := int64(1); id <= 300; id++ {
		for tries := 0; ; tries++ {
			err := s.Commit(context.Background(), one(id))
			if err == nil {
				break
			}
			if tries > 50 || errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrDeposed) {
				t.Fatalf("message %d: %v", id, err)
			}
		}
	}
	close(stop)
	busy.Wait()
	if st := storetest.Load(t, s); len(st.Changes) != 300 || st.LastMessage != 300 {
		t.Errorf("got %d changes up to %d, want 300", len(st.Changes), st.LastMessage)
	}
}

func TestThePasswordIsInNoError(t *testing.T) {
	for _, where := range []string{
		"postgres://ann:secret@127.0.0.1:1/x?sslmode=disable", "postgres://127.0.0.1:1/x?user=ann&password=secret", "postgres://ann:secret@127.0.0.1:port/x", "postgres://ann:secret@[::1/x",
	} {
		_, err := store.Open(context.Background(), where, store.Options{})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v", where, err)
		}
		if _, err := store.History(context.Background(), where, store.Query{Limit: 1}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("history of %s: got %v", where, err)
		}
	}
}
