package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"time"

	"plumb.dev/plumb/internal/confine"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
)

// Argument is what the program is started with to be a worker.
const Argument = "render-worker"

// The exit codes of a worker, beside those of package confine.
const (
	exitDone   = 0
	exitBroken = 1 // what it was sent can't be read
	exitUsage  = 3 // it was not started by a Pool
)

// Serve is the main function of a worker: it renders what it is asked to until
// nobody asks any more. It says false where the arguments are not those of one.
// It must come before any other set-up: what a worker has when it starts is
// what a render that breaks out of it would find.
func Serve(args []string, renderers func() []render.Renderer) (code int, is bool) {
	if len(args) != 2 || args[1] != Argument {
		return 0, false
	}
	in, out, ok := confine.Pipes()
	if !ok {
		return exitUsage, true
	}
	// One render at a time needs one processor; several workers use the others.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(gcPercent)
	s := &server{link: newLink(in, out, mostFromDaemon), renderers: renderers()}
	if err := s.run(); err != nil && !errors.Is(err, io.EOF) {
		return exitBroken, true
	}
	return exitDone, true
}

// gcPercent lets garbage grow further than usual: a worker is small, so it would
// be collected again and again during one render.
const gcPercent = 400

// restAfter is the time without work after which memory is given back.
const restAfter = 2 * time.Second

// server is a worker at work.
type server struct {
	*link
	renderers []render.Renderer
	limits    confine.Limits
	w         writer
}

func (s *server) run() error {
	if err := s.enter(); err != nil {
		return err
	}
	rest := time.AfterFunc(restAfter, debug.FreeOSMemory)
	for {
		k, payload, err := s.receive()
		rest.Stop()
		if err != nil {
			return err
		}
		if k != kindRequest {
			return errGarbage
		}
		o, err := decodeOrder(payload)
		if err != nil {
			return err
		}
		if err := s.serve(o); err != nil {
			return err
		}
		rest.Reset(restAfter)
	}
}

// enter takes in the settings, and confines the process.
func (s *server) enter() error {
	k, payload, err := s.receive()
	if err != nil {
		return err
	}
	var given settings
	if err := json.Unmarshal(payload, &given); k != kindSettings || err != nil {
		return errGarbage
	}
	s.limits = given.Limits
	report, err := json.Marshal(confine.Enter(s.limits))
	if err != nil {
		return err
	}
	return s.sendNow(kindReady, report)
}

// serve does one render.
func (s *server) serve(o order) error {
	defer s.limits.Watch()()
	desk := newDesk(s.link, o)
	objects, err := s.render(desk)
	if err == nil {
		err = countable(objects)
	}
	if desk.broken != nil {
		return desk.broken
	}
	for i := 0; err == nil && i < len(objects); i++ {
		if err = encodeObject(&s.w, objects[i]); err != nil {
			break
		}
		if broken := s.send(kindObject, s.w.b); broken != nil {
			return broken
		}
	}
	if err != nil {
		w := &writer{}
		w.fault(err)
		return s.sendNow(kindFailed, w.b)
	}
	return s.sendNow(kindDone, nil)
}

// countable says whether there are too many objects to send.
func countable(objects []object.Object) error {
	if len(objects) > render.MaxObjects {
		return fmt.Errorf("there are %d objects, above the limit of %d: split the App", len(objects), render.MaxObjects)
	}
	return nil
}

// render calls the renderer. A panic ends the render, and not the worker.
func (s *server) render(d *desk) (objects []object.Object, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &render.Panic{Renderer: d.order.renderer, Value: v, Stack: debug.Stack()}
		}
	}()
	for _, r := range s.renderers {
		if r.Name() == d.order.renderer {
			return r.Render(context.Background(), d.request())
		}
	}
	return nil, fmt.Errorf("there is no renderer %q in the worker", d.order.renderer)
}
