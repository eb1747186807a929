package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"nowcast/internal/core/store"
	"nowcast/internal/core/store/storetest"
)

func TestAManagerThatHangsInATransactionDoesNotHoldBackTheNext(t *testing.T) {
	where := storetest.Postgres(t, false).Database()
	first := storetest.Open(t, where)
	storetest.Commit(t, first, one(1))
	first.Hang(t)
	begin := time.Now()
	opened, _ := standby(t, where)
	second := <-opened
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("it took %v to take over, want less than 3 s", took)
	}
	storetest.Commit(t, second, one(2))
	second.Close()
}

func TestAServerThatDoesNotAnswerIsNoticedAndNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel() // it only waits
	server := storetest.Postgres(t, false)
	s := storetest.Open(t, server.Database())
	storetest.Commit(t, s, one(1))
	server.Pause()
	begin := time.Now()
	err := s.Commit(context.Background(), one(2))
	if err == nil || errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrDeposed) {
		t.Errorf("got %v, want an error that the server does not answer", err)
	}
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("it took %v to notice", took)
	}
	if s.Held() {
		t.Error("it believes that it has the store, and cannot know")
	}
	server.Resume()
	for tries := 0; ; tries++ {
		if err = s.Commit(context.Background(), one(2)); err == nil {
			break
		}
		if tries > 20 {
			t.Fatal(err)
		}
	}
	if st := storetest.Load(t, s); len(st.Changes) != 2 {
		t.Errorf("got %d changes, want 2", len(st.Changes))
	}
	for deadline := time.Now().Add(10 * time.Second); !s.Held(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the lease is not renewed again")
		}
	}
}
