package hooks

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/internal/object"
)

// Parts are rendered objects, told apart.
type Parts struct {
	Objects []object.Object // ordinary ones
	Hooks   []Made          // those that run at some phase
	Notices []string        // what is asked for and not done
}

// Made is a rendered object that is a hook.
type Made struct {
	Object object.Object
	Hook   Hook // without Desired
}

// Split tells hooks from ordinary objects. Rendered objects are shared, so what
// is changed is a copy. It costs a look at each object's annotations.
func Split(objects []object.Object) Parts {
	p := Parts{Objects: make([]object.Object, 0, len(objects))}
	for _, o := range objects {
		p.take(o)
	}
	return p
}

func (p *Parts) take(o object.Object) {
	annotations := o.GetAnnotations()
	if len(annotations) == 0 {
		p.Objects = append(p.Objects, o)
		return
	}
	r := read(annotations)
	if _, err := Wave(annotations); err != nil {
		r.notice("%v", err)
	}
	keeps, notices := optionsOf(annotations)
	for _, notice := range append(r.notices, notices...) {
		p.Notices = append(p.Notices, fmt.Sprintf("%s: %s %s: %s", o.Origin, o.GetKind(), o.GetName(), notice))
	}
	switch {
	case r.hook == nil && keeps:
		p.Objects = append(p.Objects, kept(o))
	case r.hook == nil:
		p.Objects = append(p.Objects, o)
	case len(r.hook.Events) > 0:
		r.hook.Limit, r.hook.Generated = limitOf(o), o.GetGenerateName() != ""
		p.Hooks = append(p.Hooks, Made{Object: o, Hook: *r.hook})
	}
}

// limitOf is how long what runs to an end may take by its own word, with time for
// its controller to say so.
func limitOf(o object.Object) time.Duration {
	const saying = 30 * time.Second
	switch o.GetKind() {
	case "Job", "Pod", "Workflow": // of Argo: all say it in the same place
	default:
		return 0
	}
	seconds, given, err := unstructured.NestedInt64(o.Object, "spec", "activeDeadlineSeconds")
	if err != nil || !given || seconds <= 0 {
		return 0
	}
	return time.Duration(seconds)*time.Second + saying
}

// Nameless says whether an object has no name but what its name begins with,
// and is a hook: only these may.
func Nameless(o object.Object) bool {
	return o.GetName() == "" && o.GetGenerateName() != "" && Claims(o.GetAnnotations())
}

// Claims says whether annotations make an object a hook, or mean to.
func Claims(annotations map[string]string) bool { return read(annotations).hook != nil }

// Name gives a nameless hook a name for what it is, which a release then makes
// another one of. It changes the object.
func Name(o object.Object) {
	if Nameless(o) {
		o.SetName(o.GetGenerateName() + o.Digest()[:hashSize])
	}
}

// hashSize is how many characters end a generated name.
const hashSize = 8

// withAnnotations is a copy of an object with other annotations.
func withAnnotations(o object.Object, annotations map[string]string) object.Object {
	content := make(map[string]any, len(o.Object))
	for name, value := range o.Object {
		content[name] = value
	}
	metadata := map[string]any{}
	if before, ok := content["metadata"].(map[string]any); ok {
		for name, value := range before {
			metadata[name] = value
		}
	}
	content["metadata"] = metadata
	o.Unstructured = &unstructured.Unstructured{Object: content}
	o.SetAnnotations(annotations)
	return o
}
