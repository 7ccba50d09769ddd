package kube

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/generate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/target"
)

// mostFields bounds how many fields of one object are told.
const mostFields = 50

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
	s := sides{desired: d, live: live, wanted: wanted, declared: declared, mask: as.Redact.Of(declared, contentOrNil(live), contentOrNil(wanted))}
	if live != nil && (err == nil || apierrors.IsInvalid(err)) && (!as.Values || s.wasDeclared(d)) {
		s.mend = fields.MendOf(live, declared)
	}
	finding := target.Finding{Key: d.Key, Exists: live != nil, Live: liveRecord(d, live), Repair: s.mend.Patch}
	if err != nil && s.mend.Patch == nil {
		return c.takeRefusal(ctx, as, s, finding, err)
	}
	if err != nil { // as it is, what is declared is refused; the repair comes first
		s.wanted = s.mend.On(s.live)
	}
	finding.From = h.from
	taken := fields.Ours(s.wanted).Difference(fields.Ours(live)).Difference(s.generated())
	finding.Differs = h.moves || s.mend.Patch != nil || !taken.Empty() || !reflect.DeepEqual(content(live), content(s.wanted))
	switch {
	case finding.Differs && as.Values:
		s.tellValues(d, &finding)
	case s.mend.Patch != nil:
		finding.Fields = s.mendedFields()
	case finding.Differs:
		finding.Fields = s.fieldsThatDiffer(taken)
	}
	return finding
}

// generated are the fields of a Secret whose values nothing in Git says: whoever
// changes one keeps it.
func (s sides) generated() *fieldpath.Set {
	set := fieldpath.NewSet()
	if s.desired.Key.Kind == "Secret" {
		for _, key := range generate.KeysOf(s.declared) {
			set.Insert(fieldpath.MakePathOrDie("data", key))
		}
	}
	return set
}

// takeRefusal tells of a change that the server refuses: a conflict, unless the
// object may be deleted and made anew for it.
func (c *Cluster) takeRefusal(ctx context.Context, as target.Actor, s sides, f target.Finding, err error) target.Finding {
	found, ok := c.stuckAt(ctx, as, s, err)
	switch {
	case !ok:
		f.Err = refusalOf(explainMasked(f.Key, err, s.mask), err)
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
	return reduce(d.Key.GroupKind(), live)
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

// content is an object without what the server keeps for itself.
func content(o *unstructured.Unstructured) map[string]any {
	out := copyShallow(o.Object)
	delete(out, "status")
	if metadata, ok := out["metadata"].(map[string]any); ok {
		for _, name := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"} {
			delete(metadata, name)
		}
	}
	return out
}

// sides are what is compared of one object.
type sides struct {
	desired      plan.Desired
	live, wanted *unstructured.Unstructured
	declared     map[string]any
	mend         fields.Mend
	mask         redact.Mask
}

// wasDeclared says whether the object was applied as it is declared now.
func (s sides) wasDeclared(d plan.Desired) bool {
	return s.live.GetAnnotations()[object.AnnotationDigest] == d.Digest
}

// mendedFields names what a repair puts right.
func (s sides) mendedFields() []plan.Field {
	shown := s.mask.Show(s.live.Object)
	list := make([]plan.Field, 0, len(s.mend.Elements))
	for _, p := range s.mend.Elements {
		list = append(list, plan.Field{
			Path: fields.Text(p, shown), Pointer: fields.Pointer(p[:len(p)-1], s.declared), Owner: s.mend.Owner, Before: valueAt(shown, p),
		})
	}
	return list
}

// fieldsThatDiffer names the fields that were taken from us, with who took
// them; or, when ownership tells nothing (the field manager's name was used by
// someone else), those whose values differ.
func (s sides) fieldsThatDiffer(taken *fieldpath.Set) []plan.Field {
	owners := fields.OwnersOf(s.live)
	before, after := s.mask.Show(s.live.Object), s.mask.Show(s.wanted.Object)
	var list []plan.Field
	taken.Leaves().Iterate(func(p fieldpath.Path) {
		if p = fields.Visible(p, after); len(list) < mostFields {
			list = append(list, plan.Field{
				Path: fields.Text(p, after), Pointer: fields.Pointer(p, s.declared), Owner: owners.Taker(p), Before: valueAt(before, p), After: valueAt(after, p),
			})
		}
	})
	if len(list) > 0 {
		return list
	}
	for _, spot := range plan.Diff(s.mask.Show(content(s.live)), s.mask.Show(content(s.wanted)), fields.Keys(s.live, s.wanted)) {
		list = append(list, plan.Field{Path: spot.Path(), Pointer: fields.Pointer(spot.At, s.declared), Before: spot.Before, After: spot.After})
	}
	return list[:min(len(list), mostFields)]
}

// valueAt is what is at a path of an object as it may be shown, or nil.
func valueAt(shown map[string]any, p fieldpath.Path) *plan.Value {
	if node := fields.Node(shown, p); node != nil {
		return plan.Shown(node)
	}
	return nil
}
