package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

func TestValues(t *testing.T) {
	t.Parallel()
	for _, want := range []any{
		nil, true, false, int64(math.MinInt64), int64(math.MaxInt64), int(-5), uint64(math.MaxUint64), 1.5, math.Inf(1), "", "x\x00y\xff", []any{}, []any(nil), map[string]any{}, map[string]any(nil),
		map[string]any{"a": []any{nil, map[string]any{"": 1.0, "b": int64(1)}, []any{[]any{}}}, "c": "d"},
	} {
		w := &writer{}
		if err := w.value(want); err != nil {
			t.Fatal(err)
		}
		r := newReader(w.b, 1<<20)
		if got := r.value(); !reflect.DeepEqual(got, want) || r.end() != nil {
			t.Errorf("%#v became %#v, %v", want, got, r.err)
		}
		for n := range w.b { // whatever is missing is seen
			r := newReader(w.b[:n], 1<<20)
			if r.value(); r.end() == nil && !strings.Contains(fmt.Sprintf("%#v", want), "map") {
				t.Errorf("%#v can be read from %d of %d bytes", want, n, len(w.b))
			}
		}
	}
	if err := (&writer{}).value(map[string]any{"a": []any{json.Number("1")}}); err == nil {
		t.Error("a number that is text went through")
	}
}

func TestTooMuch(t *testing.T) {
	t.Parallel()
	deep := &writer{}
	for range maxDepth + 1 {
		deep.byte(tagList)
		deep.number(2)
	}
	deep.byte(tagNil)
	heavy := &writer{}
	if err := heavy.value([]any{strings.Repeat("x", 1000), "y"}); err != nil {
		t.Fatal(err)
	}
	claims := &writer{} // lists in lists, each of which claims as many items as there are bytes
	for i := range 1000 {
		claims.byte(tagList)
		claims.number(3 * (1000 - i))
	}
	for name, test := range map[string]struct {
		payload []byte
		weight  int
		want    error
	}{
		"deep":   {deep.b, 1 << 20, errGarbage},
		"heavy":  {heavy.b, 900, errHeavy},
		"claims": {claims.b, 1 << 20, errGarbage},
		"number": {[]byte{tagInt64, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 100, errGarbage},
		"kind":   {[]byte{99}, 100, errGarbage},
		"more":   {[]byte{tagNil, tagNil}, 100, errGarbage},
	} {
		r := newReader(test.payload, test.weight)
		if r.value(); !errors.Is(r.end(), test.want) {
			t.Errorf("%s: got %v", name, r.err)
		}
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	var pipe bytes.Buffer
	l := newLink(&pipe, &pipe, 1<<20)
	sizes := []int{0, 1, 20 << 10, 1 << 20, 3, 300 << 10}
	for i, size := range sizes {
		if err := l.send(kind(i), bytes.Repeat([]byte{byte(i)}, size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.sendNow(kindDone, make([]byte, 1<<20+1)); err != nil {
		t.Fatal(err)
	}
	for i, size := range sizes {
		k, payload, err := l.receive()
		if k != kind(i) || err != nil || len(payload) != size || bytes.Count(payload, []byte{byte(i)}) != size {
			t.Errorf("frame %d is of the kind %d and has %d bytes, %v", i, k, len(payload), err)
		}
	}
	if _, _, err := l.receive(); !errors.Is(err, errGarbage) {
		t.Errorf("a frame above the limit gives %v", err)
	}
	if _, _, err := newLink(strings.NewReader("O\xff\x00\x00\x00x"), io.Discard, 1<<20).receive(); err == nil {
		t.Error("a frame that is cut short was read")
	}
}

// fill sets every field of a value to something, so that what is lost on the
// way shows.
func fill(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), depth)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), depth)
		fill(v.Index(1), depth)
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value, depth)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), value)
	case reflect.Interface:
		v.Set(reflect.ValueOf(map[string]any{"int": int64(5), "float": 5.0, "text": "5", "list": []any{nil, true}}))
	case reflect.String:
		v.SetString(fmt.Sprint("text", depth))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(8)
	}
}

// A field that is added to the parameters must go over the pipe, declared or not.
func TestOrder(t *testing.T) {
	t.Parallel()
	var want order
	want.renderer, want.path, want.live = "helm", "a/b", true
	fill(reflect.ValueOf(&want.params).Elem(), 0)
	fill(reflect.ValueOf(&want.given).Elem(), 0)
	for _, o := range []order{want, {}, {params: v1alpha1.Render{Helm: &v1alpha1.Helm{}}, given: given.Values{}}} {
		payload, err := o.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeOrder(payload)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(o, got, cmp.AllowUnexported(order{})); diff != "" {
			t.Errorf("(-sent +received)\n%s", diff)
		}
	}
	if _, err := (order{params: v1alpha1.Render{Helm: &v1alpha1.Helm{Values: map[string]any{"a": struct{}{}}}}}).encode(); err == nil {
		t.Error("values that can't be sent are no error")
	}
}

// Renders get nothing that the pool doesn't know of.
func TestRequestIsKnown(t *testing.T) {
	t.Parallel()
	known := []string{"Files", "Path", "Params", "Given", "Live", "Need", "Notice"}
	var fields []string
	for f := range reflect.TypeFor[render.Request]().Fields() {
		fields = append(fields, f.Name)
	}
	if diff := cmp.Diff(known, fields); diff != "" {
		t.Errorf("the fields of a request (-sent +there are): let them go over the pipe\n%s", diff)
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	entries := []tree.Entry{{Name: "a", Mode: tree.Folder}, {Name: "b", Mode: tree.Link, ID: "1"}}
	if got, err := decodeEntries(encodeEntries(entries)); err != nil || !cmp.Equal(got, entries) {
		t.Errorf("got %v, %v", got, err)
	}
	can := render.Capabilities{KubeVersion: "v1", APIVersions: []string{"v1", "apps/v1"}}
	if got, err := decodeCapabilities(encodeCapabilities(can)); err != nil || !cmp.Equal(got, can) {
		t.Errorf("got %v, %v", got, err)
	}
	q := query{"v1", "Pod", "a", "b"}
	if got, err := decodeQuery(q.encode()); err != nil || got != q {
		t.Errorf("got %v, %v", got, err)
	}
	live := []map[string]any{{"a": int64(1)}, {}}
	payload, err := encodeLive(live)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeLive(payload); err != nil || !cmp.Equal(got, live) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := decodeNeed([]byte(`{"git":`)); !errors.Is(err, errGarbage) {
		t.Errorf("got %v", err)
	}
	w := &writer{}
	o := object.Object{Origin: object.Origin{File: "a", Line: 3}, Unstructured: &unstructured.Unstructured{Object: live[0]}}
	if err := encodeObject(w, o); err != nil {
		t.Fatal(err)
	}
	if got, left, err := decodeObject(w.b, 100); err != nil || got.Origin != o.Origin || !cmp.Equal(got.Object, o.Object) || left != 100-8-2-5 {
		t.Errorf("got %v, %d, %v", got, left, err)
	}
}

type again struct{ error }

func (again) Retry() bool { return true }

func TestFaults(t *testing.T) {
	t.Parallel()
	own := errors.New("the daemon's own")
	var deep error = tree.ErrLoop
	for range 500 {
		deep = fmt.Errorf("x%w", deep)
	}
	wide := make([]error, 5000)
	for i := range wide {
		wide[i] = fmt.Errorf("%d: %w", i, tree.ErrLoop)
	}
	for name, test := range map[string]struct {
		err error
		is  func(error) bool
	}{
		"known":   {tree.ErrOutside, func(err error) bool { return err == tree.ErrOutside }},
		"wrapped": {fmt.Errorf("a: %w", fmt.Errorf("b: %w", tree.ErrLFS)), func(err error) bool { return errors.Is(err, tree.ErrLFS) && !errors.Is(err, tree.ErrLoop) }},
		"several": {fmt.Errorf("%w, %w", render.ErrRead, context.Canceled), func(err error) bool { return errors.Is(err, render.ErrRead) && errors.Is(err, context.Canceled) }},
		"joined": {errors.Join(&manifest.Error{What: "a"}, tree.ErrFolder), func(err error) bool {
			var e *manifest.Error
			return errors.As(err, &e) && errors.Is(err, tree.ErrFolder)
		}},
		"own":      {fmt.Errorf("c: %w", &asked{7, own}), func(err error) bool { return errors.Is(err, own) }},
		"panic":    {&render.Panic{Renderer: "x", Value: 3, Stack: []byte("s")}, func(err error) bool { var p *render.Panic; return errors.As(err, &p) && string(p.Stack) == "s" }},
		"missing":  {render.Missing{Needs: []render.Need{{}}}, func(err error) bool { var m render.Missing; return errors.As(err, &m) && len(m.Needs) == 1 }},
		"again":    {fmt.Errorf("a: %w", again{own}), func(err error) bool { var r interface{ Retry() bool }; return errors.As(err, &r) && r.Retry() }},
		"deep":     {deep, func(err error) bool { return true }},
		"wide":     {errors.Join(wide...), func(err error) bool { return errors.Is(err, tree.ErrLoop) }},
		"deadline": {context.DeadlineExceeded, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
	} {
		w := &writer{}
		w.fault(test.err)
		r := newReader(w.b, 0)
		got := r.fault(func(n int) error {
			if n == 7 {
				return own
			}
			return nil
		})
		if err := r.end(); err != nil || got.Error() != test.err.Error() && name != "wide" || !test.is(got) || !test.is(test.err) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	s := subject{renderer: "helm", path: "", memory: 1 << 30}
	for name, test := range map[string]struct {
		death death
		again bool
		read  bool
		text  string
	}{
		"memory, fresh":  {death{fresh: true, end: endOf(true, false, "")}, false, false, "the render of the repository's top used more than 1024 MiB of memory"},
		"memory, used":   {death{end: endOf(true, false, "")}, true, false, "used more than 1024 MiB"},
		"memory, judged": {death{fresh: true, reason: reasonMemory}, false, false, "used more than 1024 MiB"},
		"stack":          {death{end: endOf(false, true, "")}, false, false, "went deeper than 128 MiB"},
		"time":           {death{reason: reasonTime, end: endOf(false, false, "signal: killed")}, false, true, "took longer"},
		"outside":        {death{end: endOf(false, false, "signal: killed")}, true, true, "was cut short 2 times by someone outside (signal: killed)"},
		"garbage":        {death{garbage: true, broken: errGarbage, end: endOf(false, false, "signal: killed")}, true, false, "broke down on these files: its process ended, it sent what can't be read"},
		"code":           {death{}, true, false, "its process ended, exit code 0"},
	} {
		err := s.fault(test.death)
		if test.death.again() != test.again || errors.Is(err, render.ErrRead) != test.read || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: again %v, %v", name, test.death.again(), err)
		}
	}
	for failures, want := range map[int]string{0: "0s", 1: "0s", 2: "1s", 4: "4s", 50: "1m4s"} {
		if got := rest(failures).String(); got != want {
			t.Errorf("after %d failures: %s", failures, got)
		}
	}
}
