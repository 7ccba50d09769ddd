package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

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
// wrote is ours by the apply, and must not stay owned when we let it go.
func (c *Cluster) forgetRepair(ctx context.Context, as target.Actor, d plan.Desired, entries []metav1.ManagedFieldsEntry) error {
	i := slices.IndexFunc(entries, func(e metav1.ManagedFieldsEntry) bool { return e.Manager == repairManager })
	if i < 0 {
		return nil
	}
	at := fmt.Sprintf("/metadata/managedFields/%d", i)
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
