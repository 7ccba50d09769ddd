package sight

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/internal/fields"
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

func TestReduceBy(t *testing.T) {
	t.Parallel()
	judge := health.NewJudge()
	deployments := schema.GroupKind{Group: "apps", Kind: "Deployment"}
	whole := plan.Live{
		Key: object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}, UID: "u1", Version: 12345678901234567890,
		App: "team.shop", Own: true, Root: "root", Digest: "d1", Origin: "a.yaml", Revision: "c0ffee",
		Fingerprint: fields.Fingerprint([]metav1.ManagedFieldsEntry{entryOf(ownedFields)}),
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
			if diff := cmp.Diff(want, ReduceBy(judge, deployments, u)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			meta := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
				Namespace: u.GetNamespace(), Name: u.GetName(), UID: u.GetUID(), ResourceVersion: u.GetResourceVersion(), Labels: u.GetLabels(),
				Annotations: u.GetAnnotations(), ManagedFields: u.GetManagedFields(), DeletionTimestamp: u.GetDeletionTimestamp(),
			}}
			if !want.Deleting {
				want.Health = health.Verdict{Health: status.Healthy}
			}
			if diff := cmp.Diff(want, ReduceBy(judge, deployments, meta)); diff != "" {
				t.Errorf("of its metadata alone (-want +got)\n%s", diff)
			}
		})
	}
}
