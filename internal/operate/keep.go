package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"plumb.dev/plumb/internal/commit"
	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/origin"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/yamledit"
)

// Keep asks that what was changed by hand be written to Git.
type Keep struct {
	App string
	// Object is the one that was changed; nil is all of the App's.
	Object *object.Key
	// Branch is where the commit goes; one that isn't there begins at what the
	// App follows. Empty is a new one.
	Branch string
	// By and Why go into the message.
	By, Why string
}

// mostKept bounds how many fields one commit keeps: each is rendered anew.
const mostKept = 200

// Keep writes to Git what is live and not as declared, field by field, where
// each field comes from, and pushes it as one commit. What could not be written
// is told, with the reason; where that is all there is, it is a
// status.Refusal. A field counts as kept only if a render of the edited files
// yields what is live and changes nothing else. Of Secrets nothing is written.
func (o *Operator) Keep(ctx context.Context, ask Keep) (status.Resumed, error) {
	known, err := o.Fleet.Known(ctx, ask.App)
	if err != nil {
		return status.Resumed{}, err
	}
	if ask.Object != nil {
		if _, declared := desiredOf(known, *ask.Object); !declared {
			return status.Resumed{}, status.Refuse(status.NotThere, "%s doesn't declare %s", ask.App, ask.Object)
		}
	}
	changes, lost, err := o.changedByHand(ctx, known, ask)
	if err != nil {
		return status.Resumed{}, err
	}
	out := status.Resumed{Lost: lost}
	if len(changes) == 0 {
		return out, refusedAll(ask.App, lost)
	}
	k := keeping{operator: o, ask: ask, known: known, changes: changes}
	if k.others, err = o.Fleet.AllKnown(ctx); err != nil {
		return status.Resumed{}, err
	}
	ref := known.Ref
	done, err := o.Commit.Commit(ctx, commit.Request{
		URL: ref.URL, Branch: o.branchFor(ask), From: &git.Ref{Branch: ref.Branch, Tag: ref.Tag, Commit: ref.Commit}, Edit: k.edit,
	})
	out.Lost = append(out.Lost, k.lost...)
	if err != nil && !errors.Is(err, commit.ErrNothing) {
		return out, fmt.Errorf("keep what was changed in %s: %w", ask.App, err)
	}
	if len(k.kept) == 0 {
		return out, refusedAll(ask.App, out.Lost)
	}
	out.Kept, out.Commit, out.Branch = k.kept, done.Commit, done.Branch
	o.Source.Refresh(ref.URL)
	return out, nil
}

// branchFor is the branch to write to: the one that was named, or a new one.
func (o *Operator) branchFor(ask Keep) string {
	if ask.Branch != "" {
		return ask.Branch
	}
	return "plumb/keep/" + ask.App + "/" + o.Now().UTC().Format("20060102-150405")
}

// refusedAll says that nothing could be kept, and why; nil where there was
// nothing to keep.
func refusedAll(app string, lost []status.Unkept) error {
	if len(lost) == 0 {
		return nil
	}
	const most = 5
	reasons := make([]string, 0, most)
	for _, l := range lost[:min(most, len(lost))] {
		reasons = append(reasons, strings.TrimSpace(l.Key.String()+" "+l.Path)+": "+l.Reason)
	}
	if more := len(lost) - most; more > 0 {
		reasons = append(reasons, fmt.Sprintf("and %d more", more))
	}
	return status.Refuse(status.Moved, "nothing of what was changed in %s can be written to Git: %s", app, strings.Join(reasons, "; "))
}

// changed is a live field that isn't as declared.
type changed struct {
	key     object.Key
	path    yamledit.Path
	text    string // the path for people
	value   any    // what is live
	present bool   // whether anything is
}

// changedByHand finds what is to be kept, and what can't be.
func (o *Operator) changedByHand(ctx context.Context, known pipeline.Known, ask Keep) ([]changed, []status.Unkept, error) {
	var all []changed
	var lost []status.Unkept
	for _, d := range known.Desired {
		mayDiffer := slices.Contains(known.Differ, d.Key)
		if ask.Object != nil && d.Key != *ask.Object || ask.Object == nil && !mayDiffer {
			continue
		}
		live, wanted, err := o.Reader.Forms(ctx, known.Actor, d)
		switch {
		case ctx.Err() != nil:
			return nil, nil, context.Cause(ctx)
		case err != nil:
			lost = append(lost, status.Unkept{Key: d.Key, Reason: "what was changed can't be told: " + err.Error()})
		case live == nil:
			lost = append(lost, status.Unkept{Key: d.Key, Reason: "it was deleted; to keep that, remove its declaration at " + d.Origin.String()})
		default:
			found, unkept := o.differences(known, d.Key, live, wanted)
			all, lost = append(all, found...), append(lost, unkept...)
		}
	}
	if over := len(all) - mostKept; over > 0 {
		return nil, nil, status.Refuse(status.Invalid, "%d fields were changed, above the limit of %d for one commit: keep them object by object", len(all), mostKept)
	}
	return all, lost, nil
}

// differences are the fields of one object that an apply would put back. What
// must not be shown is not written either.
func (o *Operator) differences(known pipeline.Known, key object.Key, live, wanted *unstructured.Unstructured) (found []changed, lost []status.Unkept) {
	shown := o.Hidden.With(known.App.Spec.Sensitive...).Of(live.Object, wanted.Object).Show(live.Object)
	for _, spot := range spotsOf(content(live), content(wanted), fields.Keys(live, wanted)) {
		if isMark(spot.At) {
			continue
		}
		c := changed{key: key, path: steps(spot.At), text: fields.Text(spot.At, shown), present: spot.Before != nil}
		c.value = fields.Node(live.Object, spot.At)
		if spot.as != nil { // it is known by something else in Git
			c.path = steps(spot.as)
		}
		unkept := func(reason string) { lost = append(lost, status.Unkept{Key: key, Path: c.text, Reason: reason}) }
		switch {
		case key.Kind == "Secret" && key.Group == "":
			unkept("values of Secrets are never written to Git")
		case c.present && !origin.Equal(fields.Node(shown, spot.At), c.value):
			unkept("it is sensitive, and never written to Git")
		case c.present && !origin.Equal(spot.Was, c.value):
			unkept("elements are in another order; change that by hand")
		case spot.At.Equals(fieldpath.MakePathOrDie("metadata", "labels")), spot.At.Equals(fieldpath.MakePathOrDie("metadata", "annotations")):
			unkept("all of them were removed; remove them by hand")
		default:
			found = append(found, c)
		}
	}
	return found, lost
}

// content is an object without what the server keeps for itself, and without
// our own marks.
func content(o *unstructured.Unstructured) map[string]any {
	out := o.DeepCopy()
	unstructured.RemoveNestedField(out.Object, "status")
	for _, name := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"} {
		unstructured.RemoveNestedField(out.Object, "metadata", name)
	}
	return plan.WithoutMarks(out.Object)
}
