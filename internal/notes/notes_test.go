package notes_test

import (
	"context"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/notes"
	"plumb.dev/plumb/internal/object"
)

func TestMain(m *testing.M) { controlplanetest.Main(m) }

// A single object is followed by its name: that it isn't there, comes, changes
// and goes is told, and of others nothing. What isn't asked for any more isn't known.
func TestNotes(t *testing.T) {
	t.Parallel()
	client, err := metadata.NewForConfig(controlplanetest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	live, err := dynamic.NewForConfig(controlplanetest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	namespace := controlplanetest.Namespace(t)
	maps := live.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(namespace)
	changed := make(chan object.Key, 100)
	n := notes.New(notes.Options{
		Client: client, Backoff: func() *wait.Backoff { return &wait.Backoff{Duration: 10 * time.Millisecond, Steps: 100} }, Changed: func(key object.Key) { changed <- key },
	})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(func() { cancel(); running.Wait() })
	key, other := object.Key{Kind: "ConfigMap", Namespace: namespace, Name: "given"}, object.Key{Kind: "Secret", Namespace: namespace, Name: "none"}
	follow := func(keys ...object.Key) { n.Follow(ctx, running.Go, keys) }
	becomes := func(what string, of object.Key, want string) {
		t.Helper()
		deadline := time.After(2 * time.Minute)
		for {
			if version, known := n.Version(of); known && version == want {
				return
			}
			select {
			case told := <-changed:
				if told != key && told != other {
					t.Fatalf("%s is told of, and nobody follows it", told)
				}
			case <-deadline:
				t.Fatalf("never told: %s", what)
			}
		}
	}
	made := func(name string) string {
		t.Helper()
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name}}}
		o, err := maps.Create(t.Context(), o, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return o.GetResourceVersion()
	}
	follow(key, other)
	becomes("that there is none", key, "")
	becomes("nor the other", other, "")
	made("beside")
	becomes("that it is there", key, made("given"))
	edited, err := maps.Patch(t.Context(), "given", types.MergePatchType, []byte(`{"data":{"a":"1"}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	becomes("that it changed", key, edited.GetResourceVersion())
	if err := maps.Delete(t.Context(), "given", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	becomes("that it is gone", key, "")
	follow(other)
	if _, known := n.Version(key); known {
		t.Error("what isn't followed any more is known")
	}
	follow(key, other)
	becomes("what is followed again", key, "")
}
