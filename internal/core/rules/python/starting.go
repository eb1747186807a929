package python

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"nowcast/internal/core/config"
	"nowcast/internal/core/pyyaml"
	"nowcast/internal/core/rules"
)

// retryAfter is how long nothing is tried after a helper could not be started.
const retryAfter = time.Second

// started is a helper with its modules loaded, or why there is none.
type started struct {
	h      *helper
	loaded *loaded
	kept   bool // they are those that were kept, not those in the files
	err    error
}

// helper returns the live helper, or a new one.
func (r *Rules) helper() (*helper, error) {
	if r.live != nil {
		if r.live.lost() {
			<-r.live.gone // its pipe may be open yet: what it were sent would be taken for the cause of its end
		}
		select {
		case <-r.live.gone:
			r.o.Logger.Warn("the process that runs the rules ended between two messages (" + r.live.ending + ") and is started again")
			r.live = nil
		default:
			return r.live, nil
		}
	}
	if r.starting == nil {
		if time.Since(r.failedAt) < retryAfter {
			return nil, r.failed
		}
		r.startNext()
	}
	s := <-r.starting
	r.stop()
	r.starting = nil
	if s.err != nil {
		r.failed, r.failedAt = s.err, time.Now()
		return nil, s.err
	}
	r.live = s.h
	r.clearFrames()
	r.adopt(s.loaded, !s.kept)
	r.o.Logger.Info("next workers module loaded from " + r.module)
	return r.live, nil
}

// startNext starts another helper in the background, so that the next message finds it ready.
func (r *Rules) startNext() {
	ctx, cancel := context.WithCancel(context.Background())
	c := make(chan started, 1)
	r.starting, r.stop = c, cancel
	kept := pyyaml.NewMap(len(r.sources))
	for module, s := range r.sources {
		kept.Set(module, []pyyaml.Value{s.File, pyyaml.Binary(s.Text)})
	}
	o, cfg, module := r.o, r.cfg, r.module
	go func() { c <- begin(ctx, o, cfg, module, kept) }()
}

// begin starts a helper and has it load the modules: those that were kept or, if there are none or they do not do without
// their files, what is in the files.
func begin(ctx context.Context, o Options, cfg *config.Config, module string, kept *pyyaml.Map) started {
	h, err := start(cfg.Python, o.Env, module, &speech{logger: o.Logger, record: o.Record})
	if err != nil {
		return started{err: &rules.Error{File: module, Message: fmt.Sprintf(
			"cannot be loaded, because %s cannot be started: %v: name the Python interpreter of your installation under python: in %s", cfg.Python, err, cfg.File)}}
	}
	h.config = cfg
	first := appendFrame(nil, 'F', cfg.File, cfg.Values)
	var a *reply
	if kept.Len() > 0 {
		a, err = h.load(ctx, h.appendRequest(first, 'L', module, kept))
		if err == nil && a.Loaded != nil {
			return started{h: h, loaded: a.Loaded, kept: true}
		}
	}
	if err == nil {
		a, err = h.load(ctx, h.appendRequest(first, 'L', module, pyyaml.NewMap(0)))
		if err == nil && a.Loaded != nil {
			return started{h: h, loaded: a.Loaded}
		}
	}
	return started{err: h.refused(err, a, cfg, module)}
}

func (h *helper) load(ctx context.Context, frames []byte) (*reply, error) {
	h.speech.beginCall()
	if err := h.send(frames, startLimit); err != nil {
		h.kill("")
	}
	return h.await(ctx, startLimit)
}

// refused ends a helper that could not load the modules, and says why.
func (h *helper) refused(err error, a *reply, cfg *config.Config, module string) error {
	e := &rules.Error{File: module}
	switch {
	case errors.Is(err, errLimit):
		e.Message, e.Backtrace = fmt.Sprintf("importing it with %s took longer than %v", cfg.Python, startLimit), trace(h.where())
	case err != nil:
		e.Message, e.Backtrace = fmt.Sprintf("%v while %s imported it", err, cfg.Python), h.speech.last()
	case a.Failure == nil:
		e.Message = cfg.Python + " gave no answer when asked to import it"
	default:
		e = a.Failure.error("", module)
	}
	h.kill("")
	<-h.gone
	if err == nil && a.Failure != nil && a.Failure.Missing {
		return noModule{&rules.Error{File: module, Message: e.Message}}
	}
	return e
}

// noModule is an *rules.Error and fs.ErrNotExist.
type noModule struct{ err *rules.Error }

func (n noModule) Error() string   { return n.err.Error() }
func (n noModule) Unwrap() []error { return []error{n.err, fs.ErrNotExist} }
