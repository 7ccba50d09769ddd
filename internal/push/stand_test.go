package push_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/push"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/target/kube"
	"plumb.dev/plumb/internal/tree/treetest"
)

func TestMain(m *testing.M) { controlplanetest.Main(m) }

// records keeps releases in memory, each as it was saved last.
type records struct {
	mu   sync.Mutex
	kept []release.Release
}

func (r *records) Save(_ context.Context, one release.Release) (release.Release, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one.ID == 0 {
		one.ID = int64(len(r.kept) + 1)
		r.kept = append(r.kept, one)
	}
	r.kept[one.ID-1] = one
	return one, nil
}

func (r *records) List(_ context.Context, q history.Query) (found []release.Release, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.kept {
		if one.App == q.App && one.Outcome == q.Outcome {
			found = append(found, one)
		}
	}
	return found, nil
}

// stand is a folder and a namespace of a real cluster to push it to.
type stand struct {
	t         *testing.T
	namespace string
	live      dynamic.Interface
	subject   push.Subject
	files     map[string]string
	records   records
	confirm   func(plan.Plan) error
	told      func(push.News) // beside the transcript
	leads     bool            // ask who holds the root
	explores  bool            // ask what nobody declares
}

func newStand(t *testing.T) *stand {
	t.Helper()
	live, err := dynamic.NewForConfig(controlplanetest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{t: t, namespace: controlplanetest.Namespace(t), live: live, files: map[string]string{}}
	app := v1alpha1.App{Spec: v1alpha1.AppSpec{Source: v1alpha1.Source{Path: "shop"}}}
	app.Name, app.Namespace = "shop", s.namespace
	s.subject.App = v1alpha1.Default(app)
	s.subject.App.Spec.Health.Timeout = metav1.Duration{Duration: 2 * time.Minute} // on a machine that has other work
	return s
}

// parts are those of a new run of the command.
func (s *stand) parts(ctx context.Context) push.Parts {
	s.t.Helper()
	cluster, err := kube.New(controlplanetest.Config(s.t), kube.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	cluster.Run(watching)
	s.t.Cleanup(func() { stop(); cluster.Wait() })
	s.subject.Files = treetest.New(s.files)
	p := push.Parts{
		Renderer: render.Set{plain.Renderer{}}, Target: cluster, Releases: &s.records, Hidden: redact.New([]byte("a key for tests")), Now: time.Now,
	}
	if s.leads {
		p.Leader = cluster
	}
	if s.explores {
		p.Explorer = cluster
	}
	return p
}

// apply pushes, and tells what was said: the plan, what happened to each
// object, and how it ended.
func (s *stand) apply(ctx context.Context) (transcript []string, err error) {
	s.t.Helper()
	r, err := push.Apply(ctx, s.parts(ctx), s.subject, push.Options{
		By: "Ada",
		Confirm: func(p plan.Plan) error {
			transcript = append(transcript, p.Summary())
			if s.confirm != nil {
				return s.confirm(p)
			}
			return nil
		},
		Tell: func(n push.News) {
			if n.State != push.Waiting { // how often it is seen on the way is by chance
				transcript = append(transcript, fmt.Sprint(n.Key.Kind, "/", n.Key.Name, " ", n.State))
			}
			if s.told != nil {
				s.told(n)
			}
		},
	})
	if err == nil {
		transcript = append(transcript, strings.TrimSpace(fmt.Sprint(r.Outcome, " ", s.plain(r.Reason))))
	}
	return transcript, err
}

// plain is a text in which the test's own namespace has a short name.
func (s *stand) plain(text string) string { return strings.ReplaceAll(text, s.namespace, "NS") }

// pushed applies and expects to hear just that, in any order but for the first
// and the last line.
func (s *stand) pushed(want ...string) {
	s.t.Helper()
	got, err := s.apply(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	want = slices.DeleteFunc(slices.Clone(want), func(line string) bool { // one with ? may come: of what is healthy at once nothing is said
		line, maybe := strings.CutPrefix(line, "?")
		if maybe {
			got = slices.DeleteFunc(got, func(said string) bool { return said == line })
		}
		return maybe
	})
	for _, lines := range [][]string{got, want} {
		if len(lines) > 2 {
			slices.Sort(lines[1 : len(lines)-1])
		}
	}
	if !slices.Equal(got, want) {
		s.t.Fatalf("it said\n  %s\nnot\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// refused applies and expects an error that says all this; nothing may change.
func (s *stand) refused(want ...string) error {
	s.t.Helper()
	before := s.objects()
	_, err := s.apply(s.t.Context())
	if err == nil {
		s.t.Fatal("it was not refused")
	}
	for _, text := range want {
		if !strings.Contains(s.plain(err.Error()), text) {
			s.t.Errorf("it is refused with %q, which doesn't say %q", s.plain(err.Error()), text)
		}
	}
	if after := s.objects(); !maps.Equal(before, after) {
		s.t.Errorf("it was refused, and yet changed %v to %v", before, after)
	}
	return err
}

// differs compares and expects these changes.
func (s *stand) differs(want ...string) plan.Plan {
	s.t.Helper()
	p, err := push.Diff(s.t.Context(), s.parts(s.t.Context()), s.subject)
	if err != nil {
		s.t.Fatal(err)
	}
	var got []string
	for _, c := range p.Changes {
		got = append(got, fmt.Sprint(c.Action, " ", c.Key.Kind, "/", c.Key.Name))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		s.t.Fatalf("it differs in %q, not %q: %+v", got, want, p)
	}
	return p
}

func (s *stand) configMaps() dynamic.ResourceInterface {
	return s.live.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(s.namespace)
}

// objects are the namespace's ConfigMaps, with their versions.
func (s *stand) objects() map[string]string {
	s.t.Helper()
	list, err := s.configMaps().List(s.t.Context(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	versions := map[string]string{}
	for _, o := range list.Items {
		if o.GetName() != "kube-root-ca.crt" {
			versions[o.GetName()] = o.GetResourceVersion()
		}
	}
	return versions
}

// value is what a ConfigMap holds.
func (s *stand) value(name string) string {
	s.t.Helper()
	o, err := s.configMaps().Get(s.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		return "none"
	}
	value, _, _ := unstructured.NestedString(o.Object, "data", "x")
	return value
}

// edit changes a ConfigMap by hand.
func (s *stand) edit(name, value string) {
	s.t.Helper()
	patch := fmt.Appendf(nil, `{"data":{"x":%q}}`, value)
	if _, err := s.configMaps().Patch(s.t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kubectl-edit"}); err != nil {
		s.t.Fatal(err)
	}
}

func configMap(name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {x: %q}\n---\n", name, value)
}

// deployment is healthy after a while, or asks for a node that there isn't.
func deployment(name string, healthy bool) string {
	node := "{}"
	if !healthy {
		node = "{there: isnt}"
	}
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s}
spec:
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec: {nodeSelector: %[2]s, containers: [{name: main, image: "example.com/main:1"}]}
---
`, name, node)
}
