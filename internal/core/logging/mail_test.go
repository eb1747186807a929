package logging

import (
	"encoding/json"
	"fmt"
	"mime"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mailScript sends each text with the same handler.
const mailScript = `
import json, logging, logging.config, sys
c = json.load(sys.stdin)
logging.config.dictConfig(c["config"])
for text in c["texts"]:
    logging.getLogger("manager").critical(text)
json.dump("done", sys.stdout)
`

func mailConfig(port int, more map[string]any) map[string]any {
	handler := map[string]any{"class": classSMTP, "level": "CRITICAL", "formatter": "simple", "mailhost": []any{"127.0.0.1", port},
		"fromaddr": "nowcast@example.org", "toaddrs": []string{"ops@example.org", "night.shift@example.org"}, "subject": "CRITICAL Message from Salish Sea Nowcast System"}
	for k, v := range more {
		handler[k] = v
	}
	return map[string]any{"version": 1, "formatters": map[string]any{"simple": map[string]any{"format": "%(levelname)s [%(name)s] %(message)s"}},
		"handlers": map[string]any{"email": handler}, "root": map[string]any{"level": "DEBUG", "handlers": []string{"email"}}}
}

func openJSON(t *testing.T, config map[string]any, o Options) *opened {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, load(t, "logging: "+string(text)+"\n"), "manager", Daemon, o)
}

var dateHeader = regexp.MustCompile(`(?m)^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4}\r$`)

func TestMailsAreThoseOfPython(t *testing.T) {
	long := strings.Repeat("make_forcing_links failed with a long explanation; ", 5)
	texts := []string{
		"unhandled exception:", "", "two\nlines\n", "ends with blanks  ", "☂ ünïcödé", ".\n..dots\n.", long, long + "\n" + long + "\n.\n" + long, long + "☂ = 100 %\t",
		strings.Repeat("☂", 40), strings.Repeat("=", 200), strings.Repeat("line\n", 20) + long, "carriage\rreturns\r\nin it",
		strings.Repeat(long+"\n", 15), strings.Repeat("☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂☂\n", 15),
	}
	for n := 40; n < 100; n++ { // wherever the line is cut: in an escape, before a blank
		texts = append(texts, strings.Repeat("x", n)+"=é =", strings.Repeat("y", n)+"  ", strings.Repeat("z ", n)+"\t")
	}
	var many []string
	for i := range 6 {
		many = append(many, fmt.Sprintf("operator.number.%d@example.org", i))
	}
	for _, more := range []map[string]any{
		{},
		{"toaddrs": "one@example.org", "fromaddr": "Nowcast System <nowcast@example.org>"},
		{"toaddrs": many, "subject": strings.Repeat("a long subject ", 10) + "ends"},
	} {
		sink := newSMTPSink(t, "", nil)
		config := mailConfig(sink.port, more)
		sink.mails = make(chan sunkMail, 2*len(texts))
		var done string
		python(t, mailScript, "UTC", map[string]any{"config": config, "texts": texts}, &done)
		l := openJSON(t, config, Options{})
		for _, text := range texts {
			l.Logger("manager").Log(t.Context(), LevelCritical, text)
		}
		var pythons []sunkMail
		for range texts {
			pythons = append(pythons, sink.next(t))
		}
		for i := range texts {
			want, got := pythons[i], sink.next(t)
			for _, m := range []*sunkMail{&want, &got} {
				if !dateHeader.MatchString(m.Data) {
					t.Errorf("got a mail without a date: %q", m.Data)
				}
				m.Data = dateHeader.ReplaceAllString(m.Data, "Date: DATE\r")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v, text %q (-python +got):\n%s", more, texts[i], diff)
			}
		}
	}
}

func TestASubjectThatIsNotASCIISaysTheSameAsPythons(t *testing.T) {
	const subject = "Avertissement: étalage ☂ des résultats"
	sink := newSMTPSink(t, "", nil)
	config := mailConfig(sink.port, map[string]any{"subject": subject})
	var done string
	python(t, mailScript, "UTC", map[string]any{"config": config, "texts": []string{"text"}}, &done)
	openJSON(t, config, Options{}).Logger("manager").Log(t.Context(), LevelCritical, "text")
	for _, who := range []string{"python", "nowcast"} {
		_, header, _ := strings.Cut(sink.next(t).Data, "Subject: ")
		header, _, _ = strings.Cut(header, "\r\nDate")
		got, err := new(mime.WordDecoder).DecodeHeader(strings.ReplaceAll(header, "\r\n", ""))
		if err != nil {
			t.Fatal(err)
		}
		want(t, who, got, subject)
	}
}

func TestCredentialsAreGivenAsPythonGivesThem(t *testing.T) {
	for _, test := range []struct {
		offers string
		secure any
		want   sunkMail
	}{
		{"AUTH PLAIN LOGIN", nil, sunkMail{Login: "PLAIN"}},
		{"AUTH LOGIN", nil, sunkMail{Login: "LOGIN"}},
		{"AUTH LOGIN CRAM-MD5 PLAIN", nil, sunkMail{Login: "CRAM-MD5"}},
		{"STARTTLS,AUTH PLAIN", []string{}, sunkMail{Login: "PLAIN", Encrypted: true}},
	} {
		t.Run(test.offers, func(t *testing.T) {
			sink := newSMTPSink(t, test.offers, nil)
			config := mailConfig(sink.port, map[string]any{"credentials": []string{"user", "pass word"}, "secure": test.secure})
			var done string
			python(t, mailScript, "UTC", map[string]any{"config": config, "texts": []string{"text"}}, &done)
			openJSON(t, config, Options{}).Logger("manager").Log(t.Context(), LevelCritical, "text")
			pythons, got := sink.next(t), sink.next(t)
			if !strings.HasPrefix(got.Login, test.want.Login+" ") || got.Encrypted != test.want.Encrypted {
				t.Errorf("got login %q, encrypted %v, want %s, %v", got.Login, got.Encrypted, test.want.Login, test.want.Encrypted)
			}
			strip := func(s string) string { return strings.ReplaceAll(s, "|", "") }
			want(t, "login", strip(got.Login), strip(pythons.Login))
		})
	}
}

func TestAMailThatCannotBeSentIsSentAgain(t *testing.T) {
	first := true
	sink := newSMTPSink(t, "", func(line string) string {
		if strings.HasPrefix(line, "MAIL") && first {
			first = false
			return "451 greylisted, come back"
		}
		return ""
	})
	l := openJSON(t, mailConfig(sink.port, nil), Options{})
	l.Logger("manager").Log(t.Context(), LevelCritical, "text")
	if m := sink.next(t); !strings.HasSuffix(m.Data, "CRITICAL [manager] text\r\n") {
		t.Errorf("got %q", m.Data)
	}
	want(t, "stderr", l.err.String(), "")
}

func TestWhoIsRefusedIsReportedAndTheOthersGetTheMail(t *testing.T) {
	sink := newSMTPSink(t, "", func(line string) string {
		if strings.HasPrefix(line, "RCPT") && strings.Contains(line, "ops@") {
			return "550 no such user"
		}
		return ""
	})
	l := openJSON(t, mailConfig(sink.port, nil), Options{})
	l.Logger("manager").Log(t.Context(), LevelCritical, "text")
	if got := sink.next(t).To; !cmp.Equal(got, []string{"night.shift@example.org"}) {
		t.Errorf("got %v", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	const what = "log mail to ops@example.org, night.shift@example.org by 127.0.0.1"
	want(t, "stderr", l.err.String(), what+" cannot be written, so log records are missing from it: ops@example.org: 550 \"no such user\"\n"+
		what+" is closed; 1 records are not in it\n")
}

func TestWithoutAMailServerNobodyWaitsAndTheLossIsSaid(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := taken.Addr().(*net.TCPAddr).Port
	taken.Close()
	l := openJSON(t, mailConfig(port, nil), Options{})
	for range 3 {
		l.Logger("manager").Log(t.Context(), LevelCritical, "text")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := l.err.String(); !strings.Contains(got, "connection refused") || !strings.HasSuffix(got, "is closed; 3 records are not in it\n") {
		t.Errorf("got %q", got)
	}
}
