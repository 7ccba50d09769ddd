package kube

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"

	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/sides"
	"plumb.dev/plumb/internal/sight"
	"plumb.dev/plumb/internal/target"
)

// Check asks the server how declared objects differ from the live ones. It
// costs two requests an object, and changes nothing.
func (c *Cluster) Check(ctx context.Context, as target.Actor, desired []plan.Desired) []target.Finding {
	with := comingWith(as, desired)
	findings := make([]target.Finding, len(desired))
	inParallel(indices(len(desired)), func(i int) { findings[i] = c.checkOne(ctx, as, desired[i], with) })
	return findings
}

func (c *Cluster) checkOne(ctx context.Context, as target.Actor, d plan.Desired, with coming) target.Finding {
	var declared map[string]any
	body, err := c.tried(d, d.Body, nil)
	if err == nil {
		err = json.Unmarshal(body, &declared)
	}
	if err != nil {
		return target.Finding{Key: d.Key, Err: fmt.Errorf("its JSON can't be read: %w", err)}
	}
	h, err := c.handingNow(ctx, as, d)
	live, wanted := h.live, h.wanted
	if live == nil && (apierrors.IsNotFound(err) || errors.Is(err, target.ErrSkipped)) {
		if !as.Values && apierrors.IsNotFound(err) {
			return target.Finding{Key: d.Key, Differs: true}
		}
		return c.checkMissing(ctx, as, missing{d, declared, as.Redact.Of(declared), with, err})
	}
	if live != nil {
		if held := heldBack(d, live); held != nil {
			return target.Finding{Key: d.Key, Exists: true, Err: answered{held}}
		}
	}
	s := sides.Sides{Desired: d, Live: live, Wanted: wanted, Declared: declared, Mask: as.Redact.Of(declared, contentOrNil(live), contentOrNil(wanted))}
	if live != nil && (err == nil || apierrors.IsInvalid(err)) && (!as.Values || s.WasDeclared()) {
		s.Mend = fields.MendOf(live, declared)
	}
	finding := target.Finding{Key: d.Key, Exists: live != nil, Live: liveRecord(d, live), Repair: s.Mend.Patch}
	if err != nil && s.Mend.Patch == nil {
		return c.takeRefusal(ctx, as, s, finding, err)
	}
	if err != nil { // as it is, what is declared is refused; the repair comes first
		s.Wanted = s.Mend.On(s.Live)
	}
	finding.From = h.from
	switch finding.Differs = h.moves || s.Differ(); {
	case finding.Differs && as.Values:
		told := s.Values()
		finding.Fields, finding.More, finding.Digest = told.Fields, told.More, told.Digest
	case finding.Differs:
		finding.Fields = s.Drift()
	}
	return finding
}

// takeRefusal tells of a change that the server refuses: a conflict, unless the
// object may be deleted and made anew for it.
func (c *Cluster) takeRefusal(ctx context.Context, as target.Actor, s sides.Sides, f target.Finding, err error) target.Finding {
	found, ok := c.stuckAt(ctx, as, s, err)
	switch {
	case !ok:
		f.Err = refusalOf(explainMasked(f.Key, err, s.Mask), err)
	case found.err != nil:
		f.Err, f.Fields = answered{found.err}, found.fields
	default:
		f.Differs, f.Replaces, f.Fields = true, found.text, found.fields
	}
	return f
}

// liveRecord is the record of a live object, or none.
func liveRecord(d plan.Desired, live *unstructured.Unstructured) plan.Live {
	if live == nil {
		return plan.Live{}
	}
	return sight.Reduce(d.Key.GroupKind(), live)
}

func contentOrNil(o *unstructured.Unstructured) map[string]any {
	if o == nil {
		return nil
	}
	return o.Object
}

// liveAndWanted reads an object as it is, and as it would be after an apply.
func (c *Cluster) liveAndWanted(ctx context.Context, as target.Actor, d plan.Desired) (live, wanted *unstructured.Unstructured, err error) {
	k, err := c.served(ctx, d)
	if err != nil {
		return nil, nil, err
	}
	cs, err := c.as(as)
	if err != nil {
		return nil, nil, err
	}
	objects := contentOf(cs, k, d.Key)
	for range tries {
		err = c.limited(ctx, func(ctx context.Context) error {
			if live, err = objects.Get(ctx, d.Key.Name, metav1.GetOptions{}); err != nil {
				live = nil
				return err
			}
			body, err := c.bodyFor(d, live)
			if err != nil {
				return err
			}
			wanted, err = objects.Patch(ctx, d.Key.Name, types.ApplyPatchType, body, tryOptions())
			return err
		})
		if err != nil || live.GetResourceVersion() == wanted.GetResourceVersion() {
			break // a dry run shows the version that it started from
		}
	}
	return live, wanted, err
}

// tryOptions are those of an apply that changes nothing.
func tryOptions() metav1.PatchOptions {
	options := applyOptions()
	options.DryRun = []string{metav1.DryRunAll}
	return options
}

// bodyFor is what an object is compared with: an object whose content is as
// declared keeps the commit that gave it that content, and so doesn't differ by
// the mere number of a newer one.
func (c *Cluster) bodyFor(d plan.Desired, live *unstructured.Unstructured) ([]byte, error) {
	annotations := live.GetAnnotations()
	if annotations[object.AnnotationDigest] == d.Digest {
		at, err := d.At(annotations[object.AnnotationRevision])
		if err != nil {
			return nil, err
		}
		d = at
	}
	return c.tried(d, d.Body, live.Object)
}

// tries is how often an object that others write between our two looks at it
// is looked at again.
const tries = 4
