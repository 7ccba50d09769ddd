package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/object"
)

// A declaration that comes, changes its folder, its name or goes takes its objects along.
func TestDeclarations(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	f.commit(map[string]string{
		"apps/one.yaml": f.app("one"), "one/a.yaml": configMap("a", "x", "1"), "one/b.yaml": configMap("b", "x", "1"),
	})
	f.start()
	f.step("one declaration c1 by Ada Author: create ConfigMap/a, create ConfigMap/b = Succeeded")
	keys := []object.Key{f.key("ConfigMap", "a"), f.key("ConfigMap", "b")}
	before := f.identities(keys)

	f.commit(map[string]string{"apps/two.yaml": f.app("two"), "two/c.yaml": configMap("c", "x", "1")})
	f.step("two declaration c2 by Ada Author: create ConfigMap/c = Succeeded")

	f.commit(map[string]string{"apps/one.yaml": f.appFrom("uno", "path: one")}) // another name
	f.step("uno declaration c3 by Ada Author: update ConfigMap/a, update ConfigMap/b = Succeeded")
	if diff := cmp.Diff(before, f.identities(keys)); diff != "" {
		t.Errorf("objects of an App with a new name were made anew (-before +after)\n%s", diff)
	}

	f.commit(map[string]string{"apps/one.yaml": f.app("uno"), "uno/a.yaml": configMap("a", "x", "2"), "one": gittest.Remove}) // another folder
	f.step("uno declaration c4 by Ada Author: prune ConfigMap/b, update ConfigMap/a = Succeeded")

	f.commit(map[string]string{"apps/two.yaml": gittest.Remove})
	f.step("two removal c5 by Ada Author: prune ConfigMap/c = Succeeded")
}
