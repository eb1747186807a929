package alerter

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/daemon"
	"nowcast/internal/core/engine"
	"nowcast/internal/core/fault"
	"nowcast/internal/core/feed"
	"nowcast/internal/core/statefile"
)

const childVariable = "ALERTER_TEST_CHILD" // the directory of an alerter that the test kills

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

// child runs an alerter whose manager has the alerts in a file.
func child(dir string) {
	events := make(chan []feed.Event)
	read := func() (all []engine.Alert) {
		data, err := os.ReadFile(filepath.Join(dir, "manager.json"))
		if err == nil {
			err = json.Unmarshal(data, &all)
		}
		if err != nil {
			panic(err)
		}
		return all
	}
	a, err := New(Options{
		Config: config.Alerts{Limit: 1000, PingEvery: time.Hour, Destinations: []config.Destination{{Kind: config.ToWebhook, URL: os.Getenv("HOOK")}}},
		File:   filepath.Join(dir, "alerts.json"),
		Events: events,
		Snapshot: func(context.Context) (feed.Snapshot, error) {
			return feed.Snapshot{Source: feed.SourceManager, Epoch: "1", Alerts: read(), Checklist: "{}\n"}, nil
		},
		Publish: func(string, any) {}, Alerts: daemon.NewAlerts(func(string, any) {}, time.Now), Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		LookupEnv: os.LookupEnv, Now: time.Now, Grace: 20 * time.Millisecond, Tick: 5 * time.Millisecond,
	})
	if err != nil {
		panic(err)
	}
	go func() {
		for n := uint64(1); ; n++ {
			for _, name := range append([]string{Name}, watched...) {
				body, _ := json.Marshal(feed.Heartbeat{Name: name, Every: 2 * time.Second})
				events <- []feed.Event{{Topic: feed.StreamDaemon, Stream: feed.StreamDaemon, Source: name, Epoch: "1", Seq: n, Time: time.Now(), Body: body}}
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	a.Run(context.Background())
}

// hook keeps what a webhook gets.
type hook struct {
	mu  sync.Mutex
	got map[string][]Sending // by key
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var s Sending
	if json.NewDecoder(r.Body).Decode(&s) != nil || s.Key != r.Header.Get("Idempotency-Key") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got[s.Key] = append(h.got[s.Key], s)
}

// told returns, by what was told about which alert, under how many keys it came.
func (h *hook) told() map[string]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[string]int{}
	for _, came := range h.got {
		all[came[0].What+" "+came[0].Incident.Key]++
	}
	return all
}

// TestAnAlerterThatIsKilledMissesNoAlarmAndDoublesNone kills it, by SIGKILL, between any two steps, while alerts come and go.
func TestAnAlerterThatIsKilledMissesNoAlarmAndDoublesNone(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	dir := t.TempDir()
	h := &hook{got: map[string][]Sending{}}
	server := httptest.NewServer(h)
	defer server.Close()

	var alerts []engine.Alert
	write := func() {
		data, err := json.Marshal(alerts)
		if err == nil {
			err = statefile.Replace(filepath.Join(dir, "manager.json"), data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func(point string, most time.Duration) {
		var said bytes.Buffer
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), childVariable+"="+dir, "HOOK="+server.URL, fault.Variable+"="+point)
		c.Stderr = &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { c.Wait(); close(ended) }()
		select {
		case <-ended:
			if strings.Contains(said.String(), "panic") {
				t.Fatal(said.String())
			}
		case <-time.After(most):
			c.Process.Kill()
			<-ended
		}
	}
	steps := []string{"alert observed", "alert saved", "alert sent"}
	write()
	for tries := 0; ; tries++ { // from then on nothing is missed
		run("", 100*time.Millisecond)
		_, err := os.Stat(filepath.Join(dir, "alerts.json"))
		if err == nil {
			break
		}
		if tries == 100 {
			t.Fatal(err)
		}
	}
	kills := 30
	if testing.Short() {
		kills = 8
	}
	for n := range kills {
		for i := range alerts {
			if alerts[i].Open() && random.IntN(3) == 0 {
				alerts[i] = over(alerts[i], "it is well")
			}
		}
		a := trouble(int64(n + 1))
		alerts = append(alerts, a)
		if random.IntN(4) == 0 { // one that comes and goes unseen
			alerts = append(alerts, over(trouble(int64(n+1001)), "it was short"))
		}
		write()
		run(fmt.Sprintf("%s:%d", steps[random.IntN(len(steps))], 1+random.IntN(3)), time.Duration(50+random.IntN(200))*time.Millisecond)
	}
	for i := range alerts {
		if alerts[i].Open() {
			alerts[i] = over(alerts[i], "it is well")
		}
	}
	write()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		run("", 300*time.Millisecond)
		if len(h.told()) >= len(alerts) {
			break
		}
	}
	run("", 500*time.Millisecond)
	told := h.told()
	for _, a := range alerts {
		if told["begun "+a.Key] == 0 {
			t.Errorf("nobody was told of %s", a.Key)
		}
	}
	for what, n := range told {
		if n > 1 {
			t.Errorf("%s came under %d keys: the other side cannot tell that it is the same", what, n)
		}
	}
	came := 0
	for _, all := range h.got {
		came += len(all)
	}
	t.Logf("%d kills, %d alerts, %d messages, %d of them repetitions with the same key", kills, len(alerts), len(h.got), came-len(h.got))
}
