package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/json"

	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/target"
)

// fitHooks fits the objects of hooks to the target, each by itself: two phases
// may make an object of the same name.
func fitHooks(ctx context.Context, fit Fitter, j Job, made []hooks.Made) (fitted []hooks.Hook, failed []target.ObjectError) {
	for _, one := range made {
		desired, wrong := fit.Resolve(ctx, target.Resolve{App: j.App, Root: j.Root, Revision: j.Revision, Objects: []object.Object{one.Object}})
		failed = append(failed, wrong...)
		for _, d := range desired {
			one.Hook.Desired = d
			fitted = append(fitted, one.Hook)
		}
	}
	return fitted, failed
}

// Run says which hooks a release of the App would run: those of all that are
// declared, where those that ran last had this digest. live says that there is
// something of the App already.
func (r *Request) Run(all []hooks.Hook, done string, live bool) {
	occasion := release.OccasionOf(r.App.ID(), r.Revision, live || r.App.Spec.Sync.Adopt)
	r.Hooks = hooks.Planned(all, occasion, hooks.PreSync, hooks.Sync, hooks.PostSync)
	digest := hooks.Digest(all)
	r.HooksDue = digest != "" && digest != done
}

// HookTarget is what hooks are made in; target.Target is one.
type HookTarget interface {
	target.Runner
	Live(key object.Key) (plan.Live, bool)
}

// HookTask is what is to be done about a release's hooks at one go.
type HookTask struct {
	Actor    target.Actor
	Release  release.Release // that they are of
	Phase    hooks.Phase
	Decision hooks.Decision
	// Desired and Hooks are all that is declared: its secrets are taken out of what hooks print.
	Desired []plan.Desired
	Hooks   []hooks.Hook
	// Unrecorded says that nobody keeps the release, so it isn't waited for.
	Unrecorded bool
}

// HookCarrier carries such tasks out.
type HookCarrier struct {
	Target  HookTarget
	Records Records
	Now     func() time.Time
}

// errUnrecorded keeps a hook from being run twice after a kill.
var errUnrecorded = errors.New("the hooks wait until the release can be recorded: without that a kill could run them twice")

// Carry does one step of a release's hooks, and returns the release as it is
// then. An error is one that may go away; what failed for good is in the runs.
// What begins is recorded before, so that it is found after a kill.
func (c HookCarrier) Carry(ctx context.Context, t HookTask) (release.Release, error) {
	t.Release.Hooks = slices.Clone(t.Release.Hooks)
	switch t.Decision.Step {
	case hooks.Start:
		return c.start(ctx, t)
	case hooks.End:
		for _, ending := range t.Decision.Ends {
			c.end(ctx, t, ending)
		}
	case hooks.Delete:
		return t.Release, c.remove(ctx, t)
	}
	return t.Release, nil
}

// start makes the objects of hooks, side by side.
func (c HookCarrier) start(ctx context.Context, t HookTask) (release.Release, error) {
	r := t.Release
	if r.Planned.IsZero() {
		r.Planned = c.Now()
	}
	r.Outcome, r.Reason = release.Running, ""
	if r.ID == 0 && !t.Unrecorded {
		if r = *c.Records.Begin(ctx, r); r.ID == 0 {
			return r, errUnrecorded
		}
	}
	runs := make([]int, len(t.Decision.Starts))
	for i, h := range t.Decision.Starts {
		runs[i] = c.runOf(&r, t.Phase, h)
	}
	if r = *c.Records.Begin(ctx, r); r.ID == 0 && !t.Unrecorded {
		return t.Release, errUnrecorded
	}
	r.Hooks = slices.Clone(r.Hooks) // what was recorded may be read meanwhile
	errs := make([]error, len(runs))
	var making sync.WaitGroup
	for i, run := range runs {
		making.Go(func() { errs[i] = c.startOne(ctx, t, r.Token(), t.Decision.Starts[i], &r.Hooks[run]) })
	}
	making.Wait()
	return r, errors.Join(errs...)
}

// runOf finds the run of a hook that is to be made, or adds it.
func (c HookCarrier) runOf(r *release.Release, phase hooks.Phase, h hooks.Hook) int {
	key := h.Key(r.Token())
	for i, run := range r.Hooks {
		if run.Object == key && !run.Over() {
			return i
		}
	}
	r.Hooks = append(r.Hooks, release.HookRun{
		Phase: string(phase), Object: key, Origin: h.Desired.Origin, State: release.HookStarting, Started: c.Now(),
	})
	return len(r.Hooks) - 1
}

// startOne makes one object, or takes up the one that was made before a kill.
func (c HookCarrier) startOne(ctx context.Context, t HookTask, token string, h hooks.Hook, run *release.HookRun) error {
	d, err := h.Make(token, hooks.Phase(run.Phase))
	if err != nil {
		c.failed(run, err.Error())
		return nil
	}
	out := c.Target.Make(ctx, t.Actor, d)
	switch {
	case out.Err == nil:
		run.State, run.UID, run.Message = release.HookRunning, out.Live.UID, ""
	case errors.Is(out.Err, target.ErrThere):
		return c.thereIs(ctx, t, made{h, token, out.Live}, run)
	case errors.Is(out.Err, target.ErrSkipped), errors.Is(out.Err, target.ErrUnreachable), ctx.Err() != nil:
		run.Message = out.Err.Error()
		return fmt.Errorf("%s: %w", run.Object, out.Err)
	default:
		c.failed(run, out.Err.Error())
	}
	return nil
}

// made is what a hook finds in its place.
type made struct {
	hook  hooks.Hook
	token string
	live  plan.Live
}

// thereIs says what becomes of a hook whose name an object has already.
func (c HookCarrier) thereIs(ctx context.Context, t HookTask, m made, run *release.HookRun) error {
	live := m.live
	switch {
	case live.Run != nil && live.Run.Token == hooks.Mark(m.token, run.Phase):
		run.State, run.UID, run.Message = release.HookRunning, live.UID, ""
		return nil
	case live.Own || live.Run != nil && live.App != object.AppLabel(t.Release.App):
		c.failed(run, fmt.Sprintf("an object of that name belongs to the App %s and isn't this hook's; give the hook another name", live.App))
		return nil
	case !m.hook.Deletes(hooks.BeforeCreation):
		c.failed(run, "an object of that name is there already, and the hook's policy doesn't let it be deleted (before-creation)")
		return nil
	}
	run.Message = "the one before it is being deleted"
	if live.Deleting {
		return nil
	}
	if err := c.Target.Remove(ctx, t.Actor, live); err != nil {
		return fmt.Errorf("%s, to be made anew: %w", run.Object, err)
	}
	return nil
}

func (c HookCarrier) failed(run *release.HookRun, message string) {
	run.State, run.Message, run.Ended = release.HookFailed, message, c.Now()
}

// mostLog bounds what is kept of what a hook printed.
const mostLog = 8 << 10

// end takes in how a run ended, with the end of what it printed.
func (c HookCarrier) end(ctx context.Context, t HookTask, ending hooks.Ending) {
	run := &t.Release.Hooks[ending.Run]
	run.State, run.Message, run.Ended = ending.State, ending.Message, c.Now()
	live, there := c.Target.Live(run.Object)
	if !there || run.UID != "" && live.UID != run.UID {
		return
	}
	hidden := redact.NewValues(secretsOf(t.Actor.Redact, t.Desired, t.Hooks))
	run.Message = hidden.Text(run.Message)
	printed, err := c.Target.Log(ctx, t.Actor, live)
	if err != nil {
		run.Log = fmt.Sprintf("(what it printed can't be read: %v)", err)
		return
	}
	for i, p := range printed { // before it is cut: half a secret isn't found
		printed[i].Text = hidden.Text(t.Actor.Redact.Of().Text(p.Text))
	}
	run.Log = hooks.Log(printed, mostLog)
}

// secretsOf are the texts that the objects of an App hide.
func secretsOf(by redact.Redactor, desired []plan.Desired, made []hooks.Hook) (texts []string) {
	for _, h := range made {
		desired = append(desired[:len(desired):len(desired)], h.Desired)
	}
	for _, d := range desired {
		var o map[string]any
		if err := json.Unmarshal(d.Body, &o); err != nil {
			continue // it was written as JSON by the target
		}
		texts = append(texts, by.Of(o).Texts(o)...)
	}
	return texts
}

// remove deletes the objects of hooks whose policies say so. What can't be
// deleted stays, and that is told: it is tried once.
func (c HookCarrier) remove(ctx context.Context, t HookTask) error {
	var errs []error
	for _, i := range t.Decision.Deletes {
		run := &t.Release.Hooks[i]
		live, there := c.Target.Live(run.Object)
		if there && live.UID == run.UID && !live.Deleting {
			switch err := c.Target.Remove(ctx, t.Actor, live); {
			case errors.Is(err, target.ErrUnreachable):
				errs = append(errs, err)
				continue
			case err != nil:
				run.Message = "it could not be deleted: " + err.Error()
			}
		}
		run.Deleted = true
	}
	return errors.Join(errs...)
}
