package fields

import (
	"testing"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

func TestPointerOf(t *testing.T) {
	t.Parallel()
	declared := map[string]any{"spec": map[string]any{
		"finalizers": []any{"a"},
		"ports":      []any{map[string]any{"port": int64(80)}, map[string]any{"port": int64(443), "protocol": "UDP"}},
		"template":   map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "side"}, map[string]any{"name": "web"}}}},
	}}
	for want, path := range map[string]fieldpath.Path{
		"/spec/replicas": fieldpath.MakePathOrDie("spec", "replicas"),
		"/spec/template/spec/containers/1/image": fieldpath.MakePathOrDie("spec", "template", "spec", "containers",
			fieldpath.KeyByFields("name", "web"), "image"),
		"/spec/template/spec/containers/*/image": fieldpath.MakePathOrDie("spec", "template", "spec", "containers",
			fieldpath.KeyByFields("name", "other"), "image"),
		"/spec/template/spec/containers/0":         fieldpath.MakePathOrDie("spec", "template", "spec", "containers", fieldpath.KeyByFields("name", "side"), "name"),
		"/spec/ports/0/nodePort":                   fieldpath.MakePathOrDie("spec", "ports", fieldpath.KeyByFields("port", 80, "protocol", "TCP"), "nodePort"),
		"/spec/ports/1":                            fieldpath.MakePathOrDie("spec", "ports", fieldpath.KeyByFields("port", 443, "protocol", "UDP"), "port"),
		"/metadata/annotations/example.com~1owner": fieldpath.MakePathOrDie("metadata", "annotations", "example.com/owner"),
		"/spec/finalizers/*":                       fieldpath.MakePathOrDie("spec", "finalizers", 0),
	} {
		if got := Pointer(path, declared); got != want {
			t.Errorf("the pointer of %s is %s, want %s", path, got, want)
		}
	}
}
