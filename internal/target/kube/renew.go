package kube

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/target"
)

var _ target.Renewer = (*Cluster)(nil)

// Renewals implements target.Renewer.
func (c *Cluster) Renewals() map[object.Key]time.Time { return c.view.Due() }

// RenewalsChanged implements target.Renewer.
func (c *Cluster) RenewalsChanged() <-chan struct{} { return c.view.DueNews() }

// restarter is the field manager of restarts: a field that isn't ours to declare,
// and so no drift.
const restarter = object.FieldManager + "-restart"

// Restart implements target.Renewer, as kubectl rollout restart does.
func (c *Cluster) Restart(ctx context.Context, as target.Actor, workload object.Key, at time.Time) error {
	_, k, ok, err := c.kinds.Preferred(ctx, workload.GroupKind())
	if err == nil && !ok {
		err = fmt.Errorf("%w: %s", target.ErrUnknownKind, workload.GroupKind())
	}
	if err != nil {
		return err
	}
	cs, err := c.as(as)
	if err != nil {
		return err
	}
	patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{%q:%q}}}}}`, object.Domain+"/restarted", at.UTC().Format(time.RFC3339))
	err = c.limited(ctx, func(ctx context.Context) error {
		_, err := metadataOf(cs, k, workload).Patch(ctx, workload.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: restarter})
		return err
	})
	return explain(workload, err)
}
