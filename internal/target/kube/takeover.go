package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/internal/adopt"
	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// takeOver readies a live object for the apply of what is declared: nothing
// where it is nobody's, a refusal where another tool holds it, and a change of
// its fields' owners where the App adopts it: it says whom from. The apply that
// follows lets go of what only the old owners had.
func (c *Cluster) takeOver(ctx context.Context, as target.Actor, d plan.Desired) (from string, err error) {
	for range tries {
		live, err := c.Object(ctx, as, d.Key, d.APIVersion)
		if err != nil || live == nil {
			return "", err
		}
		if err := heldBack(d, live); err != nil {
			return "", err
		}
		if as.DryRun || !adopts(d, live.GetAnnotations()) {
			return "", nil
		}
		h, err := c.handingNow(ctx, as, d)
		if err != nil || !h.moves {
			return "", nil // the apply tells what is wrong
		}
		if err = c.handOver(ctx, as, d, h); !apierrors.IsConflict(err) {
			return h.from, err
		} // someone wrote it meanwhile
	}
	return "", errors.New("others write it all the time, so it can't be taken over; it is tried again")
}

// heldBack says why an object that another tool holds is left to it.
func heldBack(d plan.Desired, live *unstructured.Unstructured) error {
	holder := adopt.HolderOf(d.Key, live)
	if holder.IsZero() || d.Adopt || live.GetLabels()[object.LabelApp] != "" {
		return nil
	}
	return fmt.Errorf("is held by %s: to take it over, set sync.adopt in the App, or the annotation %s: \"true\" on the object, and have %s let go of it; "+
		"or else remove it from Git", holder, object.AnnotationAdopt, holder.Tool)
}

// handing is how the fields of a live object change hands.
type handing struct {
	live   *unstructured.Unstructured
	wanted *unstructured.Unstructured // as the apply leaves it after that
	moves  bool                       // whether any do
	move   adopt.Move
	from   string // whom it is taken over from
}

// handingNow compares a declared object with the live one as it is to be applied:
// where it is adopted, after that. An error of the apply comes with the live object.
func (c *Cluster) handingNow(ctx context.Context, as target.Actor, d plan.Desired) (h handing, err error) {
	for range tries {
		var live, wanted *unstructured.Unstructured
		live, wanted, err = c.liveAndWanted(ctx, as, d)
		switch {
		case live != nil && apierrors.IsInvalid(err):
			h, err = c.amendedBy(ctx, as, d, live, err)
		case err != nil:
			return handing{live: live, wanted: wanted}, err
		default:
			h, err = c.handingOf(ctx, as, d, live, wanted)
		}
		if !apierrors.IsConflict(err) {
			return h, err
		} // someone wrote it meanwhile
	}
	return h, err
}

// handingOf finds out what taking an object over comes to; wanted is the live
// object as an apply alone leaves it. What the server would not let go stays.
func (c *Cluster) handingOf(ctx context.Context, as target.Actor, d plan.Desired, live, wanted *unstructured.Unstructured) (handing, error) {
	h := handing{live: live, wanted: wanted}
	if !adopts(d, live.GetAnnotations()) {
		return h, nil
	}
	move, moves := adopt.MoveOf(live, d.Key, d.APIVersion, c.now())
	if !moves {
		return h, nil
	}
	h.moves, h.move, h.from = true, move, move.FromText(adopt.HolderOf(d.Key, live))
	gone := move.Gone(live, wanted)
	if len(gone.Paths) == 0 {
		return h, nil
	}
	after, err := c.tryUpdate(ctx, as, d, adopt.Without(wanted, gone.Paths))
	switch {
	case apierrors.IsInvalid(err):
		h.move = move.Leave(gone)
	case err != nil:
		return h, err
	default:
		h.wanted = after
	}
	return h, nil
}

// tryUpdate has the server say what would become of an object.
func (c *Cluster) tryUpdate(ctx context.Context, as target.Actor, d plan.Desired, o *unstructured.Unstructured) (after *unstructured.Unstructured, err error) {
	return c.update(ctx, as, d, o, metav1.UpdateOptions{FieldManager: object.FieldManager, DryRun: []string{metav1.DryRunAll}})
}

// update writes an object whole.
func (c *Cluster) update(ctx context.Context, as target.Actor, d plan.Desired, o *unstructured.Unstructured, options metav1.UpdateOptions) (after *unstructured.Unstructured, err error) {
	k, err := c.served(ctx, d)
	if err != nil {
		return nil, err
	}
	cs, err := c.as(as)
	if err != nil {
		return nil, err
	}
	err = c.limited(ctx, func(ctx context.Context) error {
		after, err = contentOf(cs, k, d.Key).Update(ctx, o, options)
		return err
	})
	return after, err
}

// handOver changes the owners of a live object's fields, and nothing else.
func (c *Cluster) handOver(ctx context.Context, as target.Actor, d plan.Desired, h handing) error {
	patch, err := json.Marshal([]fields.Operation{
		{Op: "replace", Path: "/metadata/managedFields", Value: h.move.Entries()},
		{Op: "replace", Path: "/metadata/resourceVersion", Value: h.live.GetResourceVersion()},
	})
	if err != nil {
		return err
	}
	return c.patchAs(ctx, as, d, object.FieldManager, patch)
}
