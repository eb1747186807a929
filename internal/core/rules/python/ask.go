package python

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/rules"
)

// ask sends a request, after what the helper must know before, and waits for the answer.
func (r *Rules) ask(function string, checklist *pyyaml.Map, letter byte, values ...any) (*reply, error) {
	limit := r.limit()
	for first := true; ; first = false {
		h, err := r.helper()
		if err != nil {
			return nil, err
		}
		r.catchUp(h, checklist)
		h.speech.beginCall()
		r.frames = h.appendRequest(r.frames, letter, values...)
		err = h.send(r.frames, limit)
		r.clearFrames()
		if ended(err) && first {
			h.kill("") // it ended between two messages and has not seen this one: that is nobody's mistake
			<-h.gone
			continue
		}
		var a *reply
		if err == nil {
			a, err = h.await(context.Background(), limit)
		}
		if err != nil {
			return nil, r.lose(h, function, limit, err)
		}
		return a, nil
	}
}

// catchUp tells a helper what it does not know of configuration and checklist; nil: the checklist is not asked for.
func (r *Rules) catchUp(h *helper, checklist *pyyaml.Map) {
	if h.config != r.cfg {
		r.frames = appendFrame(r.frames, 'F', r.cfg.File, r.cfg.Values)
		h.config = r.cfg
	}
	if checklist != nil && !h.follows {
		r.frames = appendFrame(r.frames, 'S', checklist)
		h.follows = true
	}
}

// lose gives up a helper that hangs or has ended, has another started, and says what happened.
func (r *Rules) lose(h *helper, function string, limit time.Duration, err error) *rules.Error {
	late := errors.Is(err, errLimit) || errors.Is(err, os.ErrDeadlineExceeded)
	var calls []call
	if late {
		calls = h.where()
	}
	h.kill("")
	<-h.gone
	r.live = nil
	e := &rules.Error{Func: function, File: r.module, Message: err.Error(), Backtrace: h.speech.last()}
	if late {
		e.Message, e.Backtrace = fmt.Sprintf("took longer than the limit of %v (rule time limit in the configuration) and was stopped", limit), trace(calls)
		if function == "" {
			e.Message = "importing it " + e.Message
		}
		if len(calls) > 0 {
			innermost := slices.IndexFunc(calls, func(c call) bool { return r.owns(c.file) || hasRead(h.read, c.file) }) // of the user's own
			c := calls[max(innermost, 0)]
			e.File, e.Line = c.file, c.line
		}
	}
	if function == "" { // this version is not tried again
		r.seen = lookAgain(r.seen, h.read)
	}
	r.startNext()
	return e
}

// clearFrames forgets what was sent, and the memory that a whole checklist took.
func (r *Rules) clearFrames() {
	if r.frames = r.frames[:0]; cap(r.frames) > mostWaiting {
		r.frames = nil
	}
}
