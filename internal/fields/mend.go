package fields

import (
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

// Operation is one step of a JSON patch.
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Mend is a repair of lists. A hand edit can change what an element is known
// by: a port's number, a container's name. For the server that element is then
// another one, which belongs to who made it, and what is declared comes beside
// it or is refused. So the element is put back in its place first.
type Mend struct {
	Patch    []byte           // as a JSON patch; nil is nothing to do
	Elements []fieldpath.Path // what was made of declared elements
	Owner    string           // who did that
	lost     []any            // the declared elements, in the same order
}

// MendOf finds the elements of lists that the one who wrote last made of
// declared ones, which are therefore not there any more, and puts each declared
// one in the place of what was made of it. It holds only while nobody else
// changes the object.
func MendOf(live *unstructured.Unstructured, declared map[string]any) Mend {
	writer, ok := OwnersOf(live).Last()
	if !ok {
		return Mend{}
	}
	var m Mend
	var operations []Operation
	restored := map[string]bool{}
	Set(writer).Iterate(func(p fieldpath.Path) {
		list, element := p[:len(p)-1].Copy(), p[len(p)-1]
		if element.Key == nil {
			return
		}
		if _, _, ours := Element(declared, list, element); ours {
			return
		}
		_, at, there := Element(live.Object, list, element)
		lost, pointer := lostFrom(live.Object, declared, list, element, restored)
		if !there || lost == nil {
			return
		}
		restored[pointer] = true
		operations = append(operations, Operation{Op: "replace", Path: at, Value: lost})
		m.Elements, m.lost = append(m.Elements, p.Copy()), append(m.lost, lost)
	})
	if len(operations) == 0 {
		return Mend{}
	}
	// Status is written all the time; the generation counts changes of the rest.
	test := Operation{Op: "test", Path: "/metadata/resourceVersion", Value: live.GetResourceVersion()}
	if generation := live.GetGeneration(); generation > 0 {
		test = Operation{Op: "test", Path: "/metadata/generation", Value: generation}
	}
	patch, err := json.Marshal(slices.Insert(operations, 0, test))
	if err != nil {
		return Mend{} // what came as JSON always marshals
	}
	m.Patch, m.Owner = patch, writer.Manager
	return m
}

// On is the live object after the repair.
func (m Mend) On(live *unstructured.Unstructured) *unstructured.Unstructured {
	o := live.DeepCopy()
	for i, p := range m.Elements {
		list, _ := Node(o.Object, p[:len(p)-1]).([]any)
		if at := Place(p[len(p)-1], list); at >= 0 {
			list[at] = m.lost[i]
		}
	}
	return o
}

// lostFrom finds the first declared element of a list that isn't live, and its
// place in what is declared; like is any element of the list, which tells what
// elements are known by. What was restored already is passed over.
func lostFrom(live, declared map[string]any, list fieldpath.Path, like fieldpath.PathElement, restored map[string]bool) (element any, pointer string) {
	elements, _ := Node(declared, list).([]any)
	for i, e := range elements {
		m, isMap := e.(map[string]any)
		if !isMap {
			return nil, ""
		}
		pointer := fmt.Sprint(list, i)
		key := make(value.FieldList, 0, len(*like.Key))
		for _, field := range *like.Key {
			of := m[field.Name]
			if of == nil && IsDefault(field) {
				of = field.Value.Unstructured()
			}
			key = append(key, value.Field{Name: field.Name, Value: value.NewValueInterface(of)})
		}
		if _, _, there := Element(live, list, fieldpath.PathElement{Key: &key}); !there && !restored[pointer] {
			return e, pointer
		}
	}
	return nil, ""
}
