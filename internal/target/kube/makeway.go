package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/refusal"
	"plumb.dev/plumb/internal/replace"
	"plumb.dev/plumb/internal/sides"
	"plumb.dev/plumb/internal/target"
)

// stuck is a change that the server refuses because fields can't be changed in place.
type stuck struct {
	fields []plan.Field
	text   string // which, from what to what
	err    error  // what to do about it; nil where the object is to be deleted and made anew
}

// stuckAt reads the server's refusal of a change to a live object; false is a
// refusal for another reason, or of a definition, which is never deleted. What is to be replaced is tried first: an object
// that would be refused as a new one, too, is never deleted.
func (c *Cluster) stuckAt(ctx context.Context, as target.Actor, s sides.Sides, err error) (stuck, bool) {
	d := s.Desired
	said, ok := refusal.Of(err)
	if s.Live == nil || !ok || plan.StageOf(d.Key) == plan.StageDefinition {
		return stuck{}, false
	}
	fixed := replace.FixedBy(said)
	if !fixed.Any() {
		return stuck{}, false
	}
	found := stuck{fields: s.Fixed(fixed)}
	found.text = "can't be changed in place: " + cmp.Or(sides.InWords(found.fields, s.Mask.Hides()), strings.Join(fixed.Fields, ", "))
	switch {
	case replace.Never(d.Key) != "" || !d.Replace:
		found.err = fmt.Errorf("%s; %s", found.text, replace.Advice(d.Key))
	case s.Live.GetLabels()[object.LabelApp] != labelOf(s.Declared):
		found.err = fmt.Errorf("%s; it isn't this App's yet, so it isn't deleted: delete it by hand, or undo the change in Git", found.text)
	default:
		if err := c.tryAnother(ctx, as, d); err != nil {
			found.err = fmt.Errorf("%s; it isn't deleted to be made anew, for that would be refused as well: %w", found.text, explainMasked(d.Key, err, s.Mask))
		}
	}
	return found, true
}

func labelOf(o map[string]any) string {
	label, _, _ := unstructured.NestedString(o, "metadata", "labels", object.LabelApp)
	return label
}

// tryAnother has the server say whether it would take an object as a new one:
// under another name, for its own is taken.
func (c *Cluster) tryAnother(ctx context.Context, as target.Actor, d plan.Desired) error {
	body, err := c.tried(d, d.Body, nil)
	if err == nil {
		body, err = inMetadata(body, "name", replace.TrialName(d.Key.Name))
	}
	if err != nil {
		return err
	}
	trial := d
	trial.Key.Name, trial.Body = replace.TrialName(d.Key.Name), body
	_, err = c.tryToMake(ctx, as, missing{Desired: trial})
	if said, ok := refusal.Of(err); ok && replace.Passes(said) {
		return nil
	}
	return err
}

// makeWay deletes an object whose change the server refuses, if that may be, and
// says why. What isn't gone at once is waited for outside of here.
func (c *Cluster) makeWay(ctx context.Context, as target.Actor, d plan.Desired, refused error) (why string, err error) {
	live, err := c.Object(ctx, as, d.Key, d.APIVersion)
	if err != nil || live == nil {
		return "", err
	}
	var declared map[string]any
	if err := json.Unmarshal(d.Body, &declared); err != nil {
		return "", fmt.Errorf("its JSON can't be read: %w", err)
	}
	s := sides.Sides{Desired: d, Live: live, Declared: declared, Mask: as.Redact.Of(declared, live.Object)}
	found, ok := c.stuckAt(ctx, as, s, refused)
	switch {
	case !ok:
		return "", explainMasked(d.Key, refused, s.Mask)
	case found.err != nil:
		return "", found.err
	case as.DryRun:
		return found.text, nil
	}
	uid, propagation := live.GetUID(), replace.Propagation(d.Key)
	err = c.deleteWith(ctx, as, d.Key, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &uid}, PropagationPolicy: &propagation,
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return "", fmt.Errorf("delete it, to make it anew: %w", explainMasked(d.Key, err, s.Mask))
	}
	c.view.Deleting(d.Key, string(uid))
	after, err := c.Object(ctx, as, d.Key, d.APIVersion)
	if err == nil && after != nil && after.GetUID() == types.UID(uid) {
		err = fmt.Errorf("%w: it %s, and is made anew when it is gone", target.ErrSkipped, found.text)
	}
	return found.text, err
}
