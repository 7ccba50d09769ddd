package operate_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/operate"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/target/kube"
)

func TestMain(m *testing.M) { controlplanetest.Main(m) }

// cluster is a bench whose App is live in a real API server.
type cluster struct {
	*bench
	*kube.Cluster
	namespace string
}

// Known implements operate.Fleet.
func (c cluster) Known(context.Context, string) (pipeline.Known, error) { return c.known, nil }

func newCluster(t *testing.T, files map[string]string, path string) (cluster, *operate.Operator) {
	t.Helper()
	k, err := kube.New(controlplanetest.Config(t), kube.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	k.Run(ctx)
	t.Cleanup(func() { cancel(); k.Wait() })
	c := cluster{newBench(t, files, path), k, controlplanetest.Namespace(t)}
	c.known.App.Spec.Target.Namespace = c.namespace
	c.known.Actor = target.Actor{Namespace: c.namespace}
	r := pipeline.Render(t.Context(), renderers(), k, pipeline.Job{App: c.known.App, Revision: "c0ffee", Files: c.files})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	c.known.Desired, c.known.Differ = r.Desired, nil
	var changes []plan.Change
	for _, d := range r.Desired {
		changes = append(changes, plan.Change{Action: plan.Update, Key: d.Key, Desired: d})
		c.known.Differ = append(c.known.Differ, d.Key)
	}
	for _, o := range k.Apply(t.Context(), c.known.Actor, changes) {
		if o.Err != nil {
			t.Fatalf("%s: %v", o.Key, o.Err)
		}
	}
	op := c.operator()
	op.Fleet, op.Reader, op.Target = c, k, k
	return c, op
}

// byHand patches an object as a person would.
func (c cluster) byHand(t *testing.T, resource, name, subresource, patch string) {
	t.Helper()
	client, err := dynamic.NewForConfig(controlplanetest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	gvr := schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: resource}
	if resource != "deployments" {
		gvr.Group = ""
	}
	var below []string
	if subresource != "" {
		below = append(below, subresource)
	}
	_, err = client.Resource(gvr).Namespace(c.namespace).Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "kubectl-edit"}, below...)
	if err != nil {
		t.Fatal(err)
	}
}

// TestKeepOfALiveObject: what a real API server says was changed becomes lines
// in the right files, and what isn't ours is left alone.
func TestKeepOfALiveObject(t *testing.T) {
	t.Parallel()
	c, op := newCluster(t, overlay(), "prod")
	c.byHand(t, "deployments", "prod-web", "scale", `{"spec":{"replicas":6}}`)
	c.byHand(t, "deployments", "prod-web", "", `{"metadata":{"annotations":{"example.com/owner":null,"not.ours/at-all":"x"}},
		"spec":{"template":{"spec":{"containers":[{"name":"web","image":"shop:1.5","args":["--fast","--port=81"],"ports":[{"containerPort":80}],
			"env":[{"name":"LEVEL","value":"warn"},{"name":"MORE","value":"x"}]}]}}}}`)
	c.byHand(t, "secrets", "prod-keys", "", `{"data":{"token":"Y2FuYXJ5LTQ3MTE="}}`)
	got, err := op.Keep(t.Context(), operate.Keep{App: "shop/web", By: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, k := range got.Kept {
		told = append(told, k.Key.Kind+" "+k.Path+" at "+k.Origin.File)
	}
	for _, l := range got.Lost {
		told = append(told, l.Key.Kind+" "+l.Path+": "+l.Reason)
	}
	slices.Sort(told)
	want := []string{
		"Deployment metadata.annotations.example.com/owner at base/all.yaml",
		"Deployment spec.replicas at prod/kustomization.yaml",
		`Deployment spec.template.spec.containers[name="web"].args at base/all.yaml`,
		`Deployment spec.template.spec.containers[name="web"].image at prod/kustomization.yaml`,
		"Secret data.token: values of Secrets are never written to Git",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	text, err := json.Marshal(got)
	if err != nil || strings.Contains(string(text)+c.edit.Message, "Y2FuYXJ5LTQ3MTE") || len(c.edit.Files) != 2 {
		t.Errorf("it says %s, and edits %d files", text, len(c.edit.Files))
	}
	r := pipeline.Render(t.Context(), renderers(), c, pipeline.Job{App: c.known.App, Revision: "d00d", Files: c.edited(t)})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	c.known.Desired = r.Desired
	op.Fleet = c
	var refusal *status.Refusal
	if again, err := op.Keep(t.Context(), operate.Keep{App: "shop/web"}); !errors.As(err, &refusal) || len(again.Lost) != 1 || again.Lost[0].Key.Kind != "Secret" {
		t.Errorf("as the commit declares it, it still differs: %+v, %v", again, err)
	}
}

// TestBlameOfALiveObject: the managed fields of a real API server.
func TestBlameOfALiveObject(t *testing.T) {
	t.Parallel()
	c, op := newCluster(t, overlay(), "prod")
	c.byHand(t, "deployments", "prod-web", "scale", `{"spec":{"replicas":6}}`)
	c.byHand(t, "deployments", "prod-web", "", `{"metadata":{"annotations":{"not.ours/at-all":"x"}}}`)
	got, err := op.Blame(t.Context(), object.Key{Kind: "Deployment", Name: "prod-web"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"metadata.annotations.example.com/owner":                            "base/all.yaml:8 true",
		"metadata.annotations.not.ours/at-all":                              "kubectl-edit Update ",
		"spec.replicas":                                                     "kubectl-edit Update scale",
		"spec.selector":                                                     "base/all.yaml:11 true",
		"spec.template.metadata.labels.app":                                 "base/all.yaml:14 true",
		`spec.template.spec.containers[name="web"].args`:                    "base/all.yaml:19 true",
		`spec.template.spec.containers[name="web"].env[name="LEVEL"].value`: "prod/level.yaml:10 true",
		`spec.template.spec.containers[name="web"].image`:                   "prod/kustomization.yaml:5 true",
	}
	told := map[string]string{}
	for _, f := range got.Fields {
		switch {
		case f.Subresource == "status" || strings.HasPrefix(f.Path, "metadata.annotations.deployment"): // where controllers run
		case f.Line != nil:
			told[f.Path] = f.Line.Origin.String() + map[bool]string{true: " true", false: " false"}[f.Line.Exact]
		default:
			told[f.Path] = f.Manager + " " + f.Operation + " " + f.Subresource
		}
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	secret, err := op.Blame(t.Context(), object.Key{Kind: "Secret", Name: "prod-keys"})
	if err != nil || len(secret.Fields) != 1 || secret.Fields[0].Line == nil || secret.Fields[0].Line.Origin.Line != 30 || secret.Fields[0].Value.Hidden == "" {
		t.Errorf("got %+v, %v", secret.Fields, err)
	}
	// Nobody's: found by its kind alone, with the rights of the daemon.
	if other, err := op.Blame(t.Context(), object.Key{Kind: "ConfigMap", Namespace: c.namespace, Name: "kube-root-ca.crt"}); err == nil && other.App != "" {
		t.Errorf("got %+v", other)
	}
}

// TestKeepWhatElementsAreKnownBy: a port's number and a container's name are
// what tells the server one element from another.
func TestKeepWhatElementsAreKnownBy(t *testing.T) {
	t.Parallel()
	const manifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        # serves
        - name: web # for short
          image: shop:1.0
          ports:
            - containerPort: 80 # plain
              name: http
            - containerPort: 443 # TLS
              name: https
`
	c, op := newCluster(t, map[string]string{"web/all.yaml": manifest}, "web")
	c.byHand(t, "deployments", "web", "", `{"spec":{"template":{"spec":{"containers":[{"name":"site","image":"shop:1.1",
		"ports":[{"containerPort":8080,"name":"http"},{"containerPort":443,"name":"https"}]}]}}}}`)
	got, err := op.Keep(t.Context(), operate.Keep{App: "shop/web"})
	if err != nil || len(got.Lost) != 0 {
		t.Fatalf("got %+v, %v", got, err)
	}
	after, err := c.edited(t).ReadFile("web/all.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("name: web #", "name: site #", "shop:1.0", "shop:1.1", "containerPort: 80 #", "containerPort: 8080 #").Replace(manifest)
	if diff := cmp.Diff(want, string(after)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
