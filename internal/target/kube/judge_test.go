package kube

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

// setStatus writes an object's status by hand, as its controller would.
func (b *bench) setStatus(d plan.Desired, status string) {
	b.t.Helper()
	objects := b.others(b.t, d)
	if _, err := objects.Patch(b.t.Context(), d.Key.Name, "application/merge-patch+json", []byte(`{"status":`+status+`}`), metav1.PatchOptions{FieldManager: "controller"}); err != nil {
		b.t.Fatal(err)
	}
}

// An App's own rules are for its objects alone. When they change, the objects
// that they are for are judged anew: nobody has to touch them.
func TestAnAppsOwnRulesJudgeItsObjects(t *testing.T) {
	t.Parallel()
	b, l := newBenchOn(t)
	definition, kindName := b.gearsOf()
	b.install(definition)
	gear := func(name string) string {
		return "{apiVersion: example.com/v1, kind: " + kindName + ", metadata: {name: " + name + "}, spec: {teeth: 12}}"
	}
	desired := b.mustResolve(definition, gear("a"), configMap)[0:]
	var d plan.Desired
	for _, one := range desired {
		if one.Key.Kind == kindName {
			d = one
		}
	}
	b.applySoon(d)
	b.watch([]plan.Desired{d})
	theirs := d
	theirs.Key.Name = "theirs"
	theirs.Body = []byte(strings.NewReplacer(`"name":"a"`, `"name":"theirs"`, b.label(), "other.app", "/a\"", "/theirs\"").Replace(string(d.Body)))
	b.applySoon(theirs)

	is := func(d plan.Desired, want status.Health, says string) {
		t.Helper()
		b.until(d.Key.Name+" is "+string(want), func() bool {
			live, there := b.Live(d.Key)
			return there && live.Health.Health == want && strings.Contains(live.Health.Message, says)
		})
	}
	is(d, status.HealthUnset, "nothing in its status")
	is(theirs, status.HealthUnset, "nothing in its status")

	rule := v1alpha1.HealthRule{Group: "example.com", Kind: kindName, Progressing: `!has(object.status.phase)`, Healthy: `object.status.phase == "Fine"`, Message: `"its phase is " + object.status.phase`}
	l.say(nil)
	b.JudgeBy(b.label(), []v1alpha1.HealthRule{rule})
	is(d, status.Progressing, "")
	if got := l.counted("GET"); got != 1 {
		t.Errorf("a new rule costs %d requests, want 1: the list of the App's objects of that kind", got)
	}
	b.setStatus(d, `{"phase":"Odd"}`)
	is(d, status.HealthUnset, "its phase is Odd")
	b.setStatus(d, `{"phase":"Fine"}`)
	is(d, status.Healthy, "")
	b.setStatus(theirs, `{"phase":"Fine"}`)
	is(theirs, status.HealthUnset, "nothing in its status")

	rule.Healthy = `object.status.phase == "Splendid"`
	b.JudgeBy(b.label(), []v1alpha1.HealthRule{rule})
	is(d, status.HealthUnset, "its phase is Fine")
	b.JudgeBy(b.label(), nil)
	is(d, status.HealthUnset, "nothing in its status")
	l.say(nil)
	b.JudgeBy(b.label(), []v1alpha1.HealthRule{{Kind: "Service", Healthy: "true"}})
	if got := l.counted("GET"); got != 0 {
		t.Errorf("a rule for a kind that isn't watched costs %d requests", got)
	}
}
