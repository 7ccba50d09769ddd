package rotate

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/target/kube"
)

func TestMain(m *testing.M) { controlplanetest.Main(m) }

const (
	rotated = `{apiVersion: v1, kind: Secret, metadata: {name: creds, annotations: {plumb.dev/generate: "{a: {}}", plumb.dev/restart: "true"}}}`
	user    = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx, envFrom: [{secretRef: {name: creds}}]}]}
`
)

// wire lets requests through, unless they are cut.
type wire struct {
	next http.RoundTripper
	cut  func(*http.Request) error
}

// RoundTrip implements http.RoundTripper.
func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := w.cut(r); err != nil {
		return nil, err
	}
	return w.next.RoundTrip(r)
}

// begin runs what of a daemon rotates, until the test or ctx ends.
func begin(ctx context.Context, t *testing.T, w *world, cut func(*http.Request) error) (*Rotator, *kube.Cluster) {
	t.Helper()
	config := controlplanetest.Config(t)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return wire{next, cut} })
	c, err := kube.New(config, kube.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	c.Run(ctx)
	r := New(Rotator{Fleet: w, Target: c, Records: w, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	ended := make(chan struct{})
	go func() { r.Run(ctx); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended; c.Wait() })
	until(t, c, "the view knows the kinds", func() bool {
		known, _ := c.Watch([]schema.GroupKind{{Kind: "Secret"}, {Group: "apps", Kind: "Deployment"}})
		return known
	})
	return r, c
}

// until waits for the view to tell something, by its events.
func until(t *testing.T, c *kube.Cluster, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-c.Events():
		case <-deadline:
			t.Fatalf("never came: %s", what)
		}
	}
}

// declare makes objects of the App live.
func (w *world) declare(t *testing.T, c *kube.Cluster, manifests ...string) {
	t.Helper()
	namespace := controlplanetest.Namespace(t)
	w.known.App.Spec.Target.Namespace = namespace
	var objects []object.Object
	for _, text := range manifests {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object.Object{Unstructured: o})
	}
	desired, failed := c.Resolve(t.Context(), target.Resolve{App: w.known.App, Root: "root", Revision: "c0ffee", Objects: objects})
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	w.known.Desired, w.known.Actor = desired, target.Actor{Namespace: namespace}
	for _, d := range desired {
		if o := c.Apply(t.Context(), w.known.Actor, []plan.Change{{Action: plan.Create, Key: d.Key, Desired: d}})[0]; o.Err != nil {
			t.Fatal(o.Err)
		}
	}
}

// restartedFor is what a Deployment was restarted for last.
func restartedFor(t *testing.T, c *kube.Cluster, w *world) string {
	t.Helper()
	live, err := c.Object(t.Context(), w.known.Actor, w.known.Desired[1].Key, "")
	if err != nil {
		t.Fatal(err)
	}
	cause, _, _ := unstructured.NestedString(live.Object, "spec", "template", "metadata", "annotations", "plumb.dev/restarted")
	return cause
}

// Killed when the values are new and nobody was restarted for them, the next run
// finds at the Secret that this is left to be done.
func TestKilledBetweenTheValuesAndTheRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	r, c := begin(ctx, t, w, func(q *http.Request) error {
		if q.Method != http.MethodPatch || !strings.Contains(q.URL.Path, "/deployments/") || !strings.Contains(q.Header.Get("Content-Type"), "merge-patch") {
			return nil
		}
		kill()
		return errors.New("the daemon was killed")
	})
	w.declare(t, c, rotated, user)
	r.leading.Store(true)
	secret := w.known.Desired[0].Key
	if _, err := r.Rotate(ctx, Ask{Secret: secret, By: "ana"}); err == nil {
		t.Fatal("it was not killed")
	}
	if got := restartedFor(t, c, w); got != "" {
		t.Fatalf("it was restarted for %q before the kill", got)
	}

	next, c := begin(t.Context(), t, w, func(*http.Request) error { return nil })
	until(t, c, "the view tells that restarts are due", func() bool { return !c.Renewals()[secret].Restart.IsZero() })
	since := c.Renewals()[secret].Restart
	next.Lead(true)
	until(t, c, "the restarts are done", func() bool { return c.Renewals()[secret].Restart.IsZero() })
	if got, want := restartedFor(t, c, w), (restart{secret: secret, since: since}).cause(); got != want {
		t.Errorf("it was restarted for %q, want %q", got, want)
	}
}
