package worker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"testing"

	"plumb.dev/plumb/internal/confine"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

func endOf(memory, stack bool, signal string) confine.End {
	return confine.End{Memory: memory, Stack: stack, Signal: signal}
}

type noClock struct{}

func (noClock) pause() func() { return func() {} }

type nothing struct{}

func (nothing) Capabilities(context.Context) (render.Capabilities, error) {
	return render.Capabilities{}, nil
}

func (nothing) Object(context.Context, string, string, string, string) (map[string]any, error) {
	return nil, nil
}

func (nothing) List(context.Context, string, string, string) ([]map[string]any, error) {
	return nil, errors.New("no")
}

// FuzzTalk is a worker that says anything: the daemon comes to an end with it,
// and to nothing beyond its bounds.
func FuzzTalk(f *testing.F) {
	var sound bytes.Buffer
	l := newLink(nil, &sound, 0)
	w := &writer{}
	w.origin(object.Origin{File: "a", Line: 1})
	_ = w.value(map[string]any{"a": []any{nil, int64(1), 1.5, "x", map[string]any{}}})
	_ = l.send(kindFile, []byte("a"))
	_ = l.send(kindStat, []byte("none"))
	_ = l.send(kindFolder, nil)
	_ = l.send(kindCapabilities, nil)
	_ = l.send(kindLookup, query{"v1", "Pod", "a", "b"}.encode())
	_ = l.send(kindList, query{"v1", "Pod", "a", ""}.encode())
	_ = l.send(kindNeed, []byte(`{"git":{"url":"x"}}`))
	_ = l.send(kindNotice, []byte("x"))
	_ = l.send(kindObject, w.b)
	_ = l.sendNow(kindDone, nil)
	f.Add(sound.Bytes())
	sound.Reset()
	failed := &writer{}
	failed.fault(errors.Join(tree.ErrFolder, &render.Panic{}, render.Missing{}, &asked{0, tree.ErrNotFound}))
	_ = l.send(kindFile, []byte("none"))
	_ = l.sendNow(kindFailed, failed.b)
	f.Add(sound.Bytes())
	f.Fuzz(func(t *testing.T, said []byte) {
		talk := &talk{
			link: newLink(bytes.NewReader(said), io.Discard, mostFromWorker), clock: noClock{},
			request: render.Request{Files: treetest.New(map[string]string{"a": "b", "c/d": "e"}), Live: nothing{}, Need: func(render.Need) {}, Notice: func(string) {}},
		}
		objects, err, broken := talk.run(t.Context(), "x")
		if broken != nil && (objects != nil || err != nil) {
			t.Errorf("it is broken, and yet there are %d objects and %v", len(objects), err)
		}
		for _, o := range objects {
			_ = o.Key() // which must not panic
		}
	})
}

// FuzzOrder is a daemon that sends anything.
func FuzzOrder(f *testing.F) {
	var o order
	fill(reflect.ValueOf(&o.params).Elem(), 0)
	payload, err := o.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Fuzz(func(t *testing.T, payload []byte) {
		if o, err := decodeOrder(payload); err == nil {
			if _, err := o.encode(); err != nil {
				t.Error(err)
			}
		}
		_, _ = decodeEntries(payload)
		_, _ = decodeLive(payload)
		_, _ = decodeCapabilities(payload)
		r := newReader(payload, 1<<20)
		_ = r.fault(func(int) error { return nil })
	})
}
