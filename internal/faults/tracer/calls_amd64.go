package main

import (
	"golang.org/x/sys/unix"

	"nowcast/internal/faults"
)

// olderCalls are those that newer machines do not have.
var olderCalls = map[uint64]string{unix.SYS_UNLINK: faults.DiskRemove, unix.SYS_CREAT: faults.DiskCreate, unix.SYS_OPEN: faults.DiskCreate}
