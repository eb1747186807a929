package notify

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"nowcast/internal/core/config"
)

var alarm = Alarm{Key: "k1", Subject: "worker crashed: run_NEMO", Text: "Worker crashed: run_NEMO <!channel> & more\nhost salish\n.\nend", Body: map[string]string{"what": "begun"}, Bad: true,
	Time: time.Date(2026, 11, 22, 5, 40, 0, 0, time.UTC)}

func outletTo(t *testing.T, d config.Destination, variables map[string]string) *Outlet {
	t.Helper()
	o, err := NewOutlet(d, func(name string) (string, bool) { v, ok := variables[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAnOutletSaysWhatBecameOfAnAttempt(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  func(w http.ResponseWriter)
		attempt Attempt
		err     string // "": it has arrived
	}{
		{"taken", func(w http.ResponseWriter) {}, Attempt{}, ""},
		{"taken, slowly", func(w http.ResponseWriter) { time.Sleep(50 * time.Millisecond); w.WriteHeader(202) }, Attempt{}, ""},
		{"busy", func(w http.ResponseWriter) { w.Header().Set("Retry-After", "7"); w.WriteHeader(429) }, Attempt{RetryAfter: 7 * time.Second}, "429 Too Many Requests"},
		{"broken", func(w http.ResponseWriter) { w.WriteHeader(500) }, Attempt{}, "500 Internal Server Error"},
		{"unknown", func(w http.ResponseWriter) { w.WriteHeader(404) }, Attempt{Final: true}, "404 Not Found: look at the settings of the other side"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.answer(w) }))
			defer s.Close()
			got, err := outletTo(t, config.Destination{Kind: config.ToWebhook, URL: "HOOK"}, map[string]string{"HOOK": s.URL + "/secret"}).Send(t.Context(), alarm)
			if got != c.attempt || (err == nil) != (c.err == "") || err != nil && (!strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "secret")) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	t.Run("hanging", func(t *testing.T) {
		hang := make(chan struct{})
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
		defer s.Close()
		defer close(hang)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := outletTo(t, config.Destination{Kind: config.ToSlack, URL: s.URL}, nil).Send(ctx, alarm); err == nil {
			t.Error("it has arrived")
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		s := httptest.NewServer(nil)
		s.Close()
		if got, err := outletTo(t, config.Destination{Kind: config.ToSlack, URL: s.URL}, nil).Send(t.Context(), alarm); err == nil || got.Final {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestWhatArrives(t *testing.T) {
	var got *http.Request
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r; body, _ = io.ReadAll(r.Body) }))
	defer s.Close()
	send := func(d config.Destination, variables map[string]string) {
		t.Helper()
		if _, err := outletTo(t, d, variables).Send(t.Context(), alarm); err != nil {
			t.Fatal(err)
		}
	}
	send(config.Destination{Kind: config.ToSlack, URL: s.URL}, nil)
	if want := `{"text":"Worker crashed: run_NEMO \u0026lt;!channel\u0026gt; \u0026amp; more\nhost salish\n.\nend"}`; string(body) != want {
		t.Errorf("Slack got %s, want %s: nobody is mentioned by what a worker says", body, want)
	}
	send(config.Destination{Kind: config.ToWebhook, URL: s.URL}, nil)
	if string(body) != `{"what":"begun"}` || got.Header.Get("Idempotency-Key") != "k1" {
		t.Errorf("the webhook got %s and %v", body, got.Header)
	}
	var ids []string
	for range 2 {
		send(config.Destination{Kind: config.ToSentry, URL: "SENTRY_DSN"}, map[string]string{"SENTRY_DSN": strings.Replace(s.URL, "//", "//key@", 1) + "/7"})
		lines := strings.Split(string(body), "\n")
		var event struct {
			ID      string `json:"event_id"`
			Message string
			Level   string
		}
		if len(lines) < 3 || json.Unmarshal([]byte(lines[2]), &event) != nil || event.Message != alarm.Subject || event.Level != "error" || got.URL.Path != "/api/7/envelope/" {
			t.Fatalf("Sentry got %s at %s", body, got.URL)
		}
		ids = append(ids, event.ID)
	}
	if ids[0] != ids[1] || len(ids[0]) != 32 {
		t.Errorf("Sentry got the event ids %q, want the same twice", ids)
	}
}

func TestAnOutletThatIsNotConfiguredSaysWhatToSet(t *testing.T) {
	for _, c := range []struct{ url, value, want string }{
		{"HOOK", "", "environment variable HOOK has no URL, https://...: set it and restart the alerter"},
		{"HOOK", "secret", "environment variable HOOK has no URL, https://...: set it and restart the alerter"},
	} {
		_, err := NewOutlet(config.Destination{Kind: config.ToWebhook, URL: c.url}, func(string) (string, bool) { return c.value, c.value != "" })
		if err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	_, err := NewOutlet(config.Destination{Kind: config.ToSentry, URL: "SENTRY_DSN"}, func(string) (string, bool) { return "https://no.key.example/1", true })
	if err == nil || !strings.Contains(err.Error(), "SENTRY_DSN has no DSN") || strings.Contains(err.Error(), "no.key") {
		t.Errorf("got %v", err)
	}
}

// mailServer takes mails and answers commands as it is told; what it is not told it accepts.
func mailServer(t *testing.T, answers map[string]string) (address string, mails <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got := make(chan string, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveMail(c, answers, got)
		}
	}()
	return l.Addr().String(), got
}

func serveMail(c net.Conn, answers map[string]string, got chan<- string) {
	defer c.Close()
	say := func(text string) { io.WriteString(c, text+"\r\n") }
	if answers["connect"] == "hang" {
		io.Copy(io.Discard, c)
		return
	}
	say("220 here")
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		answer := "250 ok"
		for begin, a := range answers {
			if strings.HasPrefix(line, begin) {
				answer = a
			}
		}
		if line == "DATA" && answer == "250 ok" {
			say("354 go on")
			var mail strings.Builder
			for line, err := in.ReadString('\n'); err == nil && line != ".\r\n"; line, err = in.ReadString('\n') {
				mail.WriteString(line)
			}
			got <- mail.String()
		}
		say(answer)
	}
}

func TestAMail(t *testing.T) {
	to := func(address string) config.Destination {
		return config.Destination{Kind: config.ToMail, To: []string{"ops@example.org", "Sue <sue@example.org>"}, From: "nowcast@example.org", Server: address}
	}
	t.Run("arrives, and the same id tells that it has come twice", func(t *testing.T) {
		address, mails := mailServer(t, nil)
		var first string
		for range 2 {
			if _, err := outletTo(t, to(address), nil).Send(t.Context(), alarm); err != nil {
				t.Fatal(err)
			}
			mail := <-mails
			for _, want := range []string{"Subject: worker crashed: run_NEMO\r\n", "To: ops@example.org, Sue <sue@example.org>\r\n", "\r\n\r\nWorker crashed: run_NEMO <!channel> & more\r\nhost salish\r\n", "Auto-Submitted: auto-generated\r\n"} {
				if !strings.Contains(mail, want) {
					t.Errorf("got\n%s\nwant %q in it", mail, want)
				}
			}
			_, id, _ := strings.Cut(mail, "Message-ID: ")
			id, _, _ = strings.Cut(id, "\r\n")
			if first == "" {
				first = id
			} else if id != first {
				t.Errorf("got the ids %s and %s", first, id)
			}
		}
	})
	t.Run("that one address does not want is for the other", func(t *testing.T) {
		address, mails := mailServer(t, map[string]string{"RCPT TO:<ops": "550 no such user"})
		got, err := outletTo(t, to(address), nil).Send(t.Context(), alarm)
		if err != nil || !strings.Contains(got.Note, "to ops@example.org: 550") {
			t.Errorf("got %+v, %v", got, err)
		}
		<-mails
	})
	for name, c := range map[string]struct {
		answers map[string]string
		final   bool
	}{
		"nobody wants":           {map[string]string{"RCPT": "550 no such user"}, true},
		"is not wanted now":      {map[string]string{"DATA": "451 later"}, false},
		"has no server":          {nil, false},
		"goes to one that hangs": {map[string]string{"connect": "hang"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := mailServer(t, c.answers)
			if c.answers == nil {
				address = "127.0.0.1:1"
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			if got, err := outletTo(t, to(address), nil).Send(ctx, alarm); err == nil || got.Final != c.final {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
