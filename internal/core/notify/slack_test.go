package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nowcast/internal/core/config"
)

const secret = "T0/B0/xyzzy"

// channel answers requests as Slack would, without a network, so that a test has the clock of synctest.
type channel struct {
	answer func(n int, r *http.Request) (code int, header string, err error) // n counts from 1; nil: always 200

	mu    sync.Mutex
	texts []string    // guarded by mu
	times []time.Time // guarded by mu
}

func (c *channel) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var m map[string]string
	if err := json.Unmarshal(body, &m); err != nil || len(m) != 1 || r.Header.Get("Content-Type") != "application/json" || r.Method != "POST" {
		return nil, fmt.Errorf("not what Slack wants: %s %s: %s", r.Method, r.Header, body)
	}
	c.mu.Lock()
	c.texts = append(c.texts, m["text"])
	c.times = append(c.times, time.Now())
	n := len(c.texts)
	c.mu.Unlock()
	code, header := 200, ""
	if c.answer != nil {
		if code, header, err = c.answer(n, r); err != nil {
			return nil, err
		}
	}
	w := httptest.NewRecorder()
	w.Header().Set("Retry-After", header)
	w.WriteHeader(code)
	return w.Result(), nil
}

func (c *channel) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string{}, c.texts...)
}

// waits returns how long after the first request the others came.
func (c *channel) waits() (after []time.Duration) {
	for _, t := range c.times[min(1, len(c.times)):] {
		after = append(after, t.Sub(c.times[0]))
	}
	return after
}

func environment(names ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, n := range names {
			if n == name {
				return "https://hooks.example/" + secret, true
			}
		}
		return "", false
	}
}

var daily = config.Slack{
	Channels:     []config.SlackChannel{{Variable: "SLACK_DAILY", Workers: []string{"watch_NEMO", "watch_ww3"}}},
	LogURL:       "https://x.example/nowcast.log?a=1&b=<2>",
	ChecklistURL: "https://x.example/checklist.yaml",
}

func start(t *testing.T, c *channel, cfg config.Slack, lookup func(string) (string, bool)) (*Slack, *journal) {
	t.Helper()
	j := newJournal()
	s := NewSlack(SlackOptions{LookupEnv: lookup, Log: j.logger(), Client: &http.Client{Transport: c}}, cfg)
	t.Cleanup(func() {
		s.Close()
		if strings.Contains(j.text(), secret) {
			t.Errorf("the log has the secret in it:\n%s", j.text())
		}
	})
	return s, j
}

func TestAReportOfAListedWorkerIsSentWithTheConfiguredLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		both, plain := daily, daily
		plain.LogURL, plain.ChecklistURL = "", ""
		listOnly := daily
		listOnly.LogURL = ""
		c := &channel{}
		s, _ := start(t, c, both, environment("SLACK_DAILY"))
		s.Report("download_weather", "success 00") // not listed
		s.Report("watch_NEMO", "success nowcast")
		synctest.Wait()
		s.Configure(plain)
		s.Report("watch_ww3", "crash")
		synctest.Wait()
		s.Configure(listOnly)
		s.Report("watch_ww3", "failure é")
		synctest.Wait()
		want := []string{
			"watch_NEMO: success nowcast\nLog: https://x.example/nowcast.log?a=1&b=<2>\nChecklist: https://x.example/checklist.yaml",
			"watch_ww3: crash",
			"watch_ww3: failure é\nChecklist: https://x.example/checklist.yaml",
		}
		if diff := cmp.Diff(want, c.got()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestPythonReadsTheBodyAsWhatRequestsWouldHaveSent(t *testing.T) {
	body := text("watch_NEMO", "success \"é\" <b> \u2028", daily)
	const script = `
import json, sys
text = "watch_NEMO: success \"é\" <b> \u2028\nLog: https://x.example/nowcast.log?a=1&b=<2>\nChecklist: https://x.example/checklist.yaml"
sent = json.dumps({"text": text})  # what requests.post(url, json=...) sends
assert json.loads(sys.stdin.buffer.read()) == json.loads(sent)
`
	python := exec.Command("/usr/bin/python3", "-X", "utf8", "-c", script)
	python.Stdin = strings.NewReader(string(body))
	if out, err := python.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", body, err, out)
	}
}

func TestAVariableThatIsNotSetIsALineOfDebugAtEachReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &channel{}
		s, j := start(t, c, daily, environment("SLACK_OTHER"))
		s.Report("watch_NEMO", "success nowcast")
		s.Report("watch_NEMO", "success forecast")
		synctest.Wait()
		want := strings.Repeat("DEBUG slack notification environment variable not found: SLACK_DAILY\n", 2)
		if j.text() != want || len(c.got()) != 0 {
			t.Errorf("got %q and the log\n%swant nothing and\n%s", c.got(), j.text(), want)
		}
	})
}

func TestWhatMayPassIsTriedAgainAndWhatMayNotIsNot(t *testing.T) {
	refused := errors.New("connect: connection refused")
	for _, tc := range []struct {
		name     string
		answer   func(n int, r *http.Request) (int, string, error)
		requests int
		waits    []time.Duration
		log      string // in it
	}{
		{name: "500 then 200", requests: 2, waits: []time.Duration{time.Second}, log: "INFO Slack (SLACK_DAILY) takes notifications again",
			answer: func(n int, _ *http.Request) (int, string, error) { return []int{500, 200}[n-1], "", nil }},
		{name: "429 with Retry-After in seconds", requests: 2, waits: []time.Duration{42 * time.Second}, log: "the answer was 429 Too Many Requests",
			answer: func(n int, _ *http.Request) (int, string, error) { return []int{429, 200}[n-1], "42", nil }},
		{name: "429 that asks for more than an hour", requests: 1, log: "WARN notification not sent to Slack (SLACK_DAILY): watch_NEMO: crash: given up after 0s: the answer was 429",
			answer: func(int, *http.Request) (int, string, error) { return 429, "3601", nil }},
		{name: "connection refused, refused, then 200", requests: 3, waits: []time.Duration{time.Second, 3 * time.Second}, log: "WARN Slack (SLACK_DAILY) does not take notifications, which are tried again for an hour: connect: connection refused",
			answer: func(n int, _ *http.Request) (int, string, error) {
				if n < 3 {
					return 0, "", refused
				}
				return 200, "", nil
			}},
		{name: "no answer", requests: 2, waits: []time.Duration{11 * time.Second},
			answer: func(n int, r *http.Request) (int, string, error) {
				if n == 1 {
					<-r.Context().Done()
					return 0, "", r.Context().Err()
				}
				return 200, "", nil
			}},
		{name: "408", requests: 2, waits: []time.Duration{time.Second},
			answer: func(n int, _ *http.Request) (int, string, error) { return []int{408, 200}[n-1], "", nil }},
		{name: "404", requests: 1, log: "WARN notification not sent to Slack (SLACK_DAILY): watch_NEMO: crash: the answer was 404 Not Found: look at the webhook's settings in Slack",
			answer: func(int, *http.Request) (int, string, error) { return 404, "", nil }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &channel{answer: tc.answer}
				s, j := start(t, c, daily, environment("SLACK_DAILY"))
				s.Report("watch_NEMO", "crash")
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				if len(c.texts) != tc.requests || !cmp.Equal(c.waits(), tc.waits) {
					t.Errorf("got %d requests after %v, want %d after %v", len(c.texts), c.waits(), tc.requests, tc.waits)
				}
				if !strings.Contains(j.text(), tc.log) {
					t.Errorf("got the log\n%swant in it\n%s", j.text(), tc.log)
				}
			})
		})
	}
}

func TestAnOutageIsRiddenOutForAnHourAndThenGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &channel{answer: func(int, *http.Request) (int, string, error) { return 503, "", nil }}
		s, j := start(t, c, daily, environment("SLACK_DAILY"))
		s.Report("watch_NEMO", "success nowcast")
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		waits := c.waits()
		last := waits[len(waits)-1]
		if n := len(waits); n < 60 || n > 70 || last > time.Hour || last < 58*time.Minute || waits[1] != 3*time.Second || waits[n-1]-waits[n-2] != time.Minute {
			t.Errorf("got %d attempts more, after %v", n, waits)
		}
		want := "WARN notification not sent to Slack (SLACK_DAILY): watch_NEMO: success nowcast: given up after 59m"
		if !strings.Contains(j.text(), want) || strings.Count(j.text(), "\n") != 2 {
			t.Errorf("got the log\n%swant two lines, one of them\n%s", j.text(), want)
		}
	})
}

func TestAFullQueueDropsTheOldestAndSaysHowMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		c := &channel{answer: func(n int, _ *http.Request) (int, string, error) {
			if n == 1 {
				<-hang
			}
			return 200, "", nil
		}}
		s, j := start(t, c, daily, environment("SLACK_DAILY"))
		began := time.Now()
		s.Report("watch_NEMO", "0")
		synctest.Wait() // it is on its way
		for i := range queueLength + 5 {
			s.Report("watch_NEMO", fmt.Sprint(i+1))
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("reports waited %v for a channel that hangs", waited)
		}
		close(hang)
		synctest.Wait()
		got := c.got()
		if len(got) != queueLength+1 || !strings.HasPrefix(got[1], "watch_NEMO: 6\n") || !strings.HasPrefix(got[queueLength], "watch_NEMO: 1005\n") {
			t.Errorf("got %d, the second %q, the last %q; want 1001, 6 and 1005", len(got), got[1], got[len(got)-1])
		}
		if want := "WARN 5 notifications for Slack (SLACK_DAILY) were dropped, the oldest ones"; !strings.Contains(j.text(), want) {
			t.Errorf("got the log\n%swant\n%s", j.text(), want)
		}
	})
}

func TestThatNotificationsAreDroppedIsSaidWhenItBeginsAndSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		c := &channel{answer: func(n int, _ *http.Request) (int, string, error) {
			if n == 1 {
				<-hang
			}
			return 200, "", nil
		}}
		s, j := start(t, c, daily, environment("SLACK_DAILY"))
		logged := func(want ...string) {
			t.Helper()
			synctest.Wait()
			got := strings.Split(strings.TrimSuffix(j.text(), "\n"), "\n")
			same := len(got) == len(want)
			for i := range min(len(got), len(want)) {
				same = same && strings.Contains(got[i], want[i])
			}
			if !same {
				t.Errorf("got the log\n%swant\n%s", j.text(), strings.Join(want, "\n"))
			}
		}
		report := func(times int) {
			for range times {
				s.Report("watch_NEMO", "success")
			}
			synctest.Wait()
		}
		report(1) // it is on its way
		report(queueLength)
		logged("")
		const begins = "WARN notifications for Slack (SLACK_DAILY) are dropped, the oldest ones first: more than 1000 are waiting; "
		report(1)
		logged(begins + "1 until now")
		report(100)
		logged(begins + "1 until now")
		time.Sleep(sayDropped)
		report(1)
		logged(begins+"1 until now", begins+"102 until now")
		close(hang)
		total := "WARN 102 notifications for Slack (SLACK_DAILY) were dropped"
		logged(begins+"1 until now", begins+"102 until now", total)
		report(1)
		logged(begins+"1 until now", begins+"102 until now", total)
	})
}

func TestOneChannelDoesNotWaitForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := daily
		cfg.Channels = append(cfg.Channels, config.SlackChannel{Variable: "SLACK_ALL", Workers: []string{"watch_NEMO"}})
		c := &channel{answer: func(n int, r *http.Request) (int, string, error) {
			if r.URL.Path == "/down" {
				return 500, "", nil
			}
			return 200, "", nil
		}}
		s, _ := start(t, c, cfg, func(name string) (string, bool) {
			return map[string]string{"SLACK_DAILY": "http://h.example/down", "SLACK_ALL": "http://h.example/up"}[name], true
		})
		for range 3 {
			s.Report("watch_NEMO", "success nowcast")
		}
		synctest.Wait()
		if got := len(c.got()); got != 4 {
			t.Errorf("got %d requests at once, want 4: one to the channel that fails and all three to the other", got)
		}
	})
}

func TestAtTheEndWhatWaitsGetsTwoSecondsAndTheRestIsLogged(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer func(n int, r *http.Request) (int, string, error)
		takes  time.Duration
		sent   int
		log    []string
	}{
		{name: "a channel that had failed gets one attempt more", takes: 0, sent: 4,
			answer: func(n int, _ *http.Request) (int, string, error) {
				return map[bool]int{true: 500, false: 200}[n == 1], "", nil
			}},
		{name: "a channel that fails", takes: 0, sent: 4,
			answer: func(int, *http.Request) (int, string, error) { return 500, "", nil },
			log:    []string{"watch_NEMO: 1: the manager was stopped first: the answer was 500", "watch_NEMO: 2: the manager was stopped", "watch_NEMO: 3: the manager was stopped"}},
		{name: "a channel that hangs", takes: 2 * time.Second, sent: 2,
			answer: func(n int, r *http.Request) (int, string, error) {
				if n == 1 {
					return 500, "", nil
				}
				<-r.Context().Done()
				return 0, "", r.Context().Err()
			},
			log: []string{"watch_NEMO: 1: ", "watch_NEMO: 2: the manager was stopped", "watch_NEMO: 3: the manager was stopped"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &channel{answer: tc.answer}
				s, j := start(t, c, daily, environment("SLACK_DAILY"))
				for i := range 3 {
					s.Report("watch_NEMO", fmt.Sprint(i+1))
				}
				synctest.Wait() // the first has failed and waits a second
				began := time.Now()
				s.Close()
				s.Report("watch_NEMO", "too late")
				if took := time.Since(began); took != tc.takes || len(c.got()) != tc.sent {
					t.Errorf("got %d requests in %v, want %d in %v", len(c.got()), took, tc.sent, tc.takes)
				}
				for _, want := range tc.log {
					if !strings.Contains(j.text(), want) {
						t.Errorf("got the log\n%swant in it\n%s", j.text(), want)
					}
				}
			})
		})
	}
}

func TestANewConfigurationAddsAndRemovesChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &channel{answer: func(n int, _ *http.Request) (int, string, error) {
			return map[bool]int{true: 500, false: 200}[n == 1], "", nil
		}}
		s, _ := start(t, c, daily, environment("SLACK_DAILY", "SLACK_ALL"))
		s.Report("watch_NEMO", "before")
		synctest.Wait()
		s.Configure(config.Slack{Channels: []config.SlackChannel{{Variable: "SLACK_ALL", Workers: []string{"make_plots"}}}})
		s.Report("watch_NEMO", "not listed any more")
		s.Report("make_plots", "after")
		time.Sleep(time.Minute)
		synctest.Wait()
		s.Configure(config.Slack{Channels: daily.Channels})
		s.Report("watch_NEMO", "again")
		synctest.Wait()
		want := []string{"before", "after", "before", "again"} // the first one failed: what waited is still sent
		got := c.got()
		for i := range got {
			_, got[i], _ = strings.Cut(strings.SplitN(got[i], "\n", 2)[0], ": ")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestOverANetworkASecretStaysSecretAndNothingBecomesAGET(t *testing.T) {
	var mu sync.Mutex
	var arrived []string
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		arrived = append(arrived, r.Method+" "+r.URL.Path)
		switch r.URL.Path {
		case "/found/" + secret:
			http.Redirect(w, r, "/elsewhere/"+secret, http.StatusFound)
		case "/permanent/" + secret:
			http.Redirect(w, r, "/elsewhere/"+secret, http.StatusPermanentRedirect)
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	gone := httptest.NewServer(mux)
	gone.Close()
	for _, tc := range []struct{ url, errText string }{
		{server.URL + "/found/" + secret, "the answer was 302 Found, a redirection that would lose the message: set the variable to the new URL"},
		{server.URL + "/permanent/" + secret, ""},
		{gone.URL + "/" + secret, "connection refused"},
		{"http://127.0.0.1:1:1/" + secret, "invalid port"},
	} {
		_, err := post(context.Background(), client(nil), tc.url, []byte("{}"))
		if got := fmt.Sprint(err); tc.errText == "" && err != nil || !strings.Contains(got, tc.errText) || strings.Contains(got, secret) {
			t.Errorf("%s: got %v, want %q and not the secret", tc.url, err, tc.errText)
		}
	}
	want := []string{"POST /found/" + secret, "POST /permanent/" + secret, "POST /elsewhere/" + secret}
	if diff := cmp.Diff(want, arrived); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAVariableThatHasNoURLIsSaidOnceAndNotShown(t *testing.T) {
	j := newJournal()
	s := NewSlack(SlackOptions{Log: j.logger(), LookupEnv: func(string) (string, bool) { return secret, true }}, daily)
	defer s.Close()
	s.Report("watch_NEMO", "success")
	s.Report("watch_NEMO", "success")
	want := "WARN nothing is sent to Slack for environment variable SLACK_DAILY: its value is not a webhook URL, https://...: correct it and restart the manager\n"
	if j.text() != want {
		t.Errorf("got  %swant %s", j.text(), want)
	}
}
