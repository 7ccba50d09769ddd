package kube

import (
	"cmp"
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"

	"plumb.dev/plumb/internal/adopt"
	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/refusal"
	"plumb.dev/plumb/internal/replace"
	"plumb.dev/plumb/internal/target"
)

// An apply only adds to what is live and lets go of what was ours. So what is
// declared may be refused for what stands beside it: parameters of a strategy that
// the server filled in and that nobody owns, or fields of a tool that the object is
// just taken over from. Such an object is amended: it is written once as it is to
// be, with the repair's name, and then applied.

// amended is a live object as it is to be; the error is the refusal of its apply
// where that has another reason.
func amended(live *unstructured.Unstructured, body []byte, move adopt.Move, refused error) (*unstructured.Unstructured, error) {
	said, ok := refusal.Of(refused)
	if !ok || !apierrors.IsInvalid(refused) || said.Details == nil || replace.FixedBy(said).Any() {
		return nil, refused
	}
	var declared map[string]any
	if err := json.Unmarshal(body, &declared); err != nil {
		return nil, fmt.Errorf("its JSON can't be read: %w", err)
	}
	strays := fields.Strays(live, declared, said.Details.Causes, move.Others())
	gone := move.GoneFrom(live, declared)
	if len(strays) == 0 && len(gone.Paths) == 0 {
		return nil, refused
	}
	return fields.Merged(adopt.Without(live, append(gone.Paths, strays...)), declared), nil
}

// amendedBy is how an object changes hands and what becomes of it, where its apply
// alone is refused; the error is that refusal where it would be refused all the same.
func (c *Cluster) amendedBy(ctx context.Context, as target.Actor, d plan.Desired, live *unstructured.Unstructured, refused error) (handing, error) {
	h := handing{live: live, move: adopt.Stay(live)}
	if adopts(d, live.GetAnnotations()) {
		if move, moves := adopt.MoveOf(live, d.Key, d.APIVersion, c.now()); moves {
			h.moves, h.move, h.from = true, move, move.FromText(adopt.HolderOf(d.Key, live))
		}
	}
	body, err := c.bodyFor(d, live)
	if err != nil {
		return handing{live: live}, err
	}
	o, err := amended(live, body, h.move, refused)
	if err != nil {
		return handing{live: live}, err
	}
	h.wanted, err = c.update(ctx, as, d, o, metav1.UpdateOptions{FieldManager: repairManager, DryRun: []string{metav1.DryRunAll}})
	return h, instead(err, refused)
}

// amend writes an object as it is to be, where its apply was refused for what
// stands beside what is declared. The error is that refusal where something else
// is wrong.
func (c *Cluster) amend(ctx context.Context, as target.Actor, d plan.Desired, refused error) error {
	options := metav1.UpdateOptions{FieldManager: repairManager, FieldValidation: metav1.FieldValidationStrict}
	if as.DryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	err := refused
	for range tries {
		live, failed := c.Object(ctx, as, d.Key, d.APIVersion)
		if failed != nil || live == nil {
			return cmp.Or(failed, refused)
		}
		body, failed := c.tried(d, d.Body, live.Object)
		if failed != nil {
			return failed
		}
		o, failed := amended(live, body, adopt.Stay(live), refused)
		if failed != nil {
			return failed
		}
		if _, err = c.update(ctx, as, d, o, options); !apierrors.IsConflict(err) {
			break
		} // someone wrote it meanwhile
	}
	return instead(err, refused)
}

// instead is what went wrong: where an amended object is refused, or may not be
// written, what was said first is what people have to know.
func instead(err, refused error) error {
	if apierrors.IsInvalid(err) || apierrors.IsForbidden(err) {
		return refused
	}
	return err
}
