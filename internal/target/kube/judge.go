package kube

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/sight"
	"plumb.dev/plumb/internal/target"
)

var _ target.Judge = (*Cluster)(nil)

// JudgeBy implements target.Judge. The view keeps no objects, so the App's own
// ones of the kinds whose rules changed are read once more; nothing else is.
func (c *Cluster) JudgeBy(label string, rules []v1alpha1.HealthRule) {
	for _, gk := range c.judge.Set(label, rules) {
		c.watches.mu.Lock()
		w := c.watches.byKind[gk]
		c.watches.mu.Unlock()
		if w == nil {
			continue // what is listed from now on is judged by the new rules
		}
		c.running.Go(func() {
			// Only the end of ctx ends it otherwise.
			_ = wait.ExponentialBackoffWithContext(c.ctx, *watchBackoff(), func(ctx context.Context) (bool, error) {
				err := c.judgeAnew(ctx, gk, label)
				if err != nil {
					c.log.Warn("objects can't be judged by their App's new rules yet; trying again", "kind", gk.String(), "app", label, "error", err)
				}
				return err == nil, nil
			})
		})
	}
}

// judgeAnew reads the objects of one kind that carry a label.
func (c *Cluster) judgeAnew(ctx context.Context, gk schema.GroupKind, label string) error {
	_, k, ok, err := c.kinds.Preferred(ctx, gk)
	if err != nil || !ok {
		return err
	}
	list, err := c.dynamic.Resource(k.Resource).List(ctx, metav1.ListOptions{LabelSelector: object.LabelApp + "=" + label})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return unreachable(fmt.Errorf("list %s: %w", gk, err))
	}
	for i := range list.Items {
		c.view.Rejudge(sight.ReduceBy(c.judge, gk, &list.Items[i]))
	}
	return nil
}
