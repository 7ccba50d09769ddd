package worker

import (
	"context"
	"encoding/json"
	"slices"

	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// desk is where a render in a worker gets what it asks for: from the daemon, and
// what was asked before from memory, for it can't have changed.
type desk struct {
	link   *link
	order  order
	broken error // the pipe, or what came through it

	files   map[string]answer[[]byte]
	folders map[string]answer[[]tree.Entry]
	stats   map[string]answer[tree.Entry]
}

type answer[T any] struct {
	value T
	err   error
}

func newDesk(l *link, o order) *desk {
	return &desk{link: l, order: o, files: map[string]answer[[]byte]{}, folders: map[string]answer[[]tree.Entry]{}, stats: map[string]answer[tree.Entry]{}}
}

// request is what the renderer gets.
func (d *desk) request() render.Request {
	r := render.Request{Files: d, Path: d.order.path, Params: d.order.params, Given: d.order.given, Need: d.need, Notice: d.notice}
	if d.order.live {
		r.Live = live{d}
	}
	return r
}

// ask puts a question, and waits for the answer.
func (d *desk) ask(k kind, question []byte) ([]byte, error) {
	if d.broken != nil {
		return nil, d.broken
	}
	payload, err := d.exchange(k, question)
	if err != nil {
		d.broken = err
		return nil, err
	}
	return payload.bytes, payload.refused
}

type reply struct {
	bytes   []byte
	refused error
}

func (d *desk) exchange(k kind, question []byte) (reply, error) {
	if err := d.link.sendNow(k, question); err != nil {
		return reply{}, err
	}
	got, payload, err := d.link.receive()
	switch {
	case err != nil:
		return reply{}, err
	case got == kindAnswer:
		return reply{bytes: payload}, nil
	case got != kindRefusal:
		return reply{}, errGarbage
	}
	r := newReader(payload, 0)
	refused := &asked{number: r.number()}
	refused.error = r.fault(func(int) error { return nil })
	return reply{refused: refused}, r.end()
}

// once answers from memory what was asked before.
func once[T any](d *desk, known map[string]answer[T], k kind, path string, decode func([]byte) (T, error)) (T, error) {
	if a, is := known[path]; is {
		return a.value, a.err
	}
	var a answer[T]
	payload, err := d.ask(k, []byte(path))
	switch {
	case err != nil:
		a.err = err
	default:
		if a.value, err = decode(payload); err != nil {
			d.broken, a.err = err, err
		}
	}
	known[path] = a
	return a.value, a.err
}

// ReadFile implements tree.Reader.
func (d *desk) ReadFile(path string) ([]byte, error) {
	return once(d, d.files, kindFile, path, func(payload []byte) ([]byte, error) { return append([]byte{}, payload...), nil })
}

// ReadDir implements tree.Reader.
func (d *desk) ReadDir(path string) ([]tree.Entry, error) {
	entries, err := once(d, d.folders, kindFolder, path, decodeEntries)
	return slices.Clone(entries), err
}

// Stat implements tree.Reader.
func (d *desk) Stat(path string) (tree.Entry, error) {
	return once(d, d.stats, kindStat, path, func(payload []byte) (tree.Entry, error) {
		r := newReader(payload, 0)
		e := r.entry()
		return e, r.end()
	})
}

func (d *desk) notice(text string) {
	if d.broken == nil {
		d.broken = d.link.send(kindNotice, []byte(cut(text)))
	}
}

func (d *desk) need(n render.Need) {
	payload, err := json.Marshal(n)
	if err == nil && d.broken == nil {
		err = d.link.send(kindNeed, payload)
	}
	if err != nil {
		d.broken = err
	}
}

// live asks the daemon about the target.
type live struct{ *desk }

// Capabilities implements render.Live.
func (l live) Capabilities(context.Context) (render.Capabilities, error) {
	payload, err := l.ask(kindCapabilities, nil)
	if err != nil {
		return render.Capabilities{}, err
	}
	c, err := decodeCapabilities(payload)
	return c, l.sound(err)
}

// Object implements render.Live.
func (l live) Object(_ context.Context, apiVersion, kind, namespace, name string) (map[string]any, error) {
	objects, err := l.find(kindLookup, query{apiVersion, kind, namespace, name})
	if err != nil || len(objects) == 0 {
		return nil, err
	}
	return objects[0], nil
}

// List implements render.Live.
func (l live) List(_ context.Context, apiVersion, kind, namespace string) ([]map[string]any, error) {
	return l.find(kindList, query{apiVersion: apiVersion, kind: kind, namespace: namespace})
}

func (l live) find(k kind, q query) ([]map[string]any, error) {
	payload, err := l.ask(k, q.encode())
	if err != nil {
		return nil, err
	}
	objects, err := decodeLive(payload)
	return objects, l.sound(err)
}

// sound takes in that an answer can't be read.
func (d *desk) sound(err error) error {
	if err != nil && d.broken == nil {
		d.broken = err
	}
	return err
}
