package workers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// How often a download is tried again (specs: compat section 3), and when a connection counts as dead.
const (
	firstWait   = 2 * time.Second
	longestWait = 256 * time.Second
	giveUpAfter = 3600 * time.Second // of waiting, all together
	stallTime   = 60 * time.Second   // without a byte
)

// Download stores what is at an http or https URL in a file, which appears there only when it is complete. An attempt that
// fails, also because the server does not have it yet, is repeated after 2, 4, 8, ... at most 256 seconds, going
// on where it stopped if the server can and has still the same; after 3600 seconds of waiting the result is an error made
// by Errorf.
func (r *Run) Download(ctx context.Context, address, file string) error {
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("download %q: it is not an http or https URL", address)
	}
	d := &download{url: address, stall: stallTime}
	var err error
	if d.temporary, err = temporaryBeside(file); err != nil {
		return fmt.Errorf("download %s: %w", address, err)
	}
	defer func() { // after the rename there is nothing to remove
		d.temporary.Close()
		os.Remove(d.temporary.Name())
	}()
	if err := r.persist(ctx, d); err != nil {
		return err
	}
	err = d.temporary.Sync() // before the rename: a power cut must not leave a complete name with an incomplete file
	if err == nil {
		err = os.Rename(d.temporary.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("download %s: %w", address, err)
	}
	return nil
}

// persist tries until it succeeds, it is of no use, or time is up.
func (r *Run) persist(ctx context.Context, d *download) error {
	wait, waited := firstWait, firstWait // as the reference counts: the first wait is counted twice
	for tries := 1; ; tries++ {
		err := d.attempt(ctx)
		var local *os.PathError
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("download %s: %w", d.url, context.Cause(ctx))
		case errors.As(err, &local): // the disk is full, or worse: waiting does not help
			return fmt.Errorf("download %s: %w", d.url, err)
		}
		r.Log.Debug(fmt.Sprintf("received %v from %s", err, d.url))
		if waited >= giveUpAfter {
			r.Log.Error(fmt.Sprintf("giving up; download from %s failed %d times", d.url, tries))
			return Errorf("download %s: %w", d.url, err)
		}
		pause := min(wait, longestWait)
		r.Log.Debug(fmt.Sprintf("waiting %d seconds until retry %d", int(pause.Seconds()), tries))
		if err := r.sleep(ctx, pause); err != nil {
			return fmt.Errorf("download %s: %w", d.url, err)
		}
		wait *= 2
		waited += pause
	}
}

// temporaryBeside makes a file in the directory of another, so that it can be renamed to it.
func temporaryBeside(file string) (*os.File, error) {
	dir, base := filepath.Split(file)
	for i := 0; ; i++ {
		name := filepath.Join(dir, fmt.Sprintf(".%s.%d-%d.part", base, os.Getpid(), i))
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666) // not CreateTemp, which gives it a mode of its own
		if !errors.Is(err, os.ErrExist) || i > 1000 {
			return f, err
		}
	}
}

// download is what is there of a file, and what is known of the whole.
type download struct {
	url       string
	temporary *os.File
	size      int64  // bytes that are there
	validator string // ETag or Last-Modified of what they are the beginning of; "" if it cannot be recognised
	stall     time.Duration
}

// attempt gets the rest, or all if there is no rest to be had.
func (d *download) attempt(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(d.stall, func() { cancel(fmt.Errorf("nothing for %v", d.stall)) })
	defer stalled.Stop()
	response, err := d.request(ctx)
	if err != nil {
		return cause(ctx, err)
	}
	defer response.Body.Close()
	if err := d.position(response); err != nil {
		return err
	}
	buffer := make([]byte, 256<<10)
	for {
		n, err := response.Body.Read(buffer)
		stalled.Reset(d.stall)
		if n > 0 {
			if _, err := d.temporary.Write(buffer[:n]); err != nil {
				return err
			}
			d.size += int64(n)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return cause(ctx, err)
		}
	}
}

// cause returns why a context ended rather than that it did.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (d *download) request(ctx context.Context) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept-Encoding", "identity") // sizes and ranges are of what is stored
	if d.size > 0 && d.validator != "" {
		request.Header.Set("Range", "bytes="+strconv.FormatInt(d.size, 10)+"-")
		request.Header.Set("If-Range", d.validator)
	}
	return http.DefaultClient.Do(request)
}

// position prepares the file for the body of a response: at its end if the body is the rest, else at its beginning.
func (d *download) position(response *http.Response) error {
	switch response.StatusCode {
	case http.StatusOK:
		if _, err := d.temporary.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := d.temporary.Truncate(0); err != nil {
			return err
		}
		d.size, d.validator = 0, validator(response.Header)
		return nil
	case http.StatusPartialContent:
		if from := "bytes " + strconv.FormatInt(d.size, 10) + "-"; strings.HasPrefix(response.Header.Get("Content-Range"), from) {
			return nil
		}
		d.validator = ""
		return fmt.Errorf("a part of the file that was not asked for: %s", response.Header.Get("Content-Range"))
	case http.StatusRequestedRangeNotSatisfiable:
		d.validator = "" // next time from the beginning
	}
	return errors.New(response.Status)
}

// validator returns what If-Range needs: a strong ETag, or else the time of the last change.
func validator(h http.Header) string {
	if tag := h.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	return h.Get("Last-Modified")
}
