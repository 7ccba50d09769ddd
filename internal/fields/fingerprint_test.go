package fields

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/internal/object"
)

const ownedFields = `{"f:metadata":{"f:labels":{"f:a":{},"f:b":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"web\",\"port\":80}":{".":{},"f:image":{}}},"f:set":{"v:\"x\"":{}}}}`

// entryOf is an entry in the managed fields: ours, unless a test changes it.
func entryOf(json string, change ...func(*metav1.ManagedFieldsEntry)) metav1.ManagedFieldsEntry {
	at := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	e := metav1.ManagedFieldsEntry{
		Manager: object.FieldManager, Operation: metav1.ManagedFieldsOperationApply, APIVersion: "apps/v1", FieldsType: "FieldsV1", Time: &at,
	}
	e.FieldsV1 = metav1.NewFieldsV1(json)
	for _, c := range change {
		c(&e)
	}
	return e
}

func TestTheFingerprintIsOfOurEntryAlone(t *testing.T) {
	t.Parallel()
	type entry = metav1.ManagedFieldsEntry
	by := func(manager string) func(*entry) { return func(e *entry) { e.Manager = manager } }
	update := func(e *entry) { e.Operation = metav1.ManagedFieldsOperationUpdate }
	sub := func(e *entry) { e.Subresource = "status" }
	first := Fingerprint([]entry{entryOf(ownedFields)})
	if first == 0 {
		t.Fatal("our entry has no fingerprint")
	}
	const reordered = `{"f:spec":{"f:set":{"v:\"x\"":{}},"f:containers":{"k:{\"port\":80,\"name\":\"web\"}":{"f:image":{},".":{}}}},"f:metadata":{"f:labels":{"f:b":{},"f:a":{}}}}`
	const less = `{"f:metadata":{"f:labels":{"f:a":{}}}}`
	const same, moved, none = "is the same", "has moved", "is none"
	for _, tc := range []struct {
		name    string
		entries []entry
		want    string
	}{
		{"the same", []entry{entryOf(ownedFields)}, same},
		{"fields in another order", []entry{entryOf(reordered)}, same},
		{"more space", []entry{entryOf(strings.ReplaceAll(ownedFields, ",", " , "))}, same},
		{"others before and behind", []entry{entryOf(less, by("kubectl")), entryOf(ownedFields), entryOf(ownedFields, by("hpa"), update)}, same},
		{"others' fields change", []entry{entryOf(ownedFields, by("kubectl"), update), entryOf(ownedFields)}, same},
		{"an update under our name", []entry{entryOf(less, update), entryOf(ownedFields)}, same},
		{"a status written under our name", []entry{entryOf(less, sub), entryOf(ownedFields)}, same},

		{"a field less", []entry{entryOf(strings.Replace(ownedFields, `"f:a":{},`, "", 1))}, moved},
		{"a field more", []entry{entryOf(strings.Replace(ownedFields, `"f:a":{},`, `"f:a":{},"f:c":{},`, 1))}, moved},
		{"an element of a list less", []entry{entryOf(strings.Replace(ownedFields, `"v:\"x\"":{}`, "", 1))}, moved},
		{"another element", []entry{entryOf(strings.Replace(ownedFields, `\"web\"`, `\"db\"`, 1))}, moved},
		{"another time", []entry{entryOf(ownedFields, func(e *entry) { at := metav1.NewTime(e.Time.Add(time.Second)); e.Time = &at })}, moved},
		{"no time", []entry{entryOf(ownedFields, func(e *entry) { e.Time = nil })}, moved},
		{"another version", []entry{entryOf(ownedFields, func(e *entry) { e.APIVersion = "apps/v2" })}, moved},
		{"no fields left", []entry{entryOf(`{}`)}, moved},

		{"no entries", nil, none},
		{"only others'", []entry{entryOf(ownedFields, by("kubectl")), entryOf(ownedFields, by("Plumb"))}, none},
		{"only an update under our name", []entry{entryOf(ownedFields, update)}, none},
		{"only a status under our name", []entry{entryOf(ownedFields, sub)}, none},
		{"an empty entry, as of who cleared all", []entry{{}}, none},
	} {
		got := Fingerprint(tc.entries)
		is := moved
		switch got {
		case first:
			is = same
		case 0:
			is = none
		}
		if is != tc.want {
			t.Errorf("%s: the fingerprint %s, want that it %s", tc.name, is, tc.want)
		}
	}
}

// A later Kubernetes may write what this one can't read. A change of it must
// not go unseen: the fingerprint moves, or there is none to trust.
func TestAnEntryThatCantBeReadHidesNoChange(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{`{"x:new":{"f:a":{}}}`, `{"x:new":{"f:b":{}}}`}, {`{"f:a":`, `{"f:b":`}, {`[]`, `[{}]`}, {`{"x:new":{}}`, `{}`},
	} {
		one, other := Fingerprint([]metav1.ManagedFieldsEntry{entryOf(pair[0])}), Fingerprint([]metav1.ManagedFieldsEntry{entryOf(pair[1])})
		if one == other && one != 0 {
			t.Errorf("%s and %s have one fingerprint", pair[0], pair[1])
		}
	}
}

// Any bytes may stand where the fields do; they give a fingerprint or none.
func FuzzFingerprint(f *testing.F) {
	f.Add(ownedFields)
	f.Add(`{"k:{\"a\":1}":{"v:[]":{}}}`)
	f.Add(`{"i:0":{},"f:":{}}`)
	f.Fuzz(func(t *testing.T, json string) {
		one := Fingerprint([]metav1.ManagedFieldsEntry{entryOf(json)})
		if two := Fingerprint([]metav1.ManagedFieldsEntry{entryOf(`{}`, func(e *metav1.ManagedFieldsEntry) { e.Manager = "x" }), entryOf(json)}); one != two {
			t.Errorf("the fingerprint of %q is %d and %d", json, one, two)
		}
	})
}
