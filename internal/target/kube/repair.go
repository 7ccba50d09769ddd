package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// repairManager is in whose name a fields.Mend is carried out.
const repairManager = object.FieldManager + "-repair"

// repair carries out a repair, before the object is applied.
func (c *Cluster) repair(ctx context.Context, as target.Actor, d plan.Desired, patch []byte) error {
	return c.patchAs(ctx, as, d, repairManager, patch)
}

// forgetRepair takes the repair's own entry out of the managed fields: what it
// wrote is ours by the apply, and must not stay owned when we let it go. Whoever
// writes the object meanwhile may move the entry to another place.
func (c *Cluster) forgetRepair(ctx context.Context, as target.Actor, d plan.Desired, entries []metav1.ManagedFieldsEntry) (err error) {
	for range tries {
		i := slices.IndexFunc(entries, func(e metav1.ManagedFieldsEntry) bool { return e.Manager == repairManager })
		if i < 0 {
			return nil
		}
		if err = c.forgetEntry(ctx, as, d, i); !apierrors.IsInvalid(err) {
			return err
		}
		live, failed := c.Object(ctx, as, d.Key, d.APIVersion)
		if failed != nil || live == nil {
			return failed
		}
		entries = live.GetManagedFields()
	}
	return err
}

// forgetEntry takes the entry of a place out, if it is the repair's.
func (c *Cluster) forgetEntry(ctx context.Context, as target.Actor, d plan.Desired, place int) error {
	at := fmt.Sprintf("/metadata/managedFields/%d", place)
	patch, err := json.Marshal([]fields.Operation{{Op: "test", Path: at + "/manager", Value: repairManager}, {Op: "remove", Path: at}})
	if err != nil {
		return err
	}
	return c.patchAs(ctx, as, d, repairManager, patch)
}

func (c *Cluster) patchAs(ctx context.Context, as target.Actor, d plan.Desired, manager string, patch []byte) error {
	k, err := c.served(ctx, d)
	if err != nil {
		return err
	}
	cs, err := c.as(as)
	if err != nil {
		return err
	}
	return c.limited(ctx, func(ctx context.Context) error {
		_, err := metadataOf(cs, k, d.Key).Patch(ctx, d.Key.Name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: manager})
		return err
	})
}
