package python

import "testing"

const fromPackage = `
import nemo_nowcast
from nemo_nowcast import NextWorker
def after_w(msg, config, checklist):
    return NextWorker("m", args=[getattr(nemo_nowcast, "__version__", "stand-in"), repr(NextWorker("m", ["x"]))])
`

func TestTheUsersOwnNemoNowcastIsUsed(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		want  string
	}{
		{"if it is installed", []string{"nemo_nowcast/__init__.py", "__version__ = '26.1'\nfrom nemo_nowcast.next_worker import NextWorker\n", "nemo_nowcast/next_worker.py",
			"class NextWorker:\n    def __init__(self, module, args=(), host='localhost'): self.module, self.args, self.host = module, args, host\n    def __repr__(self): return 'own'\n"},
			"26.1 own"},
		{"or else a stand-in", nil, "stand-in NextWorker(module='m', args=['x'], host='localhost')"},
		{"and a directory of the name is no package", []string{"nemo_nowcast/README", "notes"}, "stand-in NextWorker(module='m', args=['x'], host='localhost')"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, "next_workers", append(c.files, "next_workers.py", fromPackage)...)
			if err := b.open(); err != nil {
				t.Fatal(err)
			}
			for _, change := range []string{"# once\n", "# twice\n"} { // the same after a reload
				if got := b.launches("w", nil); got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
				b.write("next_workers.py", fromPackage+change)
				b.refreshes(true)
			}
		})
	}
}
