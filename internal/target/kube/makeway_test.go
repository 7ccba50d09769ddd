package kube

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// fixedKinds are objects with a field that can't be changed in place: as they
// are, and changed.
var fixedKinds = []struct {
	name, before, after string
	tells               []string // what the report has to say
	lasts               bool     // it is never replaced
}{
	{"a Deployment's selector",
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c, image: i}]}}}}`,
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {selector: {matchLabels: {app: b}}, template: {metadata: {labels: {app: b}}, spec: {containers: [{name: c, image: i}]}}}}`,
		[]string{`spec.selector.matchLabels.app (from "a" to "b")`, "sync.replace"}, false},
	{"a Service's address",
		`{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}]}}`,
		`{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: None, ports: [{port: 80}]}}`,
		[]string{"spec.clusterIP", `"None"`}, false},
	{"a Job's template",
		`{apiVersion: batch/v1, kind: Job, metadata: {name: once}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: c, image: "i:1"}]}}}}`,
		`{apiVersion: batch/v1, kind: Job, metadata: {name: once}, spec: {suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: c, image: "i:1", env: [{name: A, value: b}]}]}}}}`,
		[]string{"spec.template.spec.containers"}, false},
	{"a StatefulSet's claims",
		`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, replicas: 0, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: i}]}}, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}}`,
		`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, replicas: 0, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: i}]}}, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}}]}}`,
		[]string{"spec.volumeClaimTemplates"}, false},
	{"a binding's role",
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: bind}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: a}, subjects: []}`,
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: bind}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: b}, subjects: []}`,
		[]string{`roleRef`, `"a"`, `"b"`}, false},
	{"an immutable ConfigMap",
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: fixed}, immutable: true, data: {a: b}}`,
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: fixed}, immutable: true, data: {a: c}}`,
		[]string{`data.a (from "b" to "c")`}, false},
	{"an immutable Secret",
		`{apiVersion: v1, kind: Secret, metadata: {name: fixed}, immutable: true, stringData: {a: canary-one}}`,
		`{apiVersion: v1, kind: Secret, metadata: {name: fixed}, immutable: true, stringData: {a: canary-two}}`,
		[]string{`data`}, false},
	{"a Secret's type",
		`{apiVersion: v1, kind: Secret, metadata: {name: typed}, stringData: {a: canary-one}}`,
		`{apiVersion: v1, kind: Secret, metadata: {name: typed}, type: example.com/other, stringData: {a: canary-one}}`,
		[]string{`type`}, false},
	{"a claim's size",
		`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}}`,
		`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 2Gi}}}}`,
		[]string{`spec.accessModes`, "holds data"}, true},
}

func withReplace(manifest string) string {
	return strings.Replace(manifest, "metadata: {", `metadata: {annotations: {plumb.dev/replace: allowed}, `, 1)
}

// By default a field that can't be changed is told, with what to do, and the
// object stays as it is.
func TestWhatCantBeChangedIsTold(t *testing.T) {
	t.Parallel()
	for _, tc := range fixedKinds {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.apply(b.mustResolve(tc.before)...)
			d := b.mustResolve(tc.after)
			uid := b.live(t, d[0]).GetUID()
			f := b.Check(t.Context(), b.planner(), d)[0]
			o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Update, Key: d[0].Key, Desired: d[0]}})[0]
			for _, err := range []error{f.Err, o.Err} {
				for _, want := range append(tc.tells, "can't be changed in place") {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("the error is %v, want it to say %q", err, want)
					}
				}
				if err != nil && strings.Contains(err.Error(), "canary") {
					t.Errorf("the error tells a secret: %v", err)
				}
			}
			if len(f.Fields) == 0 || !errors.Is(f.Err, target.ErrRefused) {
				t.Errorf("the plan has no conflict with fields: %+v", f)
			}
			if b.live(t, d[0]).GetUID() != uid {
				t.Error("it was made anew all the same")
			}
		})
	}
}

// Where it is allowed, the object is deleted and made anew: the plan says so, and
// nothing is done by asking.
func TestWhatMayBeReplacedIs(t *testing.T) {
	t.Parallel()
	for _, tc := range fixedKinds {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			before := b.mustResolve(withReplace(tc.before))
			b.watch(before)
			b.apply(before...)
			d := b.mustResolve(withReplace(tc.after))
			uid := b.live(t, d[0]).GetUID()
			f := b.Check(t.Context(), b.planner(), d)[0]
			change := []plan.Change{{Action: plan.Update, Key: d[0].Key, Desired: d[0]}}
			if tried := b.Apply(t.Context(), dryRun(b.actor()), change)[0]; (tried.Err != nil) != tc.lasts {
				t.Errorf("a trial says %v", tried.Err)
			}
			if b.live(t, d[0]).GetUID() != uid {
				t.Fatal("asking made it anew")
			}
			if (f.Replaces == "") != tc.lasts || (f.Err != nil) != tc.lasts {
				t.Errorf("the plan says %q, %v", f.Replaces, f.Err)
			}
			o := b.Apply(t.Context(), b.actor(), change)[0]
			for range 20 { // a StatefulSet goes when its pods are let go
				if !errors.Is(o.Err, target.ErrSkipped) {
					break
				}
				b.until("it is gone", func() bool {
					_, err := b.others(t, d[0]).Get(t.Context(), d[0].Key.Name, metav1.GetOptions{})
					return apierrors.IsNotFound(err)
				})
				o = b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Create, Key: d[0].Key, Desired: d[0]}})[0]
			}
			if tc.lasts {
				if o.Err == nil || b.live(t, d[0]).GetUID() != uid {
					t.Errorf("what holds data was deleted: %v", o.Err)
				}
				return
			}
			if o.Err != nil {
				t.Fatal(o.Err)
			}
			if b.live(t, d[0]).GetUID() == uid {
				t.Error("it is still the old one")
			}
			if f := b.Check(t.Context(), b.actor(), d)[0]; f.Err != nil || f.Differs {
				t.Errorf("afterwards a check finds %+v", f)
			}
		})
	}
}

// What would be refused as a new object, too, is never deleted; nor is what isn't
// this App's.
func TestNothingIsDeletedThatCouldNotBeMade(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app.Spec.Sync.Replace = []string{"Deployment"}
	b.apply(b.mustResolve(fixedKinds[0].before)...)
	bad := b.mustResolve(strings.Replace(fixedKinds[0].after, "template: {metadata: {labels: {app: b}}", "template: {metadata: {labels: {app: x}}", 1))
	uid := b.live(t, bad[0]).GetUID()
	o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Update, Key: bad[0].Key, Desired: bad[0]}})[0]
	if o.Err == nil || b.live(t, bad[0]).GetUID() != uid {
		t.Errorf("it was deleted: %v", o.Err)
	}
	b.patchBy(t, bad[0], "ada", "merge", `{"metadata":{"labels":{"plumb.dev/app":"other.app"}}}`)
	good := b.mustResolve(fixedKinds[0].after)
	o = b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Update, Key: good[0].Key, Desired: good[0]}})[0]
	if o.Err == nil || !strings.Contains(o.Err.Error(), "isn't this App's") || b.live(t, good[0]).GetUID() != uid {
		t.Errorf("another App's object: %v", o.Err)
	}
}

// killer ends a context when a request with its method was answered.
type killer struct {
	next   http.RoundTripper
	method string
	kill   context.CancelFunc
}

// RoundTrip implements http.RoundTripper.
func (k killer) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := k.next.RoundTrip(r)
	if r.Method == k.method {
		k.kill()
	}
	return resp, err
}

// Killed between deleting and making, the object is missing at the next start: it
// counts as one that is declared and not there, and is made.
func TestKilledBetweenDeletingAndMaking(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.app.Spec.Sync.Replace = []string{"Deployment"}
	applied := b.apply(b.mustResolve(fixedKinds[0].before)...)
	d := b.mustResolve(fixedKinds[0].after)[0]
	ctx, cancel := context.WithCancel(t.Context())
	config := controlplanetest.Config(t)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return killer{next, http.MethodDelete, cancel} })
	dying, err := New(config, Options{Log: b.log})
	if err != nil {
		t.Fatal(err)
	}
	if o := dying.Apply(ctx, b.actor(), []plan.Change{{Action: plan.Update, Key: d.Key, Desired: d}})[0]; o.Err == nil {
		t.Fatal("it went on")
	}
	if _, err := b.others(t, d).Get(t.Context(), d.Key.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Fatalf("it isn't gone: %v", err)
	}
	if got := plan.Judge(b.label(), d, plan.Live{}, applied[d.Key]); got != plan.Missing {
		t.Errorf("it stands %d, want missing", got)
	}
	b.watch([]plan.Desired{d})
	if o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Create, Key: d.Key, Desired: d}})[0]; o.Err != nil {
		t.Fatal(o.Err)
	}
	if got := b.live(t, d).GetLabels()[object.LabelApp]; got != b.label() {
		t.Errorf("its App is %q", got)
	}
}
