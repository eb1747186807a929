package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"nowcast/internal/core/store/storetest"
)

func TestABatchIsThereOnceHoweverOftenItsCommitFails(t *testing.T) {
	errDisk := errors.New("disk")
	s := storetest.Open(t, filepath.Join(t.TempDir(), "state.db"))
	faults := []storetest.Fault{{Before: errDisk}, {After: errDisk}, {After: errDisk}, {}}
	f := &storetest.Faulty{Store: s, Script: func(n int) storetest.Fault { return faults[n-1] }}
	wants := []int{0, 1, 1, 1} // messages that are there after each try
	for i, fault := range faults {
		err := f.Commit(context.Background(), one(1))
		if failed := fault.Before != nil || fault.After != nil; failed != errors.Is(err, errDisk) {
			t.Errorf("try %d: got %v", i+1, err)
		}
		if got := len(storetest.Load(t, s).Changes); got != wants[i] {
			t.Errorf("try %d: got %d messages, want %d", i+1, got, wants[i])
		}
	}
}
