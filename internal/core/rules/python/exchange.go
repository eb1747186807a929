package python

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// readAnswers passes records on as they come, and answers to who waits for one.
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
		case a.Next == nil && a.Failure == nil && a.Loaded == nil:
			h.kill("killed, because something else than answers came from it")
			return
		}
		select {
		case h.answers <- a:
		default:
			h.kill("killed, because answers came from it that nobody had asked for")
			return
		}
	}
}

// send writes frames. An error is EPIPE if the helper had ended before it could read all of them.
func (h *helper) send(frames []byte, limit time.Duration) error {
	h.requests.SetWriteDeadline(time.Now().Add(limit))
	_, err := h.requests.Write(frames)
	return err
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

// appendFrame appends a request: its length, its letter and the pickle of its values.
func appendFrame(dst []byte, letter byte, values ...any) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0, letter)
	dst = appendPickle(dst, values...)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}
