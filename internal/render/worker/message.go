package worker

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/confine"
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// settings are what a worker is told once.
type settings struct {
	Limits confine.Limits `json:"limits"`
}

// order is a request as it goes over the pipe.
type order struct {
	renderer string
	path     string
	params   v1alpha1.Render
	given    given.Values
	live     bool // the target can be asked
}

// hidden are the parameters that aren't declared, and so are not in their JSON.
type hidden struct {
	Release    v1alpha1.Release
	ValuesBase string
}

// maxValues bounds the values of an App, whose manifest bounds them as well.
const maxValues = 64 << 20

func (o order) encode() ([]byte, error) {
	w := &writer{}
	w.text(o.renderer)
	w.text(o.path)
	params := o.params
	var values map[string]any
	if params.Helm != nil {
		h := *params.Helm
		values, h.Values = h.Values, nil
		params.Helm = &h
	}
	w.bool(o.live)
	for _, part := range []any{params, hidden{params.Release, params.ValuesBase}, o.given} {
		b, err := json.Marshal(part)
		if err != nil {
			return nil, err
		}
		w.bytes(b)
	}
	if err := w.value(values); err != nil { // whose numbers JSON would change
		return nil, fmt.Errorf("spec.render.helm.values: %w", err)
	}
	return w.b, nil
}

func decodeOrder(payload []byte) (order, error) {
	r := newReader(payload, maxValues)
	o := order{renderer: r.text(), path: r.text(), live: r.bool()}
	var h hidden
	r.json(&o.params)
	r.json(&h)
	r.json(&o.given)
	o.params.Release, o.params.ValuesBase = h.Release, h.ValuesBase
	values, _ := r.value().(map[string]any)
	if o.params.Helm != nil {
		o.params.Helm.Values = values
	}
	return o, r.end()
}

func (r *reader) json(into any) {
	b := r.bytes()
	if r.err != nil {
		return
	}
	if err := json.Unmarshal(b, into); err != nil {
		r.fail("%v", err)
	}
}

func (w *writer) entry(e tree.Entry) {
	w.text(e.Name)
	w.byte(byte(e.Mode))
	w.text(e.ID)
}

func (r *reader) entry() tree.Entry {
	return tree.Entry{Name: r.text(), Mode: tree.Mode(r.byte()), ID: r.text()}
}

func encodeEntries(entries []tree.Entry) []byte {
	w := &writer{}
	w.number(len(entries))
	each(entries, w.entry)
	return w.b
}

func decodeEntries(payload []byte) ([]tree.Entry, error) {
	r := newReader(payload, 0)
	n := r.count()
	entries := make([]tree.Entry, 0, min(n, fewItems))
	for range n {
		if entries = append(entries, r.entry()); r.err != nil {
			break
		}
	}
	return entries, r.end()
}

func encodeCapabilities(c render.Capabilities) []byte {
	w := &writer{}
	w.text(c.KubeVersion)
	w.texts(c.APIVersions)
	return w.b
}

func decodeCapabilities(payload []byte) (render.Capabilities, error) {
	r := newReader(payload, 0)
	c := render.Capabilities{KubeVersion: r.text(), APIVersions: r.texts()}
	return c, r.end()
}

// query is what is asked of the target.
type query struct{ apiVersion, kind, namespace, name string }

func (q query) encode() []byte {
	w := &writer{}
	each([]string{q.apiVersion, q.kind, q.namespace, q.name}, w.text)
	return w.b
}

func decodeQuery(payload []byte) (query, error) {
	r := newReader(payload, 0)
	q := query{r.text(), r.text(), r.text(), r.text()}
	return q, r.end()
}

// maxLive bounds the objects of the target that one answer holds, by their weight.
const maxLive = 128 << 20

func encodeLive(objects []map[string]any) ([]byte, error) {
	w := &writer{}
	w.number(len(objects))
	for _, o := range objects {
		if err := w.value(o); err != nil {
			return nil, err
		}
	}
	if len(w.b) > maxLive {
		return nil, fmt.Errorf("the objects have %d bytes, above the limit of %d: ask for fewer", len(w.b), maxLive)
	}
	return w.b, nil
}

func decodeLive(payload []byte) ([]map[string]any, error) {
	r := newReader(payload, 2*maxLive)
	n := r.count()
	objects := make([]map[string]any, 0, min(n, fewItems))
	for range n {
		o, is := r.value().(map[string]any)
		if !is {
			r.fail("an object that is none")
			break
		}
		objects = append(objects, o)
	}
	return objects, r.end()
}

// maxNeed bounds the description of a source.
const maxNeed = 64 << 10

func decodeNeed(payload []byte) (render.Need, error) {
	var n render.Need
	if len(payload) > maxNeed {
		return n, errGarbage
	}
	if err := json.Unmarshal(payload, &n); err != nil {
		return n, fmt.Errorf("%w: %w", errGarbage, err)
	}
	return n, nil
}

// encodeObject is an object as a worker sends it. One that no API server would
// take is said to be so here, for it wouldn't fit.
func encodeObject(w *writer, o object.Object) error {
	w.b = w.b[:0]
	w.origin(o.Origin)
	if err := w.value(o.Object); err != nil {
		return fmt.Errorf("%s: %s: %w", o.Origin, o.Key(), err)
	}
	if len(w.b) > mostFromWorker {
		return fmt.Errorf("%s: %s: has %d bytes, above the limit of %d of an API server: split it", o.Origin, o.Key(), len(w.b), render.MaxObjectBytes)
	}
	return nil
}

// decodeObject reads an object, of whose weight so much is left for all, and
// says how much is then.
func decodeObject(payload []byte, left int) (object.Object, int, error) {
	r := newReader(payload, left)
	o := object.Object{Origin: r.origin(), Unstructured: &unstructured.Unstructured{}}
	fields, is := r.value().(map[string]any)
	if !is {
		r.fail("an object that is none")
	}
	o.Object = fields
	return o, r.left, r.end()
}
