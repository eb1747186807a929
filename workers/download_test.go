package workers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// downloader returns a Run whose waits take no time and are written down, and its log.
func downloader() (r *Run, waits *[]time.Duration, log *bytes.Buffer) {
	waits, log = new([]time.Duration), new(bytes.Buffer)
	options := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	r = &Run{Log: slog.New(slog.NewTextHandler(log, options)), sleep: func(ctx context.Context, d time.Duration) error {
		*waits = append(*waits, d)
		return ctx.Err()
	}}
	return r, waits, log
}

// serve answers the requests one after the other, the last one again and again.
func serve(t *testing.T, answers ...http.HandlerFunc) string {
	t.Helper()
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := answers[min(n, len(answers)-1)]
		n++
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/f.nc"
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", code) }
}

var content = strings.Repeat("0123456789", 100_000)

// whole serves the content, or the part of it that is asked for.
func whole(tag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, "f.nc", time.Time{}, strings.NewReader(content))
	}
}

// broken breaks the connection after n bytes of a text.
func broken(tag string, n int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
		io.WriteString(w, text[:n])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// wantRange looks at what is asked for before it answers.
func wantRange(t *testing.T, want string, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Range"); got != want {
			t.Errorf("got Range %q, want %q", got, want)
		}
		answer(w, r)
	}
}

func TestDownload(t *testing.T) {
	seconds := func(s ...int) (d []time.Duration) {
		for _, n := range s {
			d = append(d, time.Duration(n)*time.Second)
		}
		return d
	}
	other := strings.Repeat("x", 500)
	for _, tt := range []struct {
		name    string
		answers []http.HandlerFunc
		waits   []time.Duration
	}{
		{"a file that is there", []http.HandlerFunc{whole(`"1"`)}, nil},
		{"a file that comes later", []http.HandlerFunc{status(404), status(404), status(503), whole(`"1"`)}, seconds(2, 4, 8)},
		{"a connection that breaks goes on where it stopped",
			[]http.HandlerFunc{wantRange(t, "", broken(`"1"`, 70_000, content)), wantRange(t, "bytes=70000-", whole(`"1"`))}, seconds(2)},
		{"a file that changed meanwhile starts again",
			[]http.HandlerFunc{broken(`"0"`, 300, other), wantRange(t, "bytes=300-", whole(`"1"`))}, seconds(2)},
		{"a server that cannot tell starts again",
			[]http.HandlerFunc{broken("", 300, other), wantRange(t, "", whole(`"1"`))}, seconds(2)},
		{"a weak tag does not prove that it is the same",
			[]http.HandlerFunc{broken(`W/"0"`, 300, other), wantRange(t, "", whole(`"1"`))}, seconds(2)},
		{"a server that does not like the range starts again",
			[]http.HandlerFunc{broken(`"1"`, 300, content), wantRange(t, "bytes=300-", status(416)), wantRange(t, "", whole(`"1"`))}, seconds(2, 4)},
		{"a server that sends another range starts again",
			[]http.HandlerFunc{broken(`"1"`, 300, content), func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Range", "bytes 5-9/1000000")
				w.WriteHeader(http.StatusPartialContent)
			}, wantRange(t, "", whole(`"1"`))}, seconds(2, 4)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, waits, log := downloader()
			dir := t.TempDir()
			file := filepath.Join(dir, "f.nc")
			if err := r.Download(t.Context(), serve(t, tt.answers...), file); err != nil {
				t.Fatalf("got %v; log:\n%s", err, log)
			}
			got, err := os.ReadFile(file)
			if err != nil || string(got) != content {
				t.Errorf("got %d bytes, %v, want the %d bytes of the file", len(got), err, len(content))
			}
			if diff := cmp.Diff(tt.waits, *waits); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
			onlyFile(t, dir, "f.nc")
			if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o444 == 0 {
				t.Errorf("got mode %v, %v, want others to be able to read it", info.Mode(), err)
			}
		})
	}
}

func onlyFile(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestDownloadGivesUpAfterAnHour(t *testing.T) {
	r, waits, log := downloader()
	dir := t.TempDir()
	url := serve(t, status(404))
	err := r.Download(t.Context(), url, filepath.Join(dir, "f.nc"))
	var failure *workerError
	if !errors.As(err, &failure) || !strings.Contains(err.Error(), "404 Not Found") {
		t.Errorf("got error %v, want a declared one that says 404 Not Found", err)
	}
	var total time.Duration
	for i, w := range *waits {
		if want := min(2*time.Second<<i, 256*time.Second); w != want {
			t.Errorf("got wait %d of %v, want %v", i, w, want)
		}
		total += w
	}
	if total < 3598*time.Second || total > 3598*time.Second+256*time.Second {
		t.Errorf("got %v of waiting, want an hour", total)
	}
	for _, want := range []string{
		fmt.Sprintf("level=DEBUG msg=\"received 404 Not Found from %s\"\nlevel=DEBUG msg=\"waiting 2 seconds until retry 1\"\n", url),
		fmt.Sprintf("level=ERROR msg=\"giving up; download from %s failed %d times\"\n", url, len(*waits)+1),
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("got log\n%s\nwant it to contain\n%s", log, want)
		}
	}
	onlyFile(t, dir)
}

func TestDownloadThatIsOfNoUse(t *testing.T) {
	r, waits, _ := downloader()
	dir := t.TempDir()
	for name, tt := range map[string]struct{ url, file string }{
		"a URL of another kind":       {"ftp://example.com/f.nc", "f.nc"},
		"no URL":                      {"f.nc", "f.nc"},
		"a directory that is missing": {serve(t, whole(`"1"`)), "missing/f.nc"},
		"a name that is taken":        {serve(t, whole(`"1"`)), "."},
	} {
		t.Run(name, func(t *testing.T) {
			err := r.Download(t.Context(), tt.url, filepath.Join(dir, tt.file))
			var failure *workerError
			if err == nil || errors.As(err, &failure) {
				t.Errorf("got %v, want an error that is not declared", err)
			}
		})
	}
	if len(*waits) != 0 {
		t.Errorf("got waits %v, want none", *waits)
	}
	onlyFile(t, dir)
}

func TestDownloadEndsWithItsContext(t *testing.T) {
	r, _, _ := downloader()
	dir := t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("terminated signal received")
	url := serve(t, func(w http.ResponseWriter, q *http.Request) {
		io.WriteString(w, "beginning")
		w.(http.Flusher).Flush()
		cancel(why)
		<-q.Context().Done()
	})
	if err := r.Download(ctx, url, filepath.Join(dir, "f.nc")); !errors.Is(err, why) {
		t.Errorf("got %v, want %v", err, why)
	}
	onlyFile(t, dir)
}

func TestDownloadFromAServerThatStallsIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	f, err := temporaryBeside(filepath.Join(dir, "f.nc"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, waits, log := downloader()
	d := &download{temporary: f, stall: 50 * time.Millisecond, url: serve(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("ETag", `"1"`)
		io.WriteString(w, content[:100])
		w.(http.Flusher).Flush()
		<-q.Context().Done()
	}, wantRange(t, "bytes=100-", whole(`"1"`)))}
	if err := r.persist(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if len(*waits) != 1 || !strings.Contains(log.String(), "received nothing for 50ms") {
		t.Errorf("got waits %v and log\n%s\nwant one, because of nothing for 50ms", *waits, log)
	}
	if got, err := os.ReadFile(f.Name()); err != nil || string(got) != content {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(content))
	}
}
