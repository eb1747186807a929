package starlark

import (
	"strings"
	"testing"

	"nowcast/internal/core/message"
	"nowcast/internal/core/pyyaml"
)

func TestARuleThatEatsTheMemoryIsStopped(t *testing.T) {
	r := mustOpen(t, `
def after_a(msg, config, checklist):
    all = ["x"]
    for _ in range(27):
        all = all + all
    return []
`)
	r.limits.Memory = 64 << 20
	_, err := r.After(t.Context(), message.Message{Source: "a", Type: "success"}, pyyaml.NewMap(0))
	if err == nil || !strings.Contains(err.Error(), "needs more memory than the limit of 64 MiB") {
		t.Errorf("got %v, want that it needs too much memory", err)
	}
}
