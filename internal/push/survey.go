package push

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// answerWithin is how long a cluster that can't be worked with is waited for;
// lookWithin, one of which no trouble is known: it may have much to tell.
const (
	answerWithin = 30 * time.Second
	lookWithin   = 3 * time.Minute
)

// seen is how what is declared stands against what is live, by what the view
// tells.
type seen struct {
	desired   []plan.Desired // what is ours to apply
	inLine    int            // how many more need not be compared
	prunes    []plan.Change  // what is no longer declared
	conflicts []plan.Change  // what others have
	problems  []plan.Problem
	kept      []plan.Extra // what is no longer declared, and stays
	hooks     []hooks.Hook
	live      bool // there is something of the App already
}

// survey renders, and looks at what is live.
func (d *door) survey(ctx context.Context) (seen, error) {
	r := pipeline.Render(ctx, d.Renderer, d.Target, pipeline.Job{App: d.App, Root: d.Root, Revision: d.Revision.Commit, Files: d.Files})
	if r.Err != nil {
		return seen{}, r.Err
	}
	if err := d.known(ctx, append(plan.Kinds(r.Desired), hooks.Kinds(r.Hooks)...)); err != nil {
		return seen{}, err
	}
	var s seen
	declared := map[object.Key]bool{}
	for _, desired := range r.Desired {
		declared[desired.Key] = true
		d.stand(&s, desired)
	}
	owned := d.Target.Owned(d.label())
	s.hooks, s.live = r.Hooks, len(owned) > 0
	slices.SortFunc(owned, func(a, b object.Key) int { return strings.Compare(a.ID(), b.ID()) })
	for _, key := range owned {
		if live, ok := d.Target.Live(key); ok && !declared[key] && !live.Deleting {
			d.left(&s, live, r)
		}
	}
	return s, nil
}

// known waits until the view has all objects of these kinds, and all that carry
// the App's label.
func (d *door) known(ctx context.Context, kinds []schema.GroupKind) error {
	began := time.Now()
	for {
		watched, err := d.Target.Watch(kinds)
		_, all := d.Target.Labels()
		if err == nil && watched && all {
			return nil
		}
		within := lookWithin
		if err = errors.Join(err, d.Target.State().Err); err != nil {
			within = answerWithin
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(within - time.Since(began)):
			return errors.Join(err, fmt.Errorf("what is live isn't known after %s", within))
		case <-d.Target.Events():
		}
	}
}

// stand says how one declared object stands.
func (d *door) stand(s *seen, desired plan.Desired) {
	live, exists := d.Target.Live(desired.Key)
	switch why := d.whose(live); {
	case exists && why != "":
		s.conflicts = append(s.conflicts, plan.Change{
			Action: plan.Conflict, Key: desired.Key, Origin: desired.Origin, Reason: why, Desired: desired, Live: live,
		})
	case exists && live.Deleting:
		s.problems = append(s.problems, plan.Problem{
			Key: desired.Key, Origin: desired.Origin, Message: "is being deleted; try again when it is gone",
		})
	default:
		s.desired = append(s.desired, desired)
	}
}

// whose says that a live object is someone else's, and what to do; empty is ours
// or nobody's. A copy that a controller made of another App's object is nobody's.
func (d *door) whose(live plan.Live) string {
	from := "a folder"
	if live.Root != "" {
		from = "the root " + live.Root
	}
	switch {
	case live.App != d.label() && live.Own:
		return fmt.Sprintf("belongs to the App %s (of %s): remove it from one of the two", live.App, from)
	case live.App == d.label() && live.Root != d.Root && live.Root != "":
		return fmt.Sprintf("belongs to an App of the same name of %s: push it from there with --root, or give this one another name", from)
	}
	return ""
}

// left says what becomes of a live object that is no longer declared.
func (d *door) left(s *seen, live plan.Live, r pipeline.Rendering) {
	if d.whose(live) != "" {
		return
	}
	if why := d.stays(live, r); why != "" {
		s.kept = append(s.kept, plan.Extra{Key: live.Key, Reason: why})
		return
	}
	s.prunes = append(s.prunes, plan.Change{Action: plan.Prune, Key: live.Key, Live: live, Reason: "is no longer declared"})
}

// stays says what keeps an object that is no longer declared; empty is nothing.
func (d *door) stays(live plan.Live, r pipeline.Rendering) string {
	guard := pipeline.Stays(d.App, r.Desired, live)
	switch {
	case guard != "":
		return guard
	case d.Keep:
		return "is no longer declared, and stays, as you asked for"
	case d.folder() && !d.reads(live.Origin, r):
		return fmt.Sprintf("was applied from %s, which isn't part of this folder, and stays; delete it by hand if nothing declares it any more", live.Origin)
	}
	return ""
}

// reads says whether an object that was declared in a file was declared by the
// same folder: it lies in that, or beside something that this render read. Two
// folders of one name must not prune each other's objects.
func (d *door) reads(origin string, r pipeline.Rendering) bool {
	if at := d.App.Spec.Source.Path; at == "" || origin == at || strings.HasPrefix(origin, at+"/") {
		return true
	}
	dir := folderOf(origin)
	for path, input := range r.Inputs.All() {
		if input.Present && input.Listing != "" && path == dir || folderOf(path) == dir && input.Content != "" {
			return true
		}
	}
	return false
}

func folderOf(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 0)] }

// only is what of a survey a plan is about: its changes, to find out whether
// they are still what would be done.
func (s seen) only(p plan.Plan) seen {
	planned := map[object.Key]bool{}
	for _, c := range p.Changes {
		planned[c.Key] = true
	}
	out := s
	out.desired = slices.DeleteFunc(slices.Clone(s.desired), func(d plan.Desired) bool { return !planned[d.Key] })
	out.inLine = len(s.desired) - len(out.desired)
	return out
}

// waits says whether a change only waits for what it relies on.
func waits(o target.Outcome) bool { return errors.Is(o.Err, target.ErrSkipped) }
