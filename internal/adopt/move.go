package adopt

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/object"
)

// Move is how the fields of one object change hands.
type Move struct {
	From  []string       // whose fields are handed over
	Taken *fieldpath.Set // what we come to own
	ours  metav1.ManagedFieldsEntry
	keep  []metav1.ManagedFieldsEntry // the others' entries, as they stay
	given *fieldpath.Set              // what is left without an owner; see Leave
}

// MoveOf decides what of a live object is handed over, to be applied in an
// apiVersion from now on; false is nothing.
func MoveOf(live *unstructured.Unstructured, key object.Key, apiVersion string, now time.Time) (Move, bool) {
	holder := HolderOf(key, live)
	marks := markPaths(marksOf(live, holder))
	at := metav1.NewTime(now)
	m := Move{
		Taken: fieldpath.NewSet(), given: fieldpath.NewSet(),
		ours: metav1.ManagedFieldsEntry{
			Manager: object.FieldManager, Operation: metav1.ManagedFieldsOperationApply, APIVersion: apiVersion, FieldsType: "FieldsV1", Time: &at,
		},
	}
	had := fieldpath.NewSet()
	for _, e := range live.GetManagedFields() {
		switch set := fields.Set(e); {
		case fields.IsOurs(e):
			had = set
		case e.Manager == firstApply && e.Subresource == "":
			m.take(e, applied(set, live))
		case isDeployer(e, holder):
			m.take(e, set)
		case e.Subresource == "" && !set.Intersection(marks).Empty():
			m.keep = append(m.keep, withSet(e, set.Difference(marks)))
			m.take(e, set.Intersection(marks))
		default:
			m.keep = append(m.keep, e)
		}
	}
	m.Taken = m.Taken.Union(marks)
	m.ours = withSet(m.ours, had.Union(m.Taken))
	return m, len(m.From) > 0
}

// Stay is the move in which nothing changes hands.
func Stay(live *unstructured.Unstructured) Move {
	m := Move{Taken: fieldpath.NewSet(), given: fieldpath.NewSet()}
	for _, e := range live.GetManagedFields() {
		if fields.IsOurs(e) {
			m.ours = e
		} else {
			m.keep = append(m.keep, e)
		}
	}
	return m
}

func (m *Move) take(e metav1.ManagedFieldsEntry, set *fieldpath.Set) {
	m.Taken = m.Taken.Union(set.Difference(leftAlone(set)))
	if !slices.Contains(m.From, e.Manager) {
		m.From = append(m.From, e.Manager)
	}
}

// Entries are the managed fields as they are to be.
func (m Move) Entries() []metav1.ManagedFieldsEntry {
	return append(slices.Clone(m.keep), withSet(m.ours, fields.Set(m.ours).Difference(m.given)))
}

// Leave is the move without what would go: it stays, and nobody owns it. It is
// for what the server would not let go.
func (m Move) Leave(g Gone) Move {
	m.given = g.loose
	return m
}

// Gone is what an apply lets go after a move.
type Gone struct {
	Paths []fieldpath.Path // each field, or element of a list, once
	loose *fieldpath.Set   // all that nobody owns after it, down to the last field
}

// Gone finds what an apply lets go after the move: what was handed over, and is
// neither ours by it nor anyone else's. wanted is the object as that apply leaves
// it, were it not for the move.
func (m Move) Gone(live, wanted *unstructured.Unstructured) Gone {
	return m.gone(live, fields.Ours(wanted))
}

// GoneFrom is Gone where the server can't say what the apply makes of the object:
// what is declared stays.
func (m Move) GoneFrom(live *unstructured.Unstructured, declared map[string]any) Gone {
	stays := fieldpath.NewSet()
	fields.Set(m.ours).Iterate(func(p fieldpath.Path) {
		if fields.Node(declared, p) != nil {
			stays.Insert(p.Copy())
		}
	})
	m.Taken = m.Taken.Union(fields.Ours(live))
	return m.gone(live, stays)
}

// Others are the entries of those who keep what they own.
func (m Move) Others() []metav1.ManagedFieldsEntry {
	return slices.DeleteFunc(slices.Clone(m.keep), fields.IsOurs)
}

func (m Move) gone(live *unstructured.Unstructured, ours *fieldpath.Set) Gone {
	stays := []*fieldpath.Set{ours}
	for _, e := range m.keep {
		stays = append(stays, fields.Set(e))
	}
	g := Gone{loose: fieldpath.NewSet()}
	m.Taken.Iterate(func(p fieldpath.Path) {
		owned := func(set *fieldpath.Set) bool { return set.Has(p) || !below(set, p).Empty() }
		if !slices.ContainsFunc(stays, owned) && fields.Node(live.Object, p) != nil {
			g.loose.Insert(p.Copy())
		}
	})
	g.loose.Iterate(func(p fieldpath.Path) {
		element := p[len(p)-1].FieldName == nil
		if (element || below(g.loose, p).Empty()) && !inElement(g.loose, p) {
			g.Paths = append(g.Paths, p.Copy())
		}
	})
	return g
}

// inElement says whether a path leads into an element of a list that a set has.
func inElement(set *fieldpath.Set, p fieldpath.Path) bool {
	for n := 1; n < len(p); n++ {
		if p[n-1].FieldName == nil && set.Has(p[:n]) {
			return true
		}
	}
	return false
}

// below is what of a set lies below a path.
func below(set *fieldpath.Set, p fieldpath.Path) *fieldpath.Set {
	for _, step := range p {
		set = set.WithPrefix(step)
	}
	return set
}

// Without is an object without the fields at some paths, and without the maps
// and lists that nothing is left in.
func Without(o *unstructured.Unstructured, gone []fieldpath.Path) *unstructured.Unstructured {
	o = o.DeepCopy()
	for _, p := range gone {
		for n := len(p); n > 1; n-- {
			if n < len(p) && !isEmpty(fields.Node(o.Object, p[:n])) {
				break
			}
			o.Object = without(o.Object, p[:n]).(map[string]any)
		}
	}
	return o
}

func isEmpty(node any) bool {
	switch n := node.(type) {
	case map[string]any:
		return len(n) == 0
	case []any:
		return len(n) == 0
	}
	return false
}

// without removes what is at a path below a node, and returns the node.
func without(node any, p fieldpath.Path) any {
	switch n := node.(type) {
	case map[string]any:
		if p[0].FieldName == nil {
			return n
		}
		name := *p[0].FieldName
		if len(p) == 1 {
			delete(n, name)
		} else if inner, ok := n[name]; ok {
			n[name] = without(inner, p[1:])
		}
		return n
	case []any:
		i := fields.Place(p[0], n)
		switch {
		case i < 0:
			return n
		case len(p) == 1:
			return slices.Delete(n, i, i+1)
		}
		n[i] = without(n[i], p[1:])
		return n
	}
	return node
}

// restartedAt is what a restart writes into a pod template: without it, the pods
// would be made anew.
const restartedAt = "kubectl.kubernetes.io/restartedAt"

// leftAlone are the paths of a set that are taken from nobody: what others wait
// for or have asked for, and Git rarely says. They stay, without an owner. So do
// maps as such: who owns one and lets it go takes along what others put into it.
func leftAlone(set *fieldpath.Set) *fieldpath.Set {
	alone := fieldpath.NewSet()
	set.Iterate(func(p fieldpath.Path) {
		last := p[len(p)-1].FieldName
		metadata := len(p) > 1 && p[0].FieldName != nil && *p[0].FieldName == "metadata"
		switch {
		case last != nil && !below(set, p).Empty(), metadata && p[1].FieldName != nil && (*p[1].FieldName == "finalizers" || *p[1].FieldName == "ownerReferences"),
			last != nil && *last == restartedAt:
			alone.Insert(p.Copy())
		}
	})
	return alone
}

// applied are the fields of a set that kubectl wrote down as having been applied.
// Of what was there before the server kept managed fields, the rest may be a
// controller's: an autoscaler's replicas, an address that was given.
func applied(set *fieldpath.Set, live *unstructured.Unstructured) *fieldpath.Set {
	var last map[string]any
	found := fieldpath.NewSet()
	if json.Unmarshal([]byte(live.GetAnnotations()[lastApplied]), &last) != nil {
		return found
	}
	set.Iterate(func(p fieldpath.Path) {
		if fields.Node(last, p) != nil {
			found.Insert(p.Copy())
		}
	})
	return found
}

// markPaths are the paths of labels and annotations.
func markPaths(labels, annotations []string) *fieldpath.Set {
	set := fieldpath.NewSet()
	for _, name := range labels {
		set.Insert(fieldpath.MakePathOrDie("metadata", "labels", name))
	}
	for _, name := range annotations {
		set.Insert(fieldpath.MakePathOrDie("metadata", "annotations", name))
	}
	return set
}

func withSet(e metav1.ManagedFieldsEntry, set *fieldpath.Set) metav1.ManagedFieldsEntry {
	text, err := set.ToJSON()
	if err != nil {
		return e // sets that were read can be written
	}
	e.FieldsV1 = metav1.NewFieldsV1(string(text))
	return e
}

// FromText says from whom an object is taken over.
func (m Move) FromText(holder Holder) string {
	if !holder.IsZero() {
		return holder.String()
	}
	return strings.Join(m.From, ", ")
}
