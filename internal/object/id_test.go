package object

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is read as an id is written as the same id; and what can be the parts of
// an id comes back from it.
func FuzzID(f *testing.F) {
	for _, parts := range [][4]string{
		{"apps", "Deployment", "shop", "web"}, {"", "Namespace", "", "shop"}, {"", "", "", ""}, {"a/b", "c", "d/e", "f"}, {"", "ConfigMap", "ü", "\x00"},
	} {
		f.Add(parts[0], parts[1], parts[2], parts[3])
	}
	f.Fuzz(func(t *testing.T, group, kind, namespace, name string) {
		k := Key{Group: group, Kind: kind, Namespace: namespace, Name: name}
		id := k.ID()
		got, err := ParseID(id)
		whole := kind != "" && name != "" && !strings.Contains(group+kind+namespace+name, "/")
		switch {
		case whole && err != nil:
			t.Errorf("%q can't be read back: %v", id, err)
		case whole && got != k:
			t.Errorf("%q comes back as another key:\n%s", id, cmp.Diff(k, got))
		case err == nil && got.ID() != id:
			t.Errorf("%q is read as a key whose id is %q", id, got.ID())
		case err == nil && (got.Kind == "" || got.Name == ""):
			t.Errorf("%q is taken for %+v, which is no object", id, got)
		}
	})
}
