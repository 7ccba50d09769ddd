package sight

import (
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/generate"
	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

// Reduce makes the record of a live object for those who don't ask for its health.
func Reduce(gk schema.GroupKind, o metav1.Object) plan.Live { return ReduceBy(nil, gk, o) }

// ReduceBy makes the record of a live object. What comes as metadata only is of
// a kind whose health needs no more than being there.
func ReduceBy(judge *health.Judge, gk schema.GroupKind, o metav1.Object) plan.Live {
	annotations := o.GetAnnotations()
	key := object.Key{Group: gk.Group, Kind: gk.Kind, Namespace: o.GetNamespace(), Name: o.GetName()}
	live := plan.Live{
		Key:         key,
		UID:         string(o.GetUID()),
		Version:     Version(o.GetResourceVersion()),
		App:         o.GetLabels()[object.LabelApp],
		Own:         annotations[object.AnnotationID] == key.ID(),
		Root:        annotations[object.AnnotationRoot],
		Digest:      annotations[object.AnnotationDigest],
		Origin:      annotations[object.AnnotationOrigin],
		Revision:    annotations[object.AnnotationRevision],
		Fingerprint: fields.Fingerprint(o.GetManagedFields()),
		Health:      health.Verdict{Health: status.Healthy},
		Deleting:    o.GetDeletionTimestamp() != nil,
		Keep:        annotations[object.AnnotationPrune] == object.PruneNever,
		Renewal:     plan.Renewal{Due: generate.DueOf(annotations), Restart: generate.RestartDue(annotations)},
	}
	live.Wave, _ = hooks.Wave(annotations) // what can't be read was told when it was rendered
	switch whole, ok := o.(*unstructured.Unstructured); {
	case live.Deleting:
		live.Health = health.DeletingAs(o)
	case ok && judge != nil:
		live.Health = judge.Of(live.App, whole)
	}
	live.Run = hooks.RunOf(gk, o, live.Health)
	return live
}

// Version reads a resource version. The API promises that those of one kind can
// be compared as numbers.
func Version(s string) uint64 {
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0
	}
	return v
}
