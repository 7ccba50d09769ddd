package discovery

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/discovery/discoverytest"
)

func crdOf(t *testing.T, name, rest string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	b, err := yaml.YAMLToJSON([]byte("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: " + name + "}\n" + rest))
	if err == nil {
		err = u.UnmarshalJSON(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}

const (
	nuts   = "spec: {group: example.com, names: {kind: Nut}, versions: [{name: v1, served: true}, {name: v1beta1, served: false}]}\n"
	onward = "status: {conditions: [{type: NamesAccepted, status: 'True'}, {type: Established, status: 'True'}]}\n"
	notyet = "status: {conditions: [{type: Established, status: 'False'}]}\n"
)

// Only what changes the cluster's kinds is told.
func TestWhatOfCRDsIsTold(t *testing.T) {
	t.Parallel()
	d := &definitions{known: map[string][]schema.GroupVersionKind{}, changed: make(chan struct{}, 1)}
	nut := []schema.GroupVersionKind{{Group: "example.com", Version: "v1", Kind: "Nut"}}
	for _, tc := range []struct {
		what  string
		do    func() error
		told  bool
		known []schema.GroupVersionKind
	}{
		{"one without a status", func() error { return d.Add(crdOf(t, "nuts", nuts)) }, false, nil},
		{"one that is being established", func() error { return d.Update(crdOf(t, "nuts", nuts+notyet)) }, false, nil},
		{"one that is established", func() error { return d.Update(crdOf(t, "nuts", nuts+onward)) }, true, nut},
		{"the same again", func() error { return d.Update(crdOf(t, "nuts", nuts+onward)) }, false, nut},
		{"what is no CRD", func() error { return d.Update("nonsense") }, false, nut},
		{"a list with it", func() error { return d.Replace([]any{crdOf(t, "nuts", nuts+onward)}, "7") }, false, nut},
		{"a list without it", func() error { return d.Replace(nil, "8") }, true, nil},
		{"a list that was reduced", func() error { return d.Replace([]any{reduced(crdOf(t, "nuts", nuts+onward))}, "9") }, true, nut},
		{"it goes", func() error { return d.Delete(crdOf(t, "nuts", nuts+onward)) }, true, nil},
		{"a broken one", func() error { return d.Add(crdOf(t, "x", "spec: {versions: [7, {name: 3}]}\n"+onward)) }, false, nil},
	} {
		if err := tc.do(); err != nil {
			t.Errorf("%s: %v", tc.what, err)
		}
		told := false
		select {
		case <-d.changed:
			told = true
		default:
		}
		if diff := cmp.Diff(tc.known, d.known["nuts"]); diff != "" || told != tc.told {
			t.Errorf("%s: told is %v, want %v; known (-want +got)\n%s", tc.what, told, tc.told, diff)
		}
	}
}

// A CRD is established some time before the server tells of its kind.
func TestAKindThatIsLate(t *testing.T) {
	t.Parallel()
	a := discoverytest.New(t, true)
	k := New(a.Client(t), Options{})
	d := &definitions{known: map[string][]schema.GroupVersionKind{}, changed: make(chan struct{}, 1)}
	if err := d.Add(crdOf(t, "nuts", nuts+onward)); err != nil {
		t.Fatal(err)
	}
	if !k.lacks(t.Context(), d) {
		t.Error("nothing is missing, though nobody serves Nuts")
	}
	a.Change(func() {
		a.Kinds["example.com/v1"] = append(a.Kinds["example.com/v1"], discoverytest.Resource{Name: "nuts", Kind: "Nut", Verbs: discoverytest.EveryVerb()})
	})
	k.Expire()
	if k.lacks(t.Context(), d) {
		t.Error("something is missing, though Nuts are served")
	}
}
