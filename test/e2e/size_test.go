package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/status"
)

// A repository of 100,000 files is delivered from, and so is a commit that touches 10,000 of them; what it doesn't concern stays as it is.
func TestManyFiles(t *testing.T) {
	t.Parallel()
	const all, touched = 100_000, 10_000
	f := newFleet(t, controlplanetest.Shared(t))
	files := map[string]string{
		"apps/one.yaml": f.app("one"), "one/a.yaml": configMap("a", "x", "1"),
		"apps/two.yaml": f.app("two"), "two/b.yaml": configMap("b", "x", "1"),
	}
	for i := range all {
		files[manyPath(i)] = fmt.Sprintf("number: %d\n", i)
	}
	f.commit(files)
	began := time.Now()
	f.start()
	f.step("one declaration c1 by Ada Author: create ConfigMap/a = Succeeded", "two declaration c1 by Ada Author: create ConfigMap/b = Succeeded")
	t.Logf("%d files were read, and in line, after %s", all, time.Since(began).Round(time.Millisecond))

	files = map[string]string{"one/a.yaml": configMap("a", "x", "2")}
	for i := range touched {
		files[manyPath(i)] = fmt.Sprintf("another number: %d\n", i)
	}
	began = time.Now()
	f.commit(files)
	f.step("one commit c2 by Ada Author: update ConfigMap/a = Succeeded")
	t.Logf("a commit that touches %d files was in line after %s", touched, time.Since(began).Round(time.Millisecond))
	if s := f.status("two"); !s.Unchanged || s.Revision != f.repo.Head() {
		t.Errorf("the App that nothing was changed of is at %s, unchanged: %t", f.nameOf(s.Revision), s.Unchanged)
	}
}

// manyPath spreads files over folders, and half of them over endings that may hold declarations.
func manyPath(i int) string {
	ending := "txt"
	if i%2 == 0 {
		ending = "yaml"
	}
	return fmt.Sprintf("docs/%03d/file-%d.%s", i/500, i, ending)
}

// Objects as large as the server takes are delivered. What is larger is refused with an error that names it, and keeps nothing else from being
// delivered.
func TestLargeObjects(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	group := f.namespace + ".example.com"
	f.t.Cleanup(func() {
		crds := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
		_ = f.cluster.dynamic.Resource(crds).Delete(context.Background(), "blobs."+group, metav1.DeleteOptions{})
	})
	large := func(bytes int) string { return strings.Repeat("0123456789abcdef", bytes/16) }
	blob := func(name string, bytes int) string {
		return fmt.Sprintf("apiVersion: %s/v1\nkind: Blob\nmetadata: {name: %s}\nspec: {content: %s}\n", group, name, large(bytes))
	}
	noted := func(name string, bytes int) string {
		return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, annotations: {example.com/note: %s}}\n", name, large(bytes))
	}
	f.commit(map[string]string{
		"apps/big.yaml": f.app("big"), "big/definition.yaml": blobDefinition(group),
		"big/a-map.yaml": configMap("a-map", "content", large(1_040_000)), "big/note.yaml": noted("note", 200_000), "big/blob.yaml": blob("blob", 1_400_000),
	})
	f.start()
	f.step("big declaration c1 by Ada Author: create Blob/blob, create ConfigMap/a-map, create ConfigMap/note, create CustomResourceDefinition/blobs." + group + " = Succeeded")

	refused := []struct{ name, content, reason string }{
		{"too-large-map", configMap("too-large-map", "content", large(1_100_000)), "Too long"},
		{"too-long-note", noted("too-long-note", 300_000), "Too long"},
		{"too-large-blob", blob("too-large-blob", 1_700_000), "too large"},
	}
	commit, mended := map[string]string{"big/fine.yaml": configMap("fine", "x", "1")}, map[string]string{}
	for _, r := range refused {
		commit["big/"+r.name+".yaml"], mended["big/"+r.name+".yaml"] = r.content, gittest.Remove
	}
	f.commit(commit)
	s := f.awaitStatus("big", "told of what is too large", func(s status.App) bool { return s.Failures > 0 })
	f.live(f.key("ConfigMap", "fine"))
	told := f.messages("big")
	for _, r := range refused {
		if text := told[r.name]; !strings.Contains(text, r.reason) || len(text) > 1000 {
			t.Errorf("of %s the daemon says, in %d characters: %.2000s", r.name, len(text), text)
		}
	}
	if !strings.Contains(s.Message, "and 2 more") || !strings.Contains(s.Message, "big/too-l") || len(s.Message) > 1000 {
		t.Errorf("the App says, in %d characters: %.2000s", len(s.Message), s.Message)
	}
	f.commit(mended)
	f.inLine()
}

// messages are what the daemon says of each object of an App, by the object's name.
func (f *fleet) messages(app string) map[string]string {
	f.t.Helper()
	d, err := f.daemon.client.App(f.t.Context(), f.namespace+"/"+app)
	if err != nil {
		f.t.Fatal(err)
	}
	told := map[string]string{}
	for _, o := range d.Tree {
		told[o.Key.Name] = o.Message
	}
	return told
}

func blobDefinition(group string) string {
	return fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: blobs.%[1]s}
spec:
  group: %[1]s
  names: {plural: blobs, singular: blob, kind: Blob, listKind: BlobList}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties: {content: {type: string}}
`, group)
}
