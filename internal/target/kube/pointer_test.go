package kube

import (
	"testing"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

func TestPointerOf(t *testing.T) {
	t.Parallel()
	for want, path := range map[string]fieldpath.Path{
		"/spec/replicas": fieldpath.MakePathOrDie("spec", "replicas"),
		"/spec/template/spec/containers/*/image": fieldpath.MakePathOrDie("spec", "template", "spec", "containers",
			fieldpath.KeyByFields("name", "web"), "image"),
		"/metadata/annotations/example.com~1owner": fieldpath.MakePathOrDie("metadata", "annotations", "example.com/owner"),
		"/spec/finalizers/*":                       fieldpath.MakePathOrDie("spec", "finalizers", 0),
	} {
		if got := pointerOf(path); got != want {
			t.Errorf("the pointer of %s is %s, want %s", path, got, want)
		}
	}
}
