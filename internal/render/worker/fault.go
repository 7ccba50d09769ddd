package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// Errors go over the pipe as trees, as errors.Is and errors.As walk them: with
// their texts, with those that others branch on as what they are, and with each
// error that the daemon itself gave as that very error.

// known are the errors that are told by what they are. Their places are what
// goes over the pipe, which has the same program at both ends.
func known() []error {
	return []error{
		tree.ErrNotFound, tree.ErrOutside, tree.ErrLoop, tree.ErrTooLarge, tree.ErrSubmodule, tree.ErrLFS, tree.ErrFolder, tree.ErrNotFolder,
		render.ErrRead, render.ErrUnopened, context.Canceled, context.DeadlineExceeded,
	}
}

// The kinds of errors.
const (
	faultText     byte = iota // by its text, and those in it
	faultKnown                // one of known
	faultAsked                // one that the daemon gave
	faultManifest             // *manifest.Error
	faultPanic                // *render.Panic
	faultMissing              // render.Missing
)

// The bounds of an error.
const (
	maxFaults    = 1_000
	maxFaultDeep = 50
	maxFaultText = 64 << 10
)

// asked is an error that the daemon gave in place of an answer, as the worker
// has it. The daemon finds its own again by the number.
type asked struct {
	number int
	error
}

func (a *asked) Unwrap() error { return a.error }

// told is an error of the other side.
type told struct {
	text string
	of   []error
}

func (t *told) Error() string   { return t.text }
func (t *told) Unwrap() []error { return t.of }

// retried is one of those that may go away by themselves.
type retried struct{ told }

// Retry says so, to those who ask for this method.
func (*retried) Retry() bool { return true }

// faults writes one error.
type faults struct {
	*writer
	left int
}

func (w *writer) fault(err error) { (&faults{w, maxFaults}).put(err, maxFaultDeep) }

func (f *faults) put(err error, depth int) {
	f.left--
	for i, k := range known() {
		if err == k {
			f.byte(faultKnown)
			f.number(i)
			return
		}
	}
	switch e := err.(type) {
	case *asked:
		f.byte(faultAsked)
		f.number(e.number)
	case *manifest.Error:
		f.byte(faultManifest)
		f.origin(e.Origin)
		f.text(cut(e.What))
		f.text(cut(e.Do))
	case *render.Panic:
		f.byte(faultPanic)
		f.text(e.Renderer)
		f.text(cut(fmt.Sprint(e.Value)))
		f.text(cut(string(e.Stack)))
	case render.Missing:
		f.byte(faultMissing)
		f.needs(e.Needs)
	default:
		f.opaque(err, depth)
	}
}

// opaque writes an error of which nothing is known but its text and what it wraps.
func (f *faults) opaque(err error, depth int) {
	var again interface{ Retry() bool }
	again, _ = err.(interface{ Retry() bool })
	f.byte(faultText)
	f.bool(again != nil && again.Retry())
	f.text(cut(err.Error()))
	in := within(err)
	if depth == 0 {
		in = nil
	}
	in = in[:max(0, min(len(in), f.left))]
	f.number(len(in))
	for _, e := range in {
		f.put(e, depth-1)
	}
}

// within are the errors that an error wraps.
func within(err error) []error {
	var in []error
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		in = []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		in = e.Unwrap()
	}
	var there []error
	for _, e := range in {
		if e != nil {
			there = append(there, e)
		}
	}
	return there
}

func cut(s string) string {
	if len(s) > maxFaultText {
		return s[:maxFaultText] + "…"
	}
	return s
}

func (w *writer) needs(needs []render.Need) {
	b, err := json.Marshal(needs)
	if err != nil { // which strings can't cause
		b = []byte("[]")
	}
	w.bytes(b)
}

func (w *writer) origin(o object.Origin) {
	w.text(o.File)
	w.number(max(o.Line, 0))
}

func (r *reader) origin() object.Origin { return object.Origin{File: r.text(), Line: r.number()} }

// fault reads an error; given finds the daemon's own by their numbers.
func (r *reader) fault(given func(number int) error) error {
	left := maxFaults * maxFaultDeep // one that promises some writes them, whatever came of those before
	err := r.oneFault(given, &left, maxFaultDeep+1)
	if err == nil {
		err = errors.New("an error without a text")
	}
	return err
}

func (r *reader) oneFault(given func(int) error, left *int, depth int) error {
	if *left--; *left < 0 || depth < 0 {
		r.fail("an error of too many errors")
		return nil
	}
	switch k := r.byte(); k {
	case faultText:
		return r.opaque(given, left, depth)
	case faultKnown:
		if n := r.number(); n < len(known()) {
			return known()[n]
		}
		r.fail("there is no such error")
	case faultAsked:
		if err := given(r.number()); err != nil {
			return err
		}
		r.fail("no such error was given")
	case faultManifest:
		return &manifest.Error{Origin: r.origin(), What: r.text(), Do: r.text()}
	case faultPanic:
		return &render.Panic{Renderer: r.text(), Value: r.text(), Stack: []byte(r.text())}
	case faultMissing:
		var m render.Missing
		r.json(&m.Needs)
		return m
	default:
		r.fail("there is no kind of error %d", k)
	}
	return nil
}

func (r *reader) opaque(given func(int) error, left *int, depth int) error {
	again := r.bool()
	t := told{text: r.text()}
	for range r.count() {
		if err := r.oneFault(given, left, depth-1); err != nil {
			t.of = append(t.of, err)
		}
		if r.err != nil {
			return nil
		}
	}
	if again {
		return &retried{t}
	}
	return &t
}
