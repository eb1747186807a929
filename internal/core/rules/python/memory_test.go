package python

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

func TestARuleThatEatsMemoryFailsAloneAndTheNextOneRuns(t *testing.T) {
	b := opened(t, evil)
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		t.Fatal(err)
	}
	// As much as the kernel would give, as long as nobody writes into it; more than the limit, which is half of the memory.
	tooMuch := info.Totalram * uint64(info.Unit) * 6 / 10
	_, err := b.report("w", fmt.Sprintf("x = bytearray(%d)", tooMuch))
	if e := failed(t, err); !strings.HasPrefix(e.Message, "MemoryError") {
		t.Errorf("got %q, want a MemoryError", e.Message)
	}
	if _, err := b.report("w", nil); err != nil {
		t.Errorf("the next message: %v", err)
	}
}
