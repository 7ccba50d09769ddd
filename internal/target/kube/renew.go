package kube

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/internal/generate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/sight"
	"plumb.dev/plumb/internal/target"
)

var _ target.Renewer = (*Cluster)(nil)

// Renewals implements target.Renewer.
func (c *Cluster) Renewals() map[object.Key]plan.Renewal { return c.view.Due() }

// RenewalsChanged implements target.Renewer.
func (c *Cluster) RenewalsChanged() <-chan struct{} { return c.view.DueNews() }

// restarter is the field manager of restarts: a field that isn't ours to declare,
// and so no drift.
const restarter = object.FieldManager + "-restart"

// Restart implements target.Renewer, as kubectl rollout restart does.
func (c *Cluster) Restart(ctx context.Context, as target.Actor, workload object.Key, cause string) error {
	patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{%q:%q}}}}}`, object.Domain+"/restarted", cause)
	_, err := c.mark(ctx, as, workload, types.MergePatchType, patch)
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%w: %s", target.ErrGone, workload)
	}
	return explain(workload, err)
}

// Restarted implements target.Renewer. A mark of a newer time stays, and where
// there is none any more nothing is to be done.
func (c *Cluster) Restarted(ctx context.Context, as target.Actor, secret object.Key, since time.Time) error {
	const path = "/metadata/annotations/" + object.Domain + "~1restart-due" // RFC 6901
	patch := fmt.Sprintf(`[{"op":"test","path":%q,"value":%q},{"op":"remove","path":%q}]`, path, generate.RestartMark(since), path)
	answer, err := c.mark(ctx, as, secret, types.JSONPatchType, patch)
	switch {
	case apierrors.IsNotFound(err) || apierrors.IsInvalid(err):
		return nil
	case err != nil:
		return explain(secret, err)
	}
	c.view.Answered(sight.Reduce(secret.GroupKind(), answer))
	return nil
}

// mark changes what isn't declared.
func (c *Cluster) mark(ctx context.Context, as target.Actor, key object.Key, how types.PatchType, patch string) (answer *metav1.PartialObjectMetadata, err error) {
	_, k, ok, err := c.kinds.Preferred(ctx, key.GroupKind())
	if err == nil && !ok {
		err = fmt.Errorf("%w: %s", target.ErrUnknownKind, key.GroupKind())
	}
	if err != nil {
		return nil, err
	}
	cs, err := c.as(as)
	if err != nil {
		return nil, err
	}
	err = c.limited(ctx, func(ctx context.Context) error {
		answer, err = metadataOf(cs, k, key).Patch(ctx, key.Name, how, []byte(patch), metav1.PatchOptions{FieldManager: restarter})
		return err
	})
	return answer, err
}
