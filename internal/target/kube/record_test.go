package kube

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

const ownedFields = `{"f:metadata":{"f:labels":{"f:a":{},"f:b":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"web\",\"port\":80}":{".":{},"f:image":{}}},"f:set":{"v:\"x\"":{}}}}`

// entryOf is an entry in the managed fields: ours, unless a test changes it.
func entryOf(json string, change ...func(*metav1.ManagedFieldsEntry)) metav1.ManagedFieldsEntry {
	at := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	e := metav1.ManagedFieldsEntry{
		Manager: object.FieldManager, Operation: metav1.ManagedFieldsOperationApply, APIVersion: "apps/v1", FieldsType: "FieldsV1", Time: &at,
	}
	e.FieldsV1 = metav1.NewFieldsV1(json)
	for _, c := range change {
		c(&e)
	}
	return e
}

func TestTheFingerprintIsOfOurEntryAlone(t *testing.T) {
	t.Parallel()
	type entry = metav1.ManagedFieldsEntry
	by := func(manager string) func(*entry) { return func(e *entry) { e.Manager = manager } }
	update := func(e *entry) { e.Operation = metav1.ManagedFieldsOperationUpdate }
	sub := func(e *entry) { e.Subresource = "status" }
	first := fingerprint([]entry{entryOf(ownedFields)})
	if first == 0 {
		t.Fatal("our entry has no fingerprint")
	}
	const reordered = `{"f:spec":{"f:set":{"v:\"x\"":{}},"f:containers":{"k:{\"port\":80,\"name\":\"web\"}":{"f:image":{},".":{}}}},"f:metadata":{"f:labels":{"f:b":{},"f:a":{}}}}`
	const less = `{"f:metadata":{"f:labels":{"f:a":{}}}}`
	const same, moved, none = "is the same", "has moved", "is none"
	for _, tc := range []struct {
		name    string
		entries []entry
		want    string
	}{
		{"the same", []entry{entryOf(ownedFields)}, same},
		{"fields in another order", []entry{entryOf(reordered)}, same},
		{"more space", []entry{entryOf(strings.ReplaceAll(ownedFields, ",", " , "))}, same},
		{"others before and behind", []entry{entryOf(less, by("kubectl")), entryOf(ownedFields), entryOf(ownedFields, by("hpa"), update)}, same},
		{"others' fields change", []entry{entryOf(ownedFields, by("kubectl"), update), entryOf(ownedFields)}, same},
		{"an update under our name", []entry{entryOf(less, update), entryOf(ownedFields)}, same},
		{"a status written under our name", []entry{entryOf(less, sub), entryOf(ownedFields)}, same},

		{"a field less", []entry{entryOf(strings.Replace(ownedFields, `"f:a":{},`, "", 1))}, moved},
		{"a field more", []entry{entryOf(strings.Replace(ownedFields, `"f:a":{},`, `"f:a":{},"f:c":{},`, 1))}, moved},
		{"an element of a list less", []entry{entryOf(strings.Replace(ownedFields, `"v:\"x\"":{}`, "", 1))}, moved},
		{"another element", []entry{entryOf(strings.Replace(ownedFields, `\"web\"`, `\"db\"`, 1))}, moved},
		{"another time", []entry{entryOf(ownedFields, func(e *entry) { at := metav1.NewTime(e.Time.Add(time.Second)); e.Time = &at })}, moved},
		{"no time", []entry{entryOf(ownedFields, func(e *entry) { e.Time = nil })}, moved},
		{"another version", []entry{entryOf(ownedFields, func(e *entry) { e.APIVersion = "apps/v2" })}, moved},
		{"no fields left", []entry{entryOf(`{}`)}, moved},

		{"no entries", nil, none},
		{"only others'", []entry{entryOf(ownedFields, by("kubectl")), entryOf(ownedFields, by("Plumb"))}, none},
		{"only an update under our name", []entry{entryOf(ownedFields, update)}, none},
		{"only a status under our name", []entry{entryOf(ownedFields, sub)}, none},
		{"an empty entry, as of who cleared all", []entry{{}}, none},
	} {
		got := fingerprint(tc.entries)
		is := moved
		switch got {
		case first:
			is = same
		case 0:
			is = none
		}
		if is != tc.want {
			t.Errorf("%s: the fingerprint %s, want that it %s", tc.name, is, tc.want)
		}
	}
}

// A later Kubernetes may write what this one can't read. A change of it must
// not go unseen: the fingerprint moves, or there is none to trust.
func TestAnEntryThatCantBeReadHidesNoChange(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{`{"x:new":{"f:a":{}}}`, `{"x:new":{"f:b":{}}}`}, {`{"f:a":`, `{"f:b":`}, {`[]`, `[{}]`}, {`{"x:new":{}}`, `{}`},
	} {
		one, other := fingerprint([]metav1.ManagedFieldsEntry{entryOf(pair[0])}), fingerprint([]metav1.ManagedFieldsEntry{entryOf(pair[1])})
		if one == other && one != 0 {
			t.Errorf("%s and %s have one fingerprint", pair[0], pair[1])
		}
	}
}

// Any bytes may stand where the fields do; they give a fingerprint or none.
func FuzzFingerprint(f *testing.F) {
	f.Add(ownedFields)
	f.Add(`{"k:{\"a\":1}":{"v:[]":{}}}`)
	f.Add(`{"i:0":{},"f:":{}}`)
	f.Fuzz(func(t *testing.T, json string) {
		one := fingerprint([]metav1.ManagedFieldsEntry{entryOf(json)})
		if two := fingerprint([]metav1.ManagedFieldsEntry{entryOf(`{}`, func(e *metav1.ManagedFieldsEntry) { e.Manager = "x" }), entryOf(json)}); one != two {
			t.Errorf("the fingerprint of %q is %d and %d", json, one, two)
		}
	})
}

func liveObject(change ...func(*unstructured.Unstructured)) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "spec": map[string]any{"replicas": int64(2)}}}
	u.SetNamespace("shop")
	u.SetName("web")
	u.SetUID(types.UID("u1"))
	u.SetResourceVersion("12345678901234567890")
	u.SetLabels(map[string]string{object.LabelApp: "team.shop", "x": "y"})
	u.SetAnnotations(map[string]string{
		object.AnnotationID: "apps/Deployment/shop/web", object.AnnotationRoot: "root", object.AnnotationDigest: "d1",
		object.AnnotationOrigin: "a.yaml", object.AnnotationRevision: "c0ffee",
	})
	u.SetManagedFields([]metav1.ManagedFieldsEntry{entryOf(ownedFields)})
	for _, c := range change {
		c(u)
	}
	return u
}

func TestReduce(t *testing.T) {
	t.Parallel()
	deployments := schema.GroupKind{Group: "apps", Kind: "Deployment"}
	whole := plan.Live{
		Key: object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}, UID: "u1", Version: 12345678901234567890,
		App: "team.shop", Own: true, Root: "root", Digest: "d1", Origin: "a.yaml", Revision: "c0ffee",
		Fingerprint: fingerprint([]metav1.ManagedFieldsEntry{entryOf(ownedFields)}),
		Health:      health.Verdict{Health: status.Progressing, Message: "Replicas: 0/2"},
	}
	annotate := func(name, value string) func(*unstructured.Unstructured) {
		return func(u *unstructured.Unstructured) {
			a := u.GetAnnotations()
			a[name] = value
			u.SetAnnotations(a)
		}
	}
	deleted := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	for _, tc := range []struct {
		name   string
		change func(*unstructured.Unstructured)
		want   func(*plan.Live)
	}{
		{"as it was applied", func(*unstructured.Unstructured) {}, func(*plan.Live) {}},
		{"a copy by a controller", annotate(object.AnnotationID, "apps/Deployment/shop/original"), func(l *plan.Live) { l.Own = false }},
		{"without an id", annotate(object.AnnotationID, ""), func(l *plan.Live) { l.Own = false }},
		{"to be kept", annotate(object.AnnotationPrune, "never"), func(l *plan.Live) { l.Keep = true }},
		{"with another word about pruning", annotate(object.AnnotationPrune, "Never"), func(*plan.Live) {}},
		{"with no labels", func(u *unstructured.Unstructured) { u.SetLabels(nil) }, func(l *plan.Live) { l.App = "" }},
		{"with no annotations", func(u *unstructured.Unstructured) { u.SetAnnotations(nil) }, func(l *plan.Live) {
			l.Own, l.Root, l.Digest, l.Origin, l.Revision = false, "", "", "", ""
		}},
		{"with no managed fields", func(u *unstructured.Unstructured) { u.SetManagedFields(nil) }, func(l *plan.Live) { l.Fingerprint = 0 }},
		{"being deleted", func(u *unstructured.Unstructured) { u.SetDeletionTimestamp(&deleted) }, func(l *plan.Live) {
			l.Deleting, l.Health = true, health.Deleting()
		}},
		{"paused", func(u *unstructured.Unstructured) { u.Object["spec"] = map[string]any{"paused": true} }, func(l *plan.Live) {
			l.Health = health.Verdict{Health: status.Suspended}
		}},
		{"with a version that is no number", func(u *unstructured.Unstructured) { u.SetResourceVersion("x7") }, func(l *plan.Live) { l.Version = 0 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			want := whole
			tc.want(&want)
			u := liveObject(tc.change)
			if diff := cmp.Diff(want, reduce(deployments, u)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			meta := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
				Namespace: u.GetNamespace(), Name: u.GetName(), UID: u.GetUID(), ResourceVersion: u.GetResourceVersion(), Labels: u.GetLabels(),
				Annotations: u.GetAnnotations(), ManagedFields: u.GetManagedFields(), DeletionTimestamp: u.GetDeletionTimestamp(),
			}}
			if !want.Deleting {
				want.Health = health.Verdict{Health: status.Healthy}
			}
			if diff := cmp.Diff(want, reduce(deployments, meta)); diff != "" {
				t.Errorf("of its metadata alone (-want +got)\n%s", diff)
			}
		})
	}
}

func TestWhatIsSecretIsNeverWatchedWhole(t *testing.T) {
	t.Parallel()
	for kind, want := range map[schema.GroupKind]bool{
		{Kind: "Secret"}:    true,
		{Kind: "ConfigMap"}: true,
		{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}:                       true,
		{Group: "networking.k8s.io", Kind: "NetworkPolicy"}:                             true,
		{Group: "networking.k8s.io", Kind: "Ingress"}:                                   false,
		{Group: "apps", Kind: "Deployment"}:                                             false,
		{Kind: "PersistentVolumeClaim"}:                                                 false,
		{Group: "example.com", Kind: "Gear"}:                                            false,
		{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:               false,
		{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"}: true,
		{Group: "coordination.k8s.io", Kind: "Lease"}:                                   true,
	} {
		if got := metadataOnly(kind); got != want {
			t.Errorf("%s is watched as metadata only: %v, want %v", kind, got, want)
		}
	}
}
