package fields

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"
)

func TestTextTellsNoMoreThanMayBeShown(t *testing.T) {
	t.Parallel()
	secret := value.NewValueInterface("secret")
	shown := map[string]any{
		"hidden": 1,
		"users":  []any{map[string]any{"name": "ada"}},
		"set":    []any{"a"},
	}
	for want, p := range map[string]fieldpath.Path{
		"users[name=\"ada\"].name": fieldpath.MakePathOrDie("users", fieldpath.KeyByFields("name", "ada"), "name"),
		"users[*].name":            fieldpath.MakePathOrDie("users", fieldpath.KeyByFields("name", "secret"), "name"),
		"set[*]":                   fieldpath.MakePathOrDie("set", fieldpath.PathElement{Value: &secret}),
		"hidden":                   fieldpath.MakePathOrDie("hidden", "secret", "more"),
		"gone.a":                   fieldpath.MakePathOrDie("gone", "a"),
	} {
		if got := Text(Visible(p, shown), shown); got != want {
			t.Errorf("%s is told as %s, want %s", p, got, want)
		}
	}
}

func owning(manager, fields string) metav1.ManagedFieldsEntry {
	return entryOf(fields, func(e *metav1.ManagedFieldsEntry) { e.Manager = manager })
}

func TestOwners(t *testing.T) {
	t.Parallel()
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetManagedFields([]metav1.ManagedFieldsEntry{
		entryOf(`{"f:spec":{"f:replicas":{}}}`),
		owning("ada", `{"f:spec":{"f:list":{"k:{\"name\":\"web\"}":{".":{},"f:image":{}}},"f:args":{}}}`),
		owning("hpa", `{"f:status":{"f:x":{}}}`),
	})
	owners := OwnersOf(o)
	for _, tc := range []struct {
		path fieldpath.Path
		want string
	}{
		{fieldpath.MakePathOrDie("spec", "list", fieldpath.KeyByFields("name", "web"), "image"), "ada"},
		{fieldpath.MakePathOrDie("spec", "list", fieldpath.KeyByFields("name", "web")), "ada"},
		{fieldpath.MakePathOrDie("spec", "list"), "ada"},
		{fieldpath.MakePathOrDie("spec", "args", 0), "ada"}, // of a list that is owned as a whole
		{fieldpath.MakePathOrDie("spec", "list", fieldpath.KeyByFields("name", "web"), "env"), ""},
		{fieldpath.MakePathOrDie("spec", "list", fieldpath.KeyByFields("name", "db")), ""},
		{fieldpath.MakePathOrDie("spec", "replicas"), ""},
		{fieldpath.MakePathOrDie("status", "x"), "hpa"},
	} {
		if e, ok := owners.Of(tc.path); e.Manager != tc.want || ok != (tc.want != "") {
			t.Errorf("%s is owned by %q", tc.path, e.Manager)
		}
	}
	if !Touches(Ours(o), fieldpath.MakePathOrDie("spec", "replicas")) || Touches(Ours(o), fieldpath.MakePathOrDie("spec", "args")) {
		t.Error("what is ours isn't told")
	}
	keys := Keys(o)
	if got := keys(fieldpath.MakePathOrDie("spec", "list")); len(got) != 1 || got[0] != "name" || keys(fieldpath.MakePathOrDie("spec")) != nil {
		t.Errorf("the list's keys are %v", got)
	}
}
