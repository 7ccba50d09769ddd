package health

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/status"
)

var gearKind = schema.GroupKind{Group: "example.com", Kind: "Gear"}

func gearRule(change func(r *v1alpha1.HealthRule)) v1alpha1.HealthRule {
	r := v1alpha1.HealthRule{
		Group: gearKind.Group, Kind: gearKind.Kind, Degraded: `object.status.phase == "Broken"`, Progressing: `object.status.phase == "Turning"`,
		Healthy: `object.status.phase == "Fine"`, Suspended: `object.spec.stopped`, Message: `"is " + object.status.phase`,
	}
	if change != nil {
		change(&r)
	}
	return r
}

func TestAnAppsOwnRules(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, object string
		change       func(r *v1alpha1.HealthRule)
		want         status.Health
		says         string
	}{
		{"each expression decides", first + "status: {phase: Broken}\n", nil, status.Degraded, "is Broken"},
		{"each expression decides", first + "status: {phase: Turning}\n", nil, status.Progressing, "is Turning"},
		{"each expression decides", first + "status: {phase: Fine}\n", nil, status.Healthy, ""},
		{"suspended comes first", first + "spec: {stopped: true}\nstatus: {phase: Broken}\n", nil, status.Suspended, ""},
		{"suspended holds for what nobody has seen", second + "spec: {stopped: true}\nstatus: {phase: Broken, observedGeneration: 1}\n", nil, status.Suspended, ""},
		{"none of them is unknown", first + "status: {phase: Dreaming}\n", nil, status.HealthUnset, "is Dreaming"},
		{"none of them is unknown", first + "status: {phase: Dreaming}\n", func(r *v1alpha1.HealthRule) { r.Message = "" }, status.HealthUnset, "no expression"},
		{"what isn't there is false", first, nil, status.HealthUnset, "no expression"},
		{"what isn't there is not said to be otherwise", first, func(r *v1alpha1.HealthRule) { r.Degraded = "!object.status.ready" }, status.HealthUnset, "no expression"},
		{"a status is always there to look into", first, func(r *v1alpha1.HealthRule) { r.Degraded = "!has(object.status.ready)" }, status.Degraded, "doesn't say why"},
		{"annotations are, too", first, func(r *v1alpha1.HealthRule) { r.Suspended = `!("off" in object.metadata.annotations)` }, status.Suspended, ""},
		{"and so is what follows an or", first, func(r *v1alpha1.HealthRule) { r.Healthy = `object.status.phase == "x" || object.metadata.name == "a"` }, status.Healthy, ""},
		{"optional fields", first, func(r *v1alpha1.HealthRule) { r.Healthy = `object.status.?phase.orValue("Fine") == "Fine"` }, status.Healthy, ""},
		{"a list that is too short", first + "status: {parts: []}\n", func(r *v1alpha1.HealthRule) { r.Healthy = `object.status.parts[0] == "x"` }, status.HealthUnset, "no expression"},
		{"a condition", first + "status: {conditions: [{type: Ready, status: 'False', reason: Oil, message: oil is missing}]}\n",
			func(r *v1alpha1.HealthRule) {
				r.Degraded, r.Message = `object.condition("Ready").status == "False"`, `object.condition("Ready").message`
			}, status.Degraded, "oil is missing"},
		{"a condition without a message", first + "status: {conditions: [{type: Ready, status: 'False', reason: Oil}]}\n",
			func(r *v1alpha1.HealthRule) {
				r.Degraded, r.Message = `object.condition("Ready").status == "False"`, `object.condition("Ready").message`
			}, status.Degraded, "Oil"},
		{"a condition that isn't there", first, func(r *v1alpha1.HealthRule) { r.Healthy = `object.condition("Ready").status == ""` }, status.Healthy, ""},
		{"a condition of an older generation", second + "status: {conditions: [{type: Ready, status: 'True', observedGeneration: 1}]}\n",
			func(r *v1alpha1.HealthRule) {
				r.Progressing, r.Message = `object.condition("Ready").status == "Unknown"`, `object.condition("Ready").message`
			}, status.Progressing, "generation 1, not yet of 2"},
		{"a status of an older generation", second + "status: {phase: Fine, observedGeneration: 1}\n", nil, status.Progressing, "seen generation 1, and not yet 2"},
		{"a status of an older generation that is a text", second + "status: {phase: Fine, observedGeneration: '1'}\n", nil, status.Progressing, "seen generation 1"},
		{"a generation that is no number", second + "status: {phase: Fine, observedGeneration: 8f9a}\n", nil, status.Healthy, ""},
		{"what is being deleted", deleting + "status: {phase: Fine}\n", nil, status.Progressing, "is being deleted"},
		{"what is compared with another type", first + "status: {phase: Fine}\n", func(r *v1alpha1.HealthRule) { r.Degraded = "object.status.phase > 3" },
			status.HealthUnset, "can't judge it: degraded: no such overload"},
		{"what is neither true nor false", first + "status: {phase: Fine}\n", func(r *v1alpha1.HealthRule) { r.Progressing = "object.status.phase" },
			status.HealthUnset, "progressing: it gives string"},
		{"a status that is a text", first + "status: fine\n", nil, status.HealthUnset, "no expression"},
		{"a message that can't be had", first + "status: {phase: Broken}\n", func(r *v1alpha1.HealthRule) { r.Message = "object.status.why" }, status.Degraded, "doesn't say why"},
		{"a message of many lines", first + "status: {phase: Broken}\n", func(r *v1alpha1.HealthRule) { r.Message = `"a\n  b\t" + "c"` }, status.Degraded, "a b c"},
		{"a rule that isn't CEL", first, func(r *v1alpha1.HealthRule) { r.Healthy = "object." }, status.HealthUnset, "can't be used: healthy"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			judge := NewJudge()
			judge.Set("shop", []v1alpha1.HealthRule{gearRule(tc.change)})
			got := judge.Of("shop", parse(t, gear+tc.object))
			if got.Health != tc.want || !strings.Contains(got.Message, tc.says) {
				t.Errorf("the verdict is %s (%q), want %s and to say %q", got.Health, got.Message, tc.want, tc.says)
			}
		})
	}
}

func TestALongMessageIsCut(t *testing.T) {
	t.Parallel()
	judge := NewJudge()
	judge.Set("shop", []v1alpha1.HealthRule{gearRule(func(r *v1alpha1.HealthRule) { r.Message = "object.status.why" })})
	o := parse(t, gear+first+"status: {phase: Broken}\n")
	o.Object["status"].(map[string]any)["why"] = strings.Repeat("ü", 5000)
	if got := judge.Of("shop", o).Message; len(got) > mostMessage+3 || !strings.HasSuffix(got, "ü…") {
		t.Errorf("%d letters are said, ending in %q", len(got), got[len(got)-8:])
	}
}

func TestRulesAreOfOneAppAndKind(t *testing.T) {
	t.Parallel()
	judge := NewJudge()
	fine, cog := parse(t, gear+first+"status: {phase: Fine}\n"), parse(t, "apiVersion: example.com/v1\nkind: Cog\n"+first+"status: {phase: Fine}\n")
	web := parse(t, deployment+first+"spec: {replicas: 2, progressDeadlineSeconds: 600}\n"+rolled)
	verdict := func(app string, o *unstructured.Unstructured) status.Health { return judge.Of(app, o).Health }
	expect := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", what, diff)
		}
	}
	expect("before", verdict("shop", fine), status.HealthUnset)
	own := gearRule(nil)
	expect("what changed", judge.Set("shop", []v1alpha1.HealthRule{own}), []schema.GroupKind{gearKind})
	expect("its kind", verdict("shop", fine), status.Healthy)
	expect("another kind", verdict("shop", cog), status.HealthUnset)
	expect("another App", verdict("other", fine), status.HealthUnset)
	expect("the same again", judge.Set("shop", []v1alpha1.HealthRule{own}), []schema.GroupKind(nil))
	judge.Set("other", []v1alpha1.HealthRule{own})
	expect("shared", verdict("other", fine), status.Healthy)
	expect("how many are kept", len(judge.shared), 1)

	broken := gearRule(func(r *v1alpha1.HealthRule) { r.Degraded = "true" })
	first := v1alpha1.HealthRule{Group: "apps", Kind: "Deployment", Progressing: "true", Message: `"never done"`}
	second := v1alpha1.HealthRule{Group: "apps", Kind: "Deployment", Healthy: "true"}
	expect("what changed", judge.Set("shop", []v1alpha1.HealthRule{broken, first, second}), []schema.GroupKind{deploymentKind, gearKind})
	expect("the other rule", verdict("shop", fine), status.Degraded)
	expect("a built-in rule replaced, by the first for the kind", judge.Of("shop", web), Verdict{status.Progressing, "never done"})
	expect("not that of others", verdict("other", web), status.Healthy)

	expect("what changed", judge.Set("shop", nil), []schema.GroupKind{deploymentKind, gearKind})
	judge.Set("other", nil)
	expect("without", verdict("shop", fine), status.HealthUnset)
	expect("how many are kept", len(judge.shared)+len(judge.apps), 0)
}

var deploymentKind = schema.GroupKind{Group: "apps", Kind: "Deployment"}

// S08: expressions that would take for ever, or all memory, are cut off by what
// they cost, at once; and others don't notice.
func TestHostileExpressions(t *testing.T) {
	t.Parallel()
	many := make([]any, 5000)
	for i := range many {
		many[i] = map[string]any{"type": fmt.Sprint("t", i), "status": "True"}
	}
	o := parse(t, gear+first)
	o.Object["status"] = map[string]any{"conditions": many, "text": strings.Repeat("a", 1<<20), "phase": "Fine"}
	list := "object.status.conditions"
	for name, text := range map[string]string{
		"loops in loops":               list + ".all(a, " + list + ".all(b, " + list + ".all(c, a == a && b == b && c == c)))",
		"a look for each":              list + `.all(a, object.condition("none").status == "" && object.condition("none").reason == "")`,
		"a list for each":              list + ".map(a, " + list + ".map(b, a)).size() > 0",
		"long texts put together":      list + ".map(a, object.status.text + object.status.text).size() > 0",
		"a long text, again and again": list + `.all(a, object.status.text.matches("(a*)*b|a"))`,
		"long texts compared":          list + `.all(a, object.status.text.contains("aaaaaaaaaaaaaaab") == false)`,
		"all of it compared":           list + ".all(a, object.status == object.status)",
		"texts of lists":               list + ".all(a, (" + list + " + " + list + ") == (" + list + " + " + list + "))",
	} {
		t.Run(name, func(t *testing.T) {
			judge := NewJudge()
			judge.Set("hostile", []v1alpha1.HealthRule{gearRule(func(r *v1alpha1.HealthRule) { r.Degraded = text })})
			if wrong := Check([]v1alpha1.HealthRule{gearRule(func(r *v1alpha1.HealthRule) { r.Degraded = text })}); wrong != nil {
				t.Fatal(wrong)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			got := judge.Of("hostile", o)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if got.Health != status.HealthUnset || !strings.Contains(got.Message, "takes more than") {
				t.Errorf("the verdict is %s (%q)", got.Health, got.Message)
			}
			t.Logf("%s: cut off after %s and %d KB", name, took, (after.TotalAlloc-before.TotalAlloc)>>10)
			if took > time.Minute || after.TotalAlloc-before.TotalAlloc > 256<<20 { // other tests run meanwhile
				t.Errorf("it took %s and %d MB", took, (after.TotalAlloc-before.TotalAlloc)>>20)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	if wrong := Check([]v1alpha1.HealthRule{gearRule(nil), gearRule(nil)}); wrong != nil {
		t.Errorf("of sound rules it says %v", wrong)
	}
	const advice = "; correct it; docs/health.md tells how to write one"
	for _, tc := range []struct{ field, text, want string }{
		{"healthy", "object.status.phase ==", "is no CEL expression that can be used: Syntax error: mismatched input '<EOF>'"},
		{"degraded", "phase == 1", "undeclared reference to 'phase'"},
		{"progressing", `"text"`, "it gives a text, not true or false"},
		{"suspended", "object.status.size(", "Syntax error"},
		{"message", "1 == 1", "it gives true or false, not a text"},
		{"healthy", "object.condition()", "found no matching overload for 'condition'"},
		{"healthy", strings.Repeat("(", 300) + "true" + strings.Repeat(")", 300), "recursion"},
		{"healthy", "object.a == '" + strings.Repeat("x", mostText) + "'", "size exceeds limit"},
		{"healthy", strings.TrimSuffix(strings.Repeat("[[1].all(x, [1].all(y, x == y))].size() > 0 && ", 70), " && "), "limit"},
		{"healthy", `object.spec.x.matches("(")`, "error parsing regexp"},
		{"healthy", "object.spec.x.matches(\"a{1001}\")", "error parsing regexp"},
	} {
		r := v1alpha1.HealthRule{Kind: "Gear"}
		switch tc.field {
		case "healthy":
			r.Healthy = tc.text
		case "degraded":
			r.Degraded = tc.text
		case "progressing":
			r.Progressing = tc.text
		case "suspended":
			r.Suspended = tc.text
		case "message":
			r.Message = tc.text
		}
		wrong := Check([]v1alpha1.HealthRule{gearRule(nil), r})
		if len(wrong) != 1 || wrong[0].Field() != "spec.health.rules[1]."+tc.field || !strings.Contains(wrong[0].Error(), tc.want) || !strings.HasSuffix(wrong[0].Error(), advice) {
			t.Errorf("%s: %.60s: it says %v, want %q", tc.field, tc.text, wrong, tc.want)
		}
	}
	if wrong := Check([]v1alpha1.HealthRule{{Kind: "Secret", Healthy: "true"}}); len(wrong) != 1 || !strings.HasPrefix(wrong[0].Error(), `spec.health.rules[0].kind: "Secret" can't be judged`) {
		t.Errorf("of a rule for Secrets it says %v", wrong)
	}
	if wrong := Check(make([]v1alpha1.HealthRule, mostRules+1)); len(wrong) != 1 || !strings.Contains(wrong[0].Error(), "at most 100") {
		t.Errorf("of too many rules it says %v", wrong)
	}
}

func TestManyJudgeAtOnce(t *testing.T) {
	t.Parallel()
	judge := NewJudge()
	o := parse(t, "apiVersion: cert-manager.io/v1\nkind: Certificate\n"+first+"status: {conditions: [{type: Ready, status: 'True'}]}\n")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				app := fmt.Sprint("app", i)
				judge.Set(app, []v1alpha1.HealthRule{{Group: "cert-manager.io", Kind: "Certificate", Degraded: "true"}})
				if got := judge.Of(app, o); got.Health != status.Degraded {
					t.Errorf("by its own rule it is %s", got.Health)
				}
				judge.Set(app, nil)
				if got := judge.Of(app, o); got.Health != status.Healthy {
					t.Errorf("by the built-in rule it is %s", got.Health)
				}
			}
		})
	}
	wg.Wait()
}

// What nobody watches costs nothing: a Judge reads and compiles a rule when it
// meets the kind.
func TestAJudgeThatWasNotAskedHoldsNothing(t *testing.T) {
	before := heap()
	judge := NewJudge()
	if got := heap() - before; got > 16<<10 {
		t.Errorf("it holds %d bytes", got)
	}
	web := parse(t, deployment+first+"spec: {replicas: 2, progressDeadlineSeconds: 600}\n"+rolled)
	certificate := parse(t, "apiVersion: cert-manager.io/v1\nkind: Certificate\n"+first+"status: {conditions: [{type: Ready, status: 'True'}]}\n")
	judge.Of("", web)
	one := heap() - before
	judge.Of("", certificate)
	t.Logf("after a Deployment it holds %d bytes, after a Certificate %d", one, heap()-before)
	if len(judge.builtin) != 2 {
		t.Errorf("it knows %d kinds, want those that it met", len(judge.builtin))
	}
	runtime.KeepAlive(judge)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkOf(b *testing.B) {
	conditions := "status: {observedGeneration: 1, conditions: [{type: Issuing, status: 'False'}, {type: Ready, status: 'True'}]}\n"
	for name, text := range map[string]string{
		"kstatus alone (StatefulSet)": stateful + first + "spec: {replicas: 2}\n" +
			"status: {observedGeneration: 1, replicas: 2, readyReplicas: 2, currentReplicas: 2, updatedReplicas: 2, currentRevision: x, updateRevision: x}\n",
		"a rule and kstatus (Deployment)": deployment + first + "spec: {replicas: 2, progressDeadlineSeconds: 600}\n" + rolled,
		"a rule (Certificate)":            "apiVersion: cert-manager.io/v1\nkind: Certificate\n" + first + conditions,
		"any custom kind (Gear)":          gear + first + conditions,
	} {
		b.Run(name, func(b *testing.B) {
			o, judge := parse(b, text), NewJudge()
			b.ReportAllocs()
			for b.Loop() {
				judge.Of("shop", o)
			}
		})
	}
}

func BenchmarkTheFirstOfAKind(b *testing.B) {
	o := parse(b, "apiVersion: cert-manager.io/v1\nkind: Certificate\n"+first+"status: {}\n")
	for b.Loop() {
		NewJudge().Of("shop", o)
	}
}
