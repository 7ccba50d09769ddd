package pipeline_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/target/kube"
)

func TestMain(m *testing.M) { controlplanetest.Main(m) }

// stage is a namespace of a real API server, and an App that goes there.
type stage struct {
	*kube.Cluster
	t         *testing.T
	namespace string
	app       v1alpha1.App
	others    dynamic.Interface
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, namespace: controlplanetest.Namespace(t)}
	var err error
	if s.Cluster, err = kube.New(controlplanetest.Config(t), kube.Options{Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	if s.others, err = dynamic.NewForConfig(controlplanetest.Config(t)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.Run(ctx)
	t.Cleanup(func() { cancel(); s.Wait() })
	s.app.Namespace, s.app.Name, s.app.Spec.Target.Namespace = s.namespace, "shop", s.namespace
	return s
}

func (s *stage) actor() target.Actor { return target.Actor{Namespace: s.namespace} }

// declares are objects as the App declares them.
func (s *stage) declares(root string, manifests ...string) []plan.Desired {
	s.t.Helper()
	var objects []object.Object
	for _, m := range manifests {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(m), &u.Object); err != nil {
			s.t.Fatal(err)
		}
		objects = append(objects, object.Object{Unstructured: u, Origin: object.Origin{File: "shop/all.yaml", Line: 7}})
	}
	desired, failed := s.Resolve(s.t.Context(), target.Resolve{App: s.app, Root: root, Revision: "c0ffee", Objects: objects})
	for _, f := range failed {
		s.t.Fatal(f)
	}
	return desired
}

func (s *stage) apply(desired []plan.Desired) {
	s.t.Helper()
	var changes []plan.Change
	for _, d := range desired {
		changes = append(changes, plan.Change{Action: plan.Update, Key: d.Key, Desired: d})
	}
	for _, o := range s.Apply(s.t.Context(), s.actor(), changes) {
		if o.Err != nil {
			s.t.Fatal(o.Key, o.Err)
		}
	}
}

func (s *stage) patch(resource, name, patch string, below ...string) {
	s.t.Helper()
	gvr := schema.GroupVersionResource{Version: "v1", Resource: resource}
	if resource == "deployments" {
		gvr.Group = "apps"
	}
	_, err := s.others.Resource(gvr).Namespace(s.namespace).Patch(s.t.Context(), name, types.MergePatchType, []byte(patch),
		metav1.PatchOptions{FieldManager: "kubectl-edit"}, below...)
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) plan(desired []plan.Desired, change ...func(*pipeline.Request)) plan.Plan {
	s.t.Helper()
	r := pipeline.Request{
		App: s.app, Root: "root", Actor: s.actor(), Desired: desired, Hidden: redact.New([]byte("key")), Now: time.Now(), Cluster: s.State().Address,
		Revision: release.Revision{Commit: "c0ffee", Author: "Ada", Message: "raise\n\nmore"},
	}
	for _, c := range change {
		c(&r)
	}
	return pipeline.Plan(s.t.Context(), s, r)
}

// lines are a plan's changes, one line each.
func lines(p plan.Plan) string {
	var b strings.Builder
	for _, c := range p.Changes {
		b.WriteString(string(c.Action) + " " + c.Key.Kind + "/" + c.Key.Name + ": " + c.Reason + "\n")
	}
	for _, x := range p.Extra {
		b.WriteString("left " + x.Key.Kind + "/" + x.Key.Name + ": " + x.Reason + "\n")
	}
	for _, x := range p.Problems {
		b.WriteString("problem " + x.Key.Kind + "/" + x.Key.Name + ": " + x.Message + "\n")
	}
	return b.String()
}

func configMap(name, value string) string {
	return "{apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + "}, data: {v: \"" + value + "\"}}"
}

func TestPlan(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.apply(s.declares("root", configMap("same", "1"), configMap("other", "1"), configMap("drifted", "1"), configMap("old", "1")))
	s.apply(s.declares("elsewhere", configMap("theirs", "1")))
	s.patch("configmaps", "drifted", `{"data":{"v":"9"}}`)
	byHand := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "hand"}}}
	maps := s.others.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(s.namespace)
	if _, err := maps.Create(t.Context(), byHand, metav1.CreateOptions{FieldManager: "kubectl-create"}); err != nil {
		t.Fatal(err)
	}
	old, err := maps.Get(t.Context(), "old", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	prune := plan.Change{
		Action: plan.Prune, Key: object.Key{Kind: "ConfigMap", Namespace: s.namespace, Name: "old"}, Live: plan.Live{UID: string(old.GetUID())}, Reason: "is no longer declared",
	}
	desired := s.declares("root", configMap("same", "1"), configMap("other", "2"), configMap("drifted", "1"), configMap("new", "1"), configMap("hand", "1"),
		configMap("theirs", "1"), "{apiVersion: v1, kind: Service, metadata: {name: bad}, spec: {ports: [{port: 99999}]}}")
	p := s.plan(desired, func(r *pipeline.Request) { r.Prunes, r.InLine = []plan.Change{prune}, 5 })
	for _, want := range []string{
		"update ConfigMap/other: is declared otherwise\n", "update ConfigMap/drifted: data.v was changed by kubectl-edit\n", "create ConfigMap/new: is not there yet\n",
		"update ConfigMap/hand: is there and was no App's: it is taken over\n", "conflict ConfigMap/theirs: belongs to the App " + s.namespace + ".shop of another root (elsewhere)",
		`conflict Service/bad: Service "bad" is invalid`, "prune ConfigMap/old: is no longer declared\n",
	} {
		if !strings.Contains(lines(p), want) {
			t.Errorf("it lacks %q:\n%s", want, lines(p))
		}
	}
	if len(p.Changes) != 7 || p.Unchanged != 6 || !p.Complete || p.Applicable || p.Subject != "raise" || p.Author != "Ada" {
		t.Errorf("it is %+v", p)
	}
	if p.Changes[0].Origin.String() != "shop/all.yaml:7" {
		t.Errorf("it comes from %s", p.Changes[0].Origin)
	}
}

// A plan is applied as it is, and then there is nothing left to do.
func TestAPlanIsWhatIsApplied(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	const service = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {a: b}, ports: [{name: http, port: 80}]}}"
	s.apply(s.declares("root", configMap("a", "1"), service))
	s.patch("services", "web", `{"spec":{"ports":[{"name":"http","port":8080}]}}`)
	desired := s.declares("root", configMap("a", "2"), configMap("b", "1"), service)
	p := s.plan(desired)
	if !p.Applicable || len(p.Changes) != 3 {
		t.Fatalf("it is\n%s", lines(p))
	}
	for _, o := range s.Apply(t.Context(), s.actor(), p.Changes) {
		if o.Err != nil {
			t.Error(o.Key, o.Err)
		}
	}
	if after := s.plan(desired); !after.InLine() || after.Unchanged != 3 {
		t.Errorf("after that it is\n%s", after.Text(plan.View{}))
	}
}

func TestThePlanStaysTheSameUntilSomethingChanges(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	const deployment = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 0, paused: true, selector: {matchLabels: {a: b}},
	  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: web, image: "web:1"}]}}}}`
	const service = "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: NodePort, selector: {a: b}, ports: [{port: 80}]}}"
	s.apply(s.declares("root", deployment))
	desired := s.declares("root", strings.Replace(deployment, "web:1", "web:2", 1), service)
	first := s.plan(desired)
	if again := s.plan(desired); again.Hash != first.Hash {
		t.Errorf("nothing happened:\n%s\n%s", first.Text(plan.View{}), again.Text(plan.View{}))
	}
	s.patch("deployments", "web", `{"status":{"replicas":7}}`, "status")
	s.patch("deployments", "web", `{"metadata":{"annotations":{"note":"none of ours"}}}`)
	if after := s.plan(desired); after.Hash != first.Hash {
		t.Errorf("a status and a foreign annotation were written, and it is another one:\n%s", after.Text(plan.View{}))
	}
	s.patch("deployments", "web", `{"spec":{"replicas":1}}`)
	second := s.plan(desired)
	if second.Hash == first.Hash {
		t.Error("a field of ours was changed, and it is the same")
	}
	if other := s.plan(s.declares("root", strings.Replace(deployment, "web:1", "web:3", 1), service)); other.Hash == second.Hash {
		t.Error("something else is declared, and it is the same")
	}
}

// What is hidden is in no form of a plan.
func TestNoFormOfAPlanTellsASecret(t *testing.T) {
	t.Parallel()
	const canary = "hunter2-canary"
	s := newStage(t)
	s.app.Spec.Sensitive = []v1alpha1.Sensitive{{Kind: "ConfigMap", Fields: []string{"/data/v"}}}
	secret := func(value string) string {
		return `{apiVersion: v1, kind: Secret, metadata: {name: db, annotations: {kubectl.kubernetes.io/last-applied-configuration: ` + value + `}}, stringData: {p: ` + value + `}}`
	}
	before := s.declares("root", secret(canary), configMap("marked", canary))
	s.apply(before)
	desired := s.declares("root", secret(canary+"2"), configMap("marked", canary+"2"), configMap("new", canary),
		`{apiVersion: v1, kind: Secret, metadata: {name: bad}, data: {p: "`+canary+`!"}}`)
	p := s.plan(desired)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	all := string(text) + p.Text(plan.View{Full: true}) + p.Markdown(plan.View{Full: true})
	if strings.Contains(all, canary) || strings.Contains(all, "aHVudGVyMi") {
		t.Errorf("it tells\n%s", all)
	}
	if len(p.Changes) != 4 || strings.Count(all, "hidden ") < 6 {
		t.Errorf("it is\n%s", p.Text(plan.View{}))
	}
	same := s.plan(s.declares("root", secret(canary), configMap("marked", canary+"3")))
	for _, c := range same.Changes {
		for _, f := range c.Fields {
			if f.Before.Hidden == f.After.Hidden {
				t.Errorf("%s %s is shown as %s before and after", c.Key, f.Path, f.After.Hidden)
			}
		}
	}
	if len(same.Changes) != 1 {
		t.Errorf("a Secret with the same value differs:\n%s", same.Text(plan.View{}))
	}
}

func TestGuardsAreAskedAbout(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	app := v1alpha1.App{}
	no := false
	live := plan.Live{Key: object.Key{Kind: "ConfigMap", Name: "a"}}
	some := s.declares("root", configMap("a", "1"))
	for want, why := range map[string]string{
		"":                       pipeline.Stays(app, some, live),
		"plumb.dev/prune is nev": pipeline.Stays(app, some, plan.Live{Key: live.Key, Keep: true}),
		"no object at all":       pipeline.Stays(app, nil, live),
		"last namespaces":        pipeline.Stays(app, some, plan.Live{Key: object.Key{Kind: "Namespace", Name: "a"}}),
		"sync.prune":             pipeline.Stays(v1alpha1.App{Spec: v1alpha1.AppSpec{Sync: v1alpha1.Sync{Prune: &no}}}, some, live),
	} {
		if (why == "") != (want == "") || !strings.Contains(why, want) {
			t.Errorf("it says %q, want %q", why, want)
		}
	}
	kind := "Gear" + strings.ReplaceAll(s.namespace, "-", "")
	definition := `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: ` + strings.ToLower(kind) + `s.example.net},
	  spec: {group: example.net, scope: Namespaced, names: {kind: ` + kind + `, plural: ` + strings.ToLower(kind) + `s},
	  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}`
	all := s.declares("root", definition, "{apiVersion: example.net/v1, kind: "+kind+", metadata: {name: g}}")
	s.apply(all[:1])
	definitions := s.others.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	t.Cleanup(func() {
		if err := definitions.Delete(context.WithoutCancel(t.Context()), all[0].Key.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	for made := false; !made; {
		select {
		case <-s.Events():
		case <-time.After(2 * time.Minute):
			t.Fatal("the kind never came")
		}
		made = s.Apply(t.Context(), s.actor(), []plan.Change{{Action: plan.Create, Key: all[1].Key, Desired: all[1]}})[0].Err == nil
	}
	got, err := definitions.Get(t.Context(), all[0].Key.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p := s.plan(nil, func(r *pipeline.Request) {
		r.Prunes = []plan.Change{{Action: plan.Prune, Key: all[0].Key, Live: plan.Live{UID: string(got.GetUID())}}}
	})
	if len(p.Changes) != 0 || len(p.Extra) != 1 || !strings.Contains(p.Extra[0].Reason, "there are still objects of kind "+kind) {
		t.Errorf("it is\n%s", lines(p))
	}
}

func TestUndeclaredIsAdded(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	desired := s.declares("root", configMap("a", "1"))
	maps := s.others.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(s.namespace)
	for _, name := range []string{"a", "hand"} {
		o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name}, "data": map[string]any{"x": "y"}}}
		if _, err := maps.Create(t.Context(), o, metav1.CreateOptions{FieldManager: "kubectl-create"}); err != nil {
			t.Fatal(err)
		}
	}
	p := pipeline.Undeclared(t.Context(), s, s.actor(), s.plan(desired), desired)
	if len(p.Extra) != 1 || p.Extra[0].Key.Name != "hand" || !p.Complete || p.Hash != s.plan(desired).Hash {
		t.Errorf("it is\n%s", lines(p))
	}
}
