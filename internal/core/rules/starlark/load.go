package starlark

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"nowcast/internal/core/rules"
	"nowcast/internal/core/rules/watch"
)

// dialect is what a rules file may use of Starlark.
var dialect = &syntax.FileOptions{Set: true, While: true, TopLevelControl: true, GlobalReassign: true, Recursion: true}

// program is a version of the rules that has been loaded without error.
type program struct {
	after map[string]*starlark.Function // by worker
}

// loading is one attempt to load the rules file and the files it loads.
type loading struct {
	r       *Rules
	modules map[string]*module // by file name
	seen    []watch.Stamp
}

// module is a file that is being loaded (globals nil and err nil) or has been.
type module struct {
	globals starlark.StringDict
	err     error
	done    bool
}

// load reads, compiles and runs the rules file. The stamps tell when to load again; they are returned also with an error.
func (r *Rules) load() (*program, []watch.Stamp, error) {
	l := &loading{r: r, modules: map[string]*module{}}
	var globals starlark.StringDict
	err := r.limited(context.Background(), filepath.Base(r.file), func(t *starlark.Thread) error {
		t.Load = l.load
		var err error
		globals, err = l.exec(t, r.file)
		return err
	})
	var p *program
	if err == nil {
		p, err = collect(globals)
	}
	if err != nil {
		return nil, l.seen, r.located(err)
	}
	return p, l.seen, nil
}

// located makes a failure to load an *rules.Error. The file itself missing can still be told from a mistake in it.
func (r *Rules) located(err error) error {
	e := asError(err)
	if e.File != "" {
		return e
	}
	e.File = r.file
	if errors.Is(err, fs.ErrNotExist) {
		return &noFile{e}
	}
	return e
}

// noFile is an *rules.Error and fs.ErrNotExist.
type noFile struct{ err *rules.Error }

func (n *noFile) Error() string   { return n.err.Error() }
func (n *noFile) Unwrap() []error { return []error{n.err, fs.ErrNotExist} }

// load is the load statement.
func (l *loading) load(t *starlark.Thread, name string) (starlark.StringDict, error) {
	from := filepath.Dir(t.CallFrame(0).Pos.Filename())
	file := filepath.Join(from, name)
	if filepath.IsAbs(name) || !strings.HasSuffix(name, ".star") {
		return nil, fmt.Errorf("load(%q): name a .star file relative to this one", name)
	}
	return l.exec(t, file)
}

func (l *loading) exec(t *starlark.Thread, file string) (starlark.StringDict, error) {
	if m, ok := l.modules[file]; ok {
		if !m.done {
			return nil, fmt.Errorf("load: %s loads itself", filepath.Base(file))
		}
		return m.globals, m.err
	}
	m := &module{}
	l.modules[file] = m
	text, s, err := watch.Read(file)
	l.seen = append(l.seen, s)
	if err == nil {
		err = readable(file, text)
	}
	if err == nil {
		m.globals, err = starlark.ExecFileOptions(dialect, t, file, text, l.r.builtins)
	}
	m.err, m.done = err, true
	return m.globals, m.err
}

// readable refuses a file that was damaged: Starlark takes a zero byte, as a crash may leave behind, for the end of the file.
func readable(file string, text []byte) error {
	for i, line := range bytes.Split(text, []byte("\n")) {
		if bytes.IndexByte(line, 0) >= 0 || !utf8.Valid(line) {
			return &rules.Error{File: file, Line: i + 1, Message: "this line is not text in UTF-8"}
		}
	}
	return nil
}

// collect finds the rules among the globals, and checks that each can be called as a rule is.
func collect(globals starlark.StringDict) (*program, error) {
	p := &program{after: map[string]*starlark.Function{}}
	for name, v := range globals {
		worker, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		fn, ok := v.(*starlark.Function)
		if !ok {
			return nil, &rules.Error{Message: fmt.Sprintf("%s is a %s, not a function", name, v.Type())}
		}
		if !callable(fn) {
			at := fn.Position()
			return nil, &rules.Error{File: at.Filename(), Line: int(at.Line), Col: int(at.Col),
				Message: fmt.Sprintf("%s cannot be called with three arguments: write def %s(msg, config, checklist)", name, name)}
		}
		p.after[worker] = fn
	}
	if len(p.after) == 0 {
		// Most likely the file is being written at this moment.
		return nil, &rules.Error{Message: "there is no after_ function in it"}
	}
	return p, nil
}

// callable tells whether fn accepts exactly the three arguments of a rule.
func callable(fn *starlark.Function) bool {
	positional := fn.NumParams() - fn.NumKwonlyParams()
	if fn.HasVarargs() {
		positional--
	}
	if fn.HasKwargs() {
		positional--
	}
	needed := 0
	for i := range fn.NumParams() {
		if i < positional && fn.ParamDefault(i) == nil {
			needed++
		}
		if i >= positional && i < positional+fn.NumKwonlyParams() && fn.ParamDefault(i) == nil {
			return false
		}
	}
	return needed <= 3 && (positional >= 3 || fn.HasVarargs())
}

// asError finds the place of a failure.
func asError(err error) *rules.Error {
	var list resolve.ErrorList
	var parse syntax.Error
	var eval *starlark.EvalError
	var made *rules.Error
	switch {
	case errors.As(err, &made):
		return made
	case errors.As(err, &list) && len(list) > 0:
		return &rules.Error{File: list[0].Pos.Filename(), Line: int(list[0].Pos.Line), Col: int(list[0].Pos.Col), Message: list[0].Msg}
	case errors.As(err, &parse):
		return &rules.Error{File: parse.Pos.Filename(), Line: int(parse.Pos.Line), Col: int(parse.Pos.Col), Message: parse.Msg}
	case errors.As(err, &eval):
		return evalError(eval)
	case errors.Is(err, fs.ErrNotExist):
		return &rules.Error{Message: "there is no such file"}
	}
	return &rules.Error{Message: err.Error()}
}

// evalError places a failure at the innermost line of the user's own files.
func evalError(eval *starlark.EvalError) *rules.Error {
	var need *missing
	e := &rules.Error{Message: strings.TrimPrefix(eval.Msg, "Starlark computation cancelled: "), Backtrace: eval.Backtrace(),
		NoValue: errors.As(eval, &need)}
	for i := range eval.CallStack {
		frame := eval.CallStack.At(i)
		if pos := frame.Pos; pos.Line > 0 {
			e.File, e.Line, e.Col = pos.Filename(), int(pos.Line), int(pos.Col)
			break
		}
	}
	return e
}
