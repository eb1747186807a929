package python

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// readAnswers passes records on as they come, and answers to who waits for one. It notes files.
func (h *helper) readAnswers(r io.Reader) {
	b := bufio.NewReader(r)
	for {
		a, err := readReply(b)
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded):
			return
		case err != nil:
			h.kill("killed, because something else than answers came from it: " + err.Error())
			return
		case a.Record != nil:
			h.speech.tell(a.Record)
			continue
		case a.Read != nil:
			h.noteRead(*a.Read)
			continue
		case a.Next == nil && a.Failure == nil && a.Loaded == nil:
			h.kill("killed, because something else than answers came from it")
			return
		case !h.answered(a.Number):
			h.kill("killed, because it gave an answer to another request than the one at hand")
			return
		}
		h.answers <- a // there is room: it is the one answer to the one request
	}
}

// answered tells whether an answer is the one that is waited for. There is one to each request.
func (h *helper) answered(number int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	ok := h.waiting && number == h.number
	h.waiting = h.waiting && !ok
	return ok
}

// mostRead is more files than any rules have.
const mostRead = 10000

// noteRead notes a file that the request at hand has read.
func (h *helper) noteRead(f fileSeen) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.read) < mostRead {
		h.read = append(h.read, f)
	}
}

// appendRequest appends a request that is answered. It is the one at hand from now on.
func (h *helper) appendRequest(dst []byte, letter byte, values ...any) []byte {
	h.mu.Lock()
	h.number++
	h.waiting, h.read = true, nil
	number := h.number
	h.mu.Unlock()
	return appendFrame(dst, letter, append([]any{number}, values...)...)
}

// send writes frames.
func (h *helper) send(frames []byte, limit time.Duration) error {
	h.requests.SetWriteDeadline(time.Now().Add(limit))
	_, err := h.requests.Write(frames)
	return err
}

// ended tells whether an error of send means that the helper had ended before it could read all.
func ended(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) // as we have noticed already
}

// await waits for the answer. Its error is errLimit, that of ctx, or says how the helper ended.
func (h *helper) await(ctx context.Context, limit time.Duration) (*reply, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case a := <-h.answers:
		return a, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, errLimit
	case <-h.gone:
	}
	select {
	case a := <-h.answers: // its last word
		return a, nil
	default:
		return nil, fmt.Errorf("the process that runs the rules ended (%s)", h.ending)
	}
}

// appendFrame appends a frame: its length, its letter and the pickle of its values.
func appendFrame(dst []byte, letter byte, values ...any) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0, letter)
	dst = appendPickle(dst, values...)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}
