package kube

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// generatedOf is a Secret that asks for keys, beside one that is declared.
func generatedOf(keys string) string {
	return fmt.Sprintf(`{apiVersion: v1, kind: Secret, metadata: {name: creds, annotations: {plumb.dev/generate: %q}}, stringData: {user: ada}}`, keys)
}

// data are a live Secret's values, base64.
func (b *bench) data(d plan.Desired) map[string]any {
	b.t.Helper()
	data, _ := b.live(b.t, d).Object["data"].(map[string]any)
	return data
}

func (b *bench) create(t *testing.T, d plan.Desired) map[object.Key]plan.Applied {
	t.Helper()
	o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Create, Key: d.Key, Desired: d}})[0]
	if o.Err != nil {
		t.Fatal(o.Err)
	}
	return map[object.Key]plan.Applied{d.Key: o.Applied}
}

// Generated values are made once, and kept by every later apply; a key that comes
// later is made then, one that Git removes goes, and one that was deleted by hand
// is made anew.
func TestGeneratedValuesAreMadeOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := b.mustResolve(generatedOf("{password: {length: 20}, token: {alphabet: hex}}"))[0]
	b.watch([]plan.Desired{d})
	if f := b.Check(t.Context(), b.planner(), []plan.Desired{d})[0]; f.Err != nil || !strings.Contains(asLines(t, f), "data") {
		t.Errorf("before it is there the plan says %s", asLines(t, f))
	}
	applied := b.create(t, d)
	first := b.data(d)
	if len(first) != 3 || first["user"] != "YWRh" || first["password"] == first["token"] {
		t.Fatalf("it holds %d keys", len(first))
	}
	if got := b.stand(d, applied); got != plan.InLine {
		t.Errorf("it stands %d", got)
	}
	if f := b.Check(t.Context(), b.planner(), []plan.Desired{d})[0]; f.Err != nil || f.Differs {
		t.Errorf("right after it was made it differs: %s", asLines(t, f))
	}
	b.apply(d)
	more := b.mustResolve(generatedOf("{password: {length: 20}, token: {alphabet: hex}, later: {}}"))[0]
	f := b.Check(t.Context(), b.planner(), []plan.Desired{more})[0]
	if again := b.Check(t.Context(), b.planner(), []plan.Desired{more})[0]; again.Digest != f.Digest || !strings.Contains(asLines(t, f), "<generated>") {
		t.Errorf("the plan of one more key is not one: %s\n%s", asLines(t, f), asLines(t, again))
	}
	b.apply(more)
	second := b.data(d)
	if second["password"] != first["password"] || second["token"] != first["token"] || second["later"] == nil {
		t.Error("a later key changed the others, or wasn't made")
	}
	b.patchBy(t, d, "ada", "merge", `{"data":{"password":null}}`)
	if f := b.Check(t.Context(), b.actor(), []plan.Desired{more})[0]; f.Err != nil || !f.Differs {
		t.Errorf("a deleted value is no drift: %+v", f)
	}
	b.apply(more)
	third := b.data(d)
	if third["password"] == nil || third["password"] == first["password"] || third["token"] != first["token"] {
		t.Error("a deleted value wasn't made anew, or others were")
	}
	b.apply(b.mustResolve(generatedOf("{password: {length: 20}}"))[0])
	if left := b.data(d); left["token"] != nil || left["later"] != nil || left["password"] != third["password"] {
		t.Error("keys that Git doesn't ask for any more are still there")
	}
}

// Nothing in Git says what a generated value is: who changes one keeps it.
func TestAGeneratedValueThatWasChangedByHandStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := b.mustResolve(generatedOf("{password: {}}"))[0]
	b.watch([]plan.Desired{d})
	b.create(t, d)
	b.patchBy(t, d, "ada", "merge", `{"data":{"password":"bXkgb3du"}}`)
	if f := b.Check(t.Context(), b.actor(), []plan.Desired{d})[0]; f.Err != nil || f.Differs {
		t.Errorf("it is drift: %+v", f)
	}
	b.patchBy(t, d, "ada", "merge", `{"data":{"user":"eA=="}}`)
	if f := b.Check(t.Context(), b.actor(), []plan.Desired{d})[0]; f.Err != nil || !f.Differs || len(f.Fields) != 1 || f.Fields[0].Path != "data.user" {
		t.Errorf("a declared value beside it: %+v", f)
	}
	b.apply(d)
	if data := b.data(d); data["password"] != "bXkgb3du" || data["user"] != "YWRh" {
		t.Error("a correction took the value, or left the declared one")
	}
}

// Made anew, all values change at once, and with them the time that they were made.
func TestRenewing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := b.mustResolve(generatedOf("{password: {}, key: {pair: ed25519}}"))[0]
	b.create(t, d)
	before := b.data(d)
	o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Update, Key: d.Key, Desired: d, Renew: true}})[0]
	after := b.data(d)
	if o.Err != nil || after["password"] == before["password"] || after["key"] == before["key"] || after["user"] != before["user"] {
		t.Errorf("not all values were made anew: %v", o.Err)
	}
	if got := b.live(t, d).GetAnnotations()[object.AnnotationGenerated]; got == "" {
		t.Error("nothing says when")
	}
}

// A Secret that is adopted keeps the values that it has.
func TestAdoptedSecretsKeepTheirValues(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app.Spec.Sync.Adopt = true
	d := b.mustResolve(generatedOf("{password: {}}"))[0]
	b.patchBy(t, d, "helm", "apply", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"creds","annotations":{"meta.helm.sh/release-name":"x"}},"data":{"password":"b2xk"}}`)
	b.create(t, d)
	if data := b.data(d); data["password"] != "b2xk" || data["user"] != "YWRh" {
		text, _ := json.Marshal(data)
		t.Errorf("it holds %s", text)
	}
}

func TestWhatASecretAsksForWronglyIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, failed := b.resolve(generatedOf("{user: {}}"))
	if len(failed) != 1 || !strings.Contains(failed[0].Error(), "user is declared as well") {
		t.Errorf("it says %v", failed)
	}
}
