package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/object"
)

// Manifests that people use, over HTTP, through what happens to them: delivered, changed, moved, tampered with, deleted.
func TestRealInput(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	f.serveHTTP()
	f.provideStorage(len(stages))
	f.ownNamespaces(stages...)

	f.deliver()
	f.changeLines()
	f.addAndRemoveObjects()
	f.moveObjects()
	for _, h := range f.hands() {
		f.byHand(h)
	}
	f.deleteByHand()
	f.endEnvironment()
}

// stages are the overlays of podinfo, each a namespace too.
var stages = []string{"dev", "staging", "production"}

// inputs is the folder of the manifests: well-known ones where they are, or our own with the same objects.
func inputs(t testing.TB) string {
	t.Helper()
	beside := filepath.Join("..", "..", "..", "shared", "inputs")
	if _, err := os.Stat(filepath.Join(beside, "podinfo")); err == nil {
		return beside
	}
	return "testdata"
}

func (f *fleet) deliver() {
	f.t.Helper()
	files := together(folder(f.t, filepath.Join(inputs(f.t), "guestbook"), "guestbook"), folder(f.t, filepath.Join(inputs(f.t), "podinfo"), "podinfo"),
		folder(f.t, filepath.Join("testdata", "extras"), "extras"),
		map[string]string{"apps/guestbook.yaml": f.app("guestbook"), "apps/extras.yaml": f.app("extras")})
	for _, stage := range stages {
		files["apps/"+stage+".yaml"] = f.appFrom(stage, "path: podinfo/overlays/"+stage)
	}
	f.commit(files)
	f.start()
	d := f.inLine()
	of := map[string]int{}
	for _, o := range d.objects {
		of[o.app.Name]++
	}
	if of["guestbook"] != 6 || of["dev"] < 20 || of["dev"] != of["production"] {
		f.t.Fatalf("the inputs are not what they should be: %v", of)
	}
	stage := fmt.Sprintf("%d changes", of["dev"])
	f.tells("guestbook declaration c1 by Ada Author: 6 changes = Succeeded", "extras declaration c1 by Ada Author: 7 changes = Succeeded",
		"dev declaration c1 by Ada Author: "+stage+" = Succeeded", "staging declaration c1 by Ada Author: "+stage+" = Succeeded",
		"production declaration c1 by Ada Author: "+stage+" = Succeeded")
}

// changeLines changes one line of one App, and then one of a base that three Apps share.
func (f *fleet) changeLines() {
	f.t.Helper()
	f.commit(f.edited("guestbook/frontend-deployment.yaml", `(image: .*):v5`, "$1:v6"))
	f.step("guestbook commit c2 by Ada Author: update Deployment/frontend = Succeeded")

	f.commit(map[string]string{"podinfo/bases/cache/redis.conf": "maxmemory 48mb\n"})
	const what = " commit c3 by Ada Author: create ConfigMap/redis-config-*, prune ConfigMap/redis-config-*, update Deployment/cache = Succeeded"
	f.step("dev"+what, "staging"+what, "production"+what)
}

func (f *fleet) addAndRemoveObjects() {
	f.t.Helper()
	f.commit(map[string]string{"guestbook/redis-replica-service.yaml": gittest.Remove})
	f.step("guestbook commit c4 by Ada Author: prune Service/redis-replica = Succeeded")

	f.commit(map[string]string{"guestbook/notes.yaml": configMap("notes", "text", "hello")})
	f.step("guestbook commit c5 by Ada Author: create ConfigMap/notes = Succeeded")
}

// moveObjects moves objects from one App to another, which takes them over as they are.
func (f *fleet) moveObjects() {
	f.t.Helper()
	keys := []object.Key{f.key("Deployment.apps", "frontend"), f.key("Service", "frontend")}
	before := f.identities(keys)
	f.commit(map[string]string{
		"apps/pages.yaml":       f.app("pages"),
		"pages/deployment.yaml": f.file("guestbook/frontend-deployment.yaml"), "guestbook/frontend-deployment.yaml": gittest.Remove,
		"pages/service.yaml": f.file("guestbook/frontend-service.yaml"), "guestbook/frontend-service.yaml": gittest.Remove,
	})
	f.step("pages declaration c6 by Ada Author: update Deployment/frontend, update Service/frontend = Succeeded")
	if diff := cmp.Diff(before, f.identities(keys)); diff != "" {
		f.t.Errorf("objects that moved from one App to another were made anew (-before +after)\n%s", diff)
	}
}

// endEnvironment removes an App. The namespace that it declares is its last, and is kept: all that others have put there would go with it.
func (f *fleet) endEnvironment() {
	f.t.Helper()
	objects := 0
	for _, o := range f.says().objects {
		if o.app.Name == "staging" {
			objects++
		}
	}
	const kept = "Namespace/staging: is there, and Git does not say so"
	f.commit(map[string]string{"apps/staging.yaml": gittest.Remove})
	f.inLine(kept)
	f.tells(fmt.Sprintf("staging removal c7 by Ada Author: %d changes = Succeeded", objects-1))

	f.restart()
	f.inLine(kept)
	f.tells()
}

// identities are the UIDs that the server gave to objects.
func (f *fleet) identities(keys []object.Key) map[object.Key]string {
	f.t.Helper()
	all := map[object.Key]string{}
	for _, key := range keys {
		all[key] = string(f.live(key).GetUID())
	}
	return all
}

// provideStorage makes volumes for claims, which this cluster has nobody else to do for.
func (f *fleet) provideStorage(volumes int) {
	f.t.Helper()
	resource := f.cluster.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumes"})
	for range volumes {
		o := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "PersistentVolume", "metadata": map[string]any{"generateName": f.namespace + "-"},
			"spec": map[string]any{
				"capacity": map[string]any{"storage": "1Gi"}, "accessModes": []any{"ReadWriteOnce"},
				"hostPath": map[string]any{"path": "/nonexistent"},
			},
		}}
		made, err := resource.Create(f.t.Context(), o, metav1.CreateOptions{})
		if err != nil {
			f.t.Fatal(err)
		}
		f.t.Cleanup(func() { _ = resource.Delete(context.Background(), made.GetName(), metav1.DeleteOptions{}) })
	}
}

// ownNamespaces lets Apps make these namespaces: an earlier run of the test has them no more, and they go when this one ends.
func (f *fleet) ownNamespaces(names ...string) {
	f.t.Helper()
	for _, name := range names {
		key := object.Key{Kind: "Namespace", Name: name}
		until(f.t, func() string {
			if f.cluster.at(f.t, key) != nil {
				return "there is a namespace " + name + " already"
			}
			return ""
		})
		namespaces := f.cluster.of(f.t, key.GroupKind().WithVersion("v1"), "")
		f.t.Cleanup(func() { _ = namespaces.Delete(context.Background(), name, metav1.DeleteOptions{}) })
	}
}
