package kube

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/plan"
)

// Git differs from what another tool made, in ways that only go well together
// with taking what that tool had set: fields that exclude each other, elements
// of lists with keys, and another version of the API.
func TestAdoptingWhatDiffersFromGit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app.Spec.Sync.Adopt = true
	const (
		pods   = `selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "nginx:1"`
		deploy = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: NAME}, spec: {`
		scaler = `kind: HorizontalPodAutoscaler, metadata: {name: NAME}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3, `
	)
	for _, tc := range []struct{ name, theirs, ours, gone, there string }{
		{"a strategy without what belongs to another", deploy + `strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 2}}, ` + pods + `}]}}}}`,
			deploy + `strategy: {type: Recreate}, ` + pods + `}]}}}}`, "maxSurge", "Recreate"},
		{"a variable that comes from elsewhere", deploy + pods + `, env: [{name: LEVEL, value: info}]}]}}}}`,
			deploy + pods + `, env: [{name: LEVEL, valueFrom: {configMapKeyRef: {name: c, key: k}}}]}]}}}}`, `"value":"info"`, "configMapKeyRef"},
		{"a volume of another kind", deploy + pods + `}], volumes: [{name: data, emptyDir: {}}]}}}}`,
			deploy + pods + `}], volumes: [{name: data, configMap: {name: c}}]}}}}`, "emptyDir", `"name":"c"`},
		{"a probe of another kind", deploy + pods + `, readinessProbe: {httpGet: {path: /, port: 80}}}]}}}}`,
			deploy + pods + `, readinessProbe: {tcpSocket: {port: 80}}}]}}}}`, "httpGet", "tcpSocket"},
		{"ports that are others", `{apiVersion: v1, kind: Service, metadata: {name: NAME}, spec: {selector: {app: web}, ports: [{name: http, port: 80}, {name: old, port: 8080}]}}`,
			`{apiVersion: v1, kind: Service, metadata: {name: NAME}, spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8000}, {name: new, port: 8081}]}}`, `"old"`, "8000"},
		{"a port that has another number", `{apiVersion: v1, kind: Service, metadata: {name: NAME}, spec: {selector: {app: web}, ports: [{name: http, port: 80}]}}`,
			`{apiVersion: v1, kind: Service, metadata: {name: NAME}, spec: {selector: {app: web}, ports: [{name: http, port: 8000}]}}`, `"port":80,`, "8000"},
		{"an older version of its kind", `{apiVersion: autoscaling/v1, ` + scaler + `targetCPUUtilizationPercentage: 50}}`,
			`{apiVersion: autoscaling/v2, ` + scaler + `metrics: [{type: Resource, resource: {name: memory, target: {type: Utilization, averageUtilization: 70}}}]}}`, `"cpu"`, "memory"},
	} {
		for _, how := range []string{"client", "server", "both"} {
			t.Run(tc.name+"/"+how, func(t *testing.T) {
				t.Parallel()
				b := b.in(t)
				name := strings.ReplaceAll(strings.ReplaceAll(tc.name, " ", "-"), "'", "") + "-" + how
				named := func(text string) string { return strings.ReplaceAll(text, "NAME", name) }
				b.madeWith(t, named(tc.theirs), how)
				d := b.mustResolve(named(tc.ours))[0]
				f := b.Check(t.Context(), b.planner(), []plan.Desired{d})[0]
				if f.Err != nil || !f.Differs || f.From == "" {
					t.Errorf("the plan finds %+v", f)
				}
				if o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Create, Key: d.Key, Desired: d}})[0]; o.Err != nil {
					t.Fatal(o.Err)
				}
				live := b.live(t, d)
				text, _ := json.Marshal(live.Object["spec"])
				if strings.Contains(string(text), tc.gone) || !strings.Contains(string(text), tc.there) {
					t.Errorf("it is %s, want it with %s and without %s", text, tc.there, tc.gone)
				}
				if slices.ContainsFunc(live.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool { return e.Manager == "helm" }) {
					t.Error("the old owner is still one")
				}
				if f := b.Check(t.Context(), b.actor(), []plan.Desired{d})[0]; f.Err != nil || f.Differs {
					t.Errorf("afterwards a check finds %+v", f)
				}
			})
		}
	}
}

// What the server filled in by itself, and nobody owns, doesn't stand in the way of
// what Git says next.
func TestWhatTheServerFilledInMakesWay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const pods = `selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "nginx:1"`
	for _, tc := range []struct{ name, before, after, gone, there string }{
		{"a strategy", `{apiVersion: apps/v1, kind: Deployment, metadata: {name: NAME}, spec: {replicas: 2, ` + pods + `}]}}}}`,
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: NAME}, spec: {strategy: {type: Recreate}, replicas: 3, ` + pods + `}]}}}}`, "rollingUpdate", "Recreate"},
		{"a strategy and a null", `{apiVersion: apps/v1, kind: Deployment, metadata: {name: NAME}, spec: {replicas: 2, ` + pods + `}]}}}}`,
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: NAME}, spec: {strategy: {type: Recreate, rollingUpdate: null}, replicas: 3, ` + pods + `}]}}}}`, "rollingUpdate", "Recreate"},
		{"a strategy for updates", `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: NAME}, spec: {serviceName: a, ` + pods + `}]}}}}`,
			`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: NAME}, spec: {serviceName: a, updateStrategy: {type: OnDelete}, ` + pods + `}]}}}}`, "rollingUpdate", "OnDelete"},
		{"a volume", `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: NAME}, spec: {` + pods + `}], volumes: [{name: other, emptyDir: {}}, {name: data}]}}}}`,
			`{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: NAME}, spec: {` + pods + `}], volumes: [{name: data, configMap: {name: c}}, {name: other, emptyDir: {}}]}}}}`, `"emptyDir":{},"name":"data"`, "configMap"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := b.in(t)
			named := func(text string) string {
				return strings.ReplaceAll(text, "NAME", strings.ReplaceAll(tc.name, " ", "-"))
			}
			before := b.mustResolve(named(tc.before))
			b.watch(before)
			b.apply(before...)
			d := b.mustResolve(named(tc.after))[0]
			f := b.Check(t.Context(), b.planner(), []plan.Desired{d})[0]
			if lines := asLines(t, f); f.Err != nil || !f.Differs || !strings.Contains(lines, tc.there) {
				t.Errorf("the plan finds %v:\n%s", f.Err, lines)
			}
			change := []plan.Change{{Action: plan.Update, Key: d.Key, Desired: d}}
			if o := b.Apply(t.Context(), dryRun(b.actor()), change)[0]; o.Err != nil {
				t.Errorf("tried alone: %v", o.Err)
			}
			applied := b.apply(d)
			live := b.live(t, d)
			text, _ := json.Marshal(live.Object["spec"])
			if strings.Contains(string(text), tc.gone) || !strings.Contains(string(text), tc.there) {
				t.Errorf("it is %s, want it with %s and without %s", text, tc.there, tc.gone)
			}
			if slices.ContainsFunc(live.GetManagedFields(), func(e metav1.ManagedFieldsEntry) bool { return e.Manager == repairManager }) {
				t.Error("the repair still owns what it wrote")
			}
			if got := b.stand(d, applied); got != plan.InLine {
				t.Errorf("afterwards it stands %d", got)
			}
		})
	}
}

// What somebody else has set stays his: the change is refused, and the API server
// says why.
func TestWhatSomeoneElseSetStandsInTheWay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const pods = `selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "nginx:1"}]}}`
	d := b.mustResolve(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {` + pods + `}}`)[0]
	b.apply(d)
	b.patchBy(t, d, "scaler", "merge", `{"spec":{"strategy":{"rollingUpdate":{"maxSurge":3}}}}`)
	d = b.mustResolve(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {strategy: {type: Recreate}, ` + pods + `}}`)[0]
	const says = "may not be specified when strategy"
	if f := b.Check(t.Context(), b.planner(), []plan.Desired{d})[0]; f.Err == nil || !strings.Contains(f.Err.Error(), says) {
		t.Errorf("the plan finds %v", f.Err)
	}
	if o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Update, Key: d.Key, Desired: d}})[0]; o.Err == nil || !strings.Contains(o.Err.Error(), says) {
		t.Errorf("the apply gives %v", o.Err)
	}
}

// madeWith makes an object as a tool does that applies on its own side, on the
// server's, or changed from the one to the other.
func (b *bench) madeWith(t *testing.T, manifest, how string) {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(manifest), &u.Object); err != nil {
		t.Fatal(err)
	}
	u.SetNamespace(b.namespace)
	if how != "server" {
		if _, err := b.kindOfTest(u).Create(t.Context(), u, metav1.CreateOptions{FieldManager: "helm"}); err != nil {
			t.Fatal(err)
		}
	}
	if how != "client" {
		if _, err := b.kindOfTest(u).Apply(t.Context(), u.GetName(), u, metav1.ApplyOptions{FieldManager: "helm", Force: true}); err != nil {
			t.Fatal(err)
		}
	}
}
