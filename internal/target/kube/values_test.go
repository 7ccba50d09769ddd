package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/target"
)

const canary = "hunter2-canary"

// planner is an actor who makes plans.
func (b *bench) planner(rules ...v1alpha1.Sensitive) target.Actor {
	as := b.actor()
	as.CreateNamespace, as.Values, as.Redact = false, true, redact.New([]byte("a key")).With(rules...)
	return as
}

// asLines are a finding's fields in one line each.
func asLines(t *testing.T, f target.Finding) string {
	t.Helper()
	if f.Err != nil {
		return "error: " + f.Err.Error()
	}
	var lines []string
	for _, field := range f.Fields {
		line := field.Path + " at " + field.Pointer
		if field.Owner != "" {
			line += " by " + field.Owner
		}
		for _, v := range []*plan.Value{field.Before, field.After} {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			line += " " + strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(string(text))
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func TestACheckTellsWhatIsAndWhatWouldBe(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	web := still("web")
	b.apply(b.mustResolve(web)...)
	d := b.mustResolve(web)[0]
	if f := b.Check(t.Context(), b.planner(), []plan.Desired{d})[0]; f.Err != nil || f.Differs || len(f.Fields) > 0 {
		t.Errorf("in line it finds %+v", f)
	}
	b.patchBy(t, d, "ada", "merge", `{"spec":{"paused":false,"minReadySeconds":3},"metadata":{"labels":{"tier":null}}}`)
	b.patchBy(t, d, "bob", "strategic", `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"evil:1"}]}}}}`)
	drifted := b.Check(t.Context(), b.planner(), []plan.Desired{d})[0]
	for _, want := range []string{
		`spec.template.spec.containers[name="web"].image at /spec/template/spec/containers/0/image by bob {"content":"evil:1"}`,
		`metadata.labels.tier at /metadata/labels/tier by `,
	} {
		if got := asLines(t, drifted); !strings.Contains(got, want) {
			t.Errorf("it doesn't tell %s but\n%s", want, got)
		}
	}
	if got := asLines(t, drifted); strings.Contains(got, "minReadySeconds") || strings.Contains(got, "plumb.dev/") {
		t.Errorf("it tells what wouldn't change:\n%s", got)
	}
	next := b.mustResolve(strings.Replace(web, "replicas: 2", "replicas: 3", 1))[0]
	intended := b.Check(t.Context(), b.planner(), []plan.Desired{next})[0]
	if got := asLines(t, intended); !strings.Contains(got, `spec.replicas at /spec/replicas by plumb {"content":2} {"content":3}`) {
		t.Errorf("of an intended change it tells\n%s", got)
	}
	if intended.Digest == drifted.Digest || intended.Digest == "" {
		t.Error("another declaration is bound in the same way")
	}
}

func TestTheDigestMovesWithWhatDiffersAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(b.mustResolve(configMap)...)
	d := b.mustResolve(strings.Replace(configMap, "blue", "red", 1))[0]
	digest := func() string { return b.Check(t.Context(), b.planner(), []plan.Desired{d})[0].Digest }
	first := digest()
	if again := digest(); again != first {
		t.Error("nothing happened, and it moves")
	}
	b.patchBy(t, d, "ada", "merge", `{"metadata":{"annotations":{"note":"x"}}}`)
	if after := digest(); after != first {
		t.Error("someone wrote what is none of ours, and it moves")
	}
	b.patchBy(t, d, "ada", "merge", `{"data":{"color":"grey"}}`)
	second := digest()
	if second == first {
		t.Error("someone changed what would be changed, and it stays")
	}
	b.patchBy(t, d, "ada", "merge", `{"data":{"size":"large"}}`)
	if digest() == second {
		t.Error("someone changed what is declared as before, and it stays")
	}
}

func TestWhatIsNotThereIsTried(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const other = "a-namespace-to-come"
	desired := b.mustResolve(
		configMap,
		`{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}], selector: {a: b}}}`,
		`{apiVersion: v1, kind: Service, metadata: {name: bad}, spec: {ports: [{port: 99999}]}}`,
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: lost, namespace: nowhere-at-all}}`,
		`{apiVersion: v1, kind: Namespace, metadata: {name: `+other+`}}`,
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: inside, namespace: `+other+`}, data: {a: b}}`,
		`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: springs.example.org},
		  spec: {group: example.org, scope: Namespaced, names: {kind: Spring, plural: springs},
		  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}`,
		`{apiVersion: example.org/v1, kind: Spring, metadata: {name: s}, spec: {turns: 3}}`,
	)
	got := map[string]target.Finding{}
	for _, f := range b.Check(t.Context(), b.planner(), desired) {
		got[f.Key.Kind+"/"+f.Key.Name] = f
	}
	for name, want := range map[string]string{
		"ConfigMap/settings": `data at /data null {"content":{"color":"blue","size":"small"}}`,
		"Service/web":        `spec at /spec null {"content":{"ports":[{"port":80}],"selector":{"a":"b"}}}`,
		"Service/bad":        "error: Service \"bad\" is invalid",
		"ConfigMap/lost":     "error: its namespace nowhere-at-all is not there; declare it",
		"ConfigMap/inside":   `data at /data null {"content":{"a":"b"}}`,
		"Spring/s":           `spec at /spec null {"content":{"turns":3}}`,
		"Namespace/" + other: "",
	} {
		f := got[name]
		if text := asLines(t, f); !strings.HasPrefix(text, want) {
			t.Errorf("of %s it tells\n%s", name, text)
		}
		refused := strings.HasPrefix(want, "error")
		if errors.Is(f.Err, target.ErrRefused) != refused || !refused && (!f.Differs || f.Exists || f.Digest == "") {
			t.Errorf("of %s it finds %+v", name, f)
		}
	}
	if got["ConfigMap/inside"].Unasked != "its namespace comes with it" || got["Spring/s"].Unasked != "its kind comes with it" || got["Service/web"].Unasked != "" {
		t.Errorf("it was not asked about: %q, %q, %q", got["ConfigMap/inside"].Unasked, got["Spring/s"].Unasked, got["Service/web"].Unasked)
	}
	if again := b.Check(t.Context(), b.planner(), desired[:3]); again[0].Digest == "" || again[0].Exists {
		t.Error("a check has made something")
	}
}

// A canary stands in every hidden place, live and declared; nothing that is
// told of the check holds it.
func TestAPlanTellsNoSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	secretOf := func(value string) string {
		return `{apiVersion: v1, kind: Secret, metadata: {name: db, annotations: {note: ` + value + `}}, stringData: {password: ` + value + `, same: ` + canary + `}}`
	}
	marked := func(value string) string {
		return `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, annotations: {plumb.dev/sensitive: "/spec/template/spec/containers/*/env/*/value"}},
		  spec: {replicas: 0, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: web, image: i,
		  env: [{name: PASSWORD, value: ` + value + `}, {name: URL, value: "https://u:` + value + `@x.org/"}]}]}}}}`
	}
	byRule := func(value string) string {
		return `{apiVersion: v1, kind: ConfigMap, metadata: {name: plain}, data: {secret: ` + value + `, url: "https://u:` + value + `@x.org/?token=` + value + `"}}`
	}
	as := b.planner(v1alpha1.Sensitive{Kind: "ConfigMap", Name: "plain", Fields: []string{"/data/secret"}})
	before := b.mustResolve(secretOf(canary), marked(canary), byRule(canary))
	b.apply(before...)
	after := b.mustResolve(secretOf(canary+"-2"), marked(canary+"-2"), byRule(canary+"-2"), strings.Replace(secretOf(canary), "name: db", "name: fresh", 1),
		`{apiVersion: v1, kind: Secret, metadata: {name: bad}, data: {password: "`+canary+`!"}}`,
		strings.Replace(marked("{x: "+canary+"}"), "name: web, ann", "name: broken, ann", 1))
	for _, f := range b.Check(t.Context(), as, after) {
		text := asLines(t, f) + f.Digest + fmt.Sprint(f.Live)
		if strings.Contains(text, canary) {
			t.Errorf("of %s it tells\n%s", f.Key, text)
		}
		switch {
		case f.Err != nil:
		case f.Key.Name == "db" && (!strings.Contains(text, `data.password at /data/password by plumb {"hidden":"<hidden `) || strings.Contains(text, "data.same")):
			t.Errorf("of the Secret it tells\n%s", text)
		case f.Key.Name == "plain" && (!strings.Contains(text, "data.secret") || !strings.Contains(text, "@x.org/?token=<hidden ")):
			t.Errorf("of the ConfigMap it tells\n%s", text)
		}
	}
	as.DryRun, as.Values = true, false
	for _, d := range after[3:] {
		o := b.Apply(t.Context(), as, []plan.Change{{Action: plan.Create, Key: d.Key, Desired: d}})[0]
		if o.Err != nil && strings.Contains(o.Err.Error(), canary) {
			t.Errorf("of %s an apply tells %v", d.Key, o.Err)
		}
	}
}

// A hand edit that changes what an element is known by is told as what it is:
// one element for another, in the place of both.
func TestAnElementThatWasRenamedIsToldWithItsValues(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	service := `{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {a: b}, ports: [{name: http, port: 80}]}}`
	b.apply(b.mustResolve(service)...)
	d := b.mustResolve(service)[0]
	b.patchBy(t, d, "ada", "json", `[{"op":"replace","path":"/spec/ports/0/port","value":8080}]`)
	f := b.Check(t.Context(), b.planner(), []plan.Desired{d})[0]
	text := asLines(t, f)
	if f.Repair == nil || !strings.Contains(text, "spec.ports[") || !strings.Contains(text, `"port":80}`) && !strings.Contains(text, `"content":80`) || !strings.Contains(text, "8080") {
		t.Errorf("it finds a repair: %v, and\n%s", f.Repair != nil, text)
	}
}

func TestPrunesAreTried(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	desired := b.mustResolve(configMap)
	b.watch(desired)
	b.apply(desired...)
	live, _ := b.Live(desired[0].Key)
	as := b.actor()
	as.DryRun = true
	change := plan.Change{Action: plan.Prune, Key: live.Key, Live: live}
	if o := b.Apply(t.Context(), as, []plan.Change{change})[0]; o.Err != nil {
		t.Errorf("it would be refused: %v", o.Err)
	}
	if b.value(desired[0], "data", "color") != "blue" {
		t.Error("it was pruned")
	}
	change.Live.UID = "00000000-0000-0000-0000-000000000000"
	if o := b.Apply(t.Context(), as, []plan.Change{change})[0]; !errors.Is(o.Err, target.ErrRefused) {
		t.Errorf("of an object that was made anew it says %v", o.Err)
	}
	change.Key.Name = "gone"
	if o := b.Apply(t.Context(), as, []plan.Change{change})[0]; o.Err != nil {
		t.Errorf("of an object that is gone it says %v", o.Err)
	}
}

func TestUndeclared(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ours := b.mustResolve(configMap)
	b.apply(ours...)
	hand := b.mustResolve(`{apiVersion: v1, kind: ConfigMap, metadata: {name: by-hand}}`, `{apiVersion: v1, kind: Secret, metadata: {name: by-hand}}`,
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: owned}}`)
	owner, err := b.others(t, ours[0]).Get(t.Context(), ours[0].Key.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range hand {
		body := fmt.Sprintf(`{"apiVersion":"v1","kind":%q,"metadata":{"name":%q,"labels":{"x":"y"}}}`, d.Key.Kind, d.Key.Name)
		if d.Key.Name == "owned" {
			body = fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"owned","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":%q,"uid":%q}]}}`,
				owner.GetName(), owner.GetUID())
		}
		b.patchBy(t, d, "ada", "apply", body)
	}
	if err := b.PutSecret(t.Context(), b.actor(), target.Secret{Name: "record", Labels: map[string]string{object.LabelRecordOf: "x"}}); err != nil {
		t.Fatal(err)
	}
	b.until("the cluster has made its own", func() bool { return b.exists(t, "kube-root-ca.crt") })
	found, more, err := b.Undeclared(t.Context(), b.actor(), []string{b.namespace})
	if err != nil || more {
		t.Fatal(more, err)
	}
	want := []plan.Extra{
		{Key: object.Key{Kind: "ConfigMap", Namespace: b.namespace, Name: "by-hand"}, Reason: "nobody declares it; ada wrote it"},
		{Key: object.Key{Kind: "Secret", Namespace: b.namespace, Name: "by-hand"}, Reason: "nobody declares it; ada wrote it"},
	}
	if fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("it finds %v", found)
	}
	if found, _, err := b.Undeclared(t.Context(), b.actor(), nil); err != nil || len(found) > 0 {
		t.Errorf("of no namespace it finds %v (%v)", found, err)
	}
}

// exists says whether the test's namespace has a ConfigMap.
func (b *bench) exists(t *testing.T, name string) bool {
	t.Helper()
	maps := b.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(b.namespace)
	_, err := maps.Get(context.WithoutCancel(t.Context()), name, metav1.GetOptions{})
	return err == nil
}
