package push

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
)

// deliver carries a plan out: hooks, wave after wave, prunes, health, hooks.
func (w *work) deliver(ctx context.Context, seen seen, changes []plan.Change) (release.Release, error) {
	if len(w.hooks) > 0 {
		w.release.Occasion = release.OccasionOf(w.App.ID(), w.Revision, seen.live || w.App.Spec.Sync.Adopt)
	}
	if err := w.endOlder(ctx); err != nil {
		return w.release, fmt.Errorf("nothing was applied, because it can't be recorded: %w", err)
	}
	failed := w.phases(ctx, changes)
	if failed == nil {
		return w.end(ctx, release.Succeeded, "")
	}
	if ctx.Err() == nil {
		w.release.Ending = failed.Error()
		_ = w.run(ctx, hooks.SyncFail, 0) // what fails of that is in the record
	}
	var cause error
	if errors.Is(failed, errUnsaved) {
		cause = failed
	}
	w.release.EndHooks(w.Now())
	r, err := w.end(ctx, release.Failed, failed.Error())
	return r, errors.Join(cause, err)
}

// errUnsaved marks what could not be recorded, so that nothing more was done.
var errUnsaved = errors.New("it can't be recorded")

// phases does all of it in its order, until something fails.
func (w *work) phases(ctx context.Context, changes []plan.Change) error {
	if err := w.run(ctx, hooks.PreSync, 0); err != nil {
		return err
	}
	waves := w.wavesOf(changes)
	for i, wave := range waves {
		if err := w.wave(ctx, changes, wave, i == len(waves)-1); err != nil {
			return err
		}
	}
	if err := w.prune(ctx, changes); err != nil {
		return err
	}
	w.release.Applied = w.Now()
	if err := w.healthy(ctx, w.desired); err != nil {
		return err
	}
	return w.run(ctx, hooks.PostSync, 0)
}

// wavesOf lists the waves that have something to apply or to run, lowest first.
func (w *work) wavesOf(changes []plan.Change) (waves []int) {
	for _, c := range changes {
		if c.Action != plan.Prune {
			waves = append(waves, c.Desired.Wave)
		}
	}
	for _, h := range hooks.Of(w.hooks, hooks.Sync, w.release.Occasion) {
		waves = append(waves, h.Desired.Wave)
	}
	slices.Sort(waves)
	return slices.Compact(waves)
}

// wave applies what is of one wave, and runs its hooks. Before another comes,
// all that is of this and the lower ones has to be healthy.
func (w *work) wave(ctx context.Context, changes []plan.Change, number int, last bool) error {
	var now []plan.Change
	for _, c := range changes {
		if c.Action != plan.Prune && c.Desired.Wave == number {
			now = append(now, c)
		}
	}
	if len(now) > 0 {
		if err := w.apply(ctx, now); err != nil {
			return err
		}
	}
	if err := w.run(ctx, hooks.Sync, number); err != nil || last {
		return err
	}
	var lower []plan.Desired
	for _, d := range w.desired {
		if d.Wave <= number {
			lower = append(lower, d)
		}
	}
	return w.healthy(ctx, lower)
}

// prune deletes what is no longer declared, the highest wave first; the next
// goes when that is gone.
func (w *work) prune(ctx context.Context, changes []plan.Change) error {
	var prunes []plan.Change
	for _, c := range changes {
		if c.Action == plan.Prune {
			prunes = append(prunes, c)
		}
	}
	slices.SortStableFunc(prunes, func(a, b plan.Change) int { return cmp.Compare(b.Live.Wave, a.Live.Wave) })
	for len(prunes) > 0 {
		n := 1
		for n < len(prunes) && prunes[n].Live.Wave == prunes[0].Live.Wave {
			n++
		}
		if err := w.apply(ctx, prunes[:n]); err != nil {
			return err
		}
		if n < len(prunes) {
			if err := w.gone(ctx, prunes[:n]); err != nil {
				return err
			}
		}
		prunes = prunes[n:]
	}
	return nil
}

// gone waits until what was deleted is gone, or is kept after all.
func (w *work) gone(ctx context.Context, prunes []plan.Change) error {
	deadline := time.NewTimer(w.App.Spec.Health.Timeout.Duration)
	defer deadline.Stop()
	for {
		left := slices.IndexFunc(prunes, func(c plan.Change) bool {
			live, there := w.Target.Live(c.Key)
			return there && live.UID == c.Live.UID && live.Deleting
		})
		if left < 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return interrupted(ctx)
		case <-deadline.C:
			return fmt.Errorf("%s is not gone %s after it was deleted", prunes[left].Key, w.App.Spec.Health.Timeout.Duration)
		case <-w.Target.Events():
		}
	}
}

// run runs the hooks of a phase to their end, and returns why it failed.
func (w *work) run(ctx context.Context, phase hooks.Phase, wave int) error {
	if len(w.hooks) == 0 {
		return nil
	}
	carrier := pipeline.HookCarrier{Target: w.Target, Records: record{w}, Now: w.Now}
	for {
		f := hooks.Facts{
			Runs: w.release.Hooks, Token: w.release.Token(), Occasion: w.release.Occasion, Phase: phase, Wave: wave,
			Live: w.Target.Hooked, Timeout: w.App.Spec.Health.Timeout.Duration,
		}
		d := hooks.Next(w.hooks, f, w.Now())
		switch {
		case d.Failed != "":
			return errors.New(d.Failed)
		case d.Step == hooks.Done:
			return nil
		case d.Step == hooks.Wait:
			if err := w.event(ctx, d.Until.Sub(w.Now())); err != nil {
				return err
			}
			continue
		}
		r, err := carrier.Carry(ctx, pipeline.HookTask{
			Actor: w.actor(), Release: w.release, Phase: phase, Decision: d, Desired: w.desired, Hooks: w.hooks, Unrecorded: w.Releases == nil,
		})
		w.release = r
		w.tellHooks()
		if saved := w.save(ctx); saved != nil {
			return fmt.Errorf("%w: %w", errUnsaved, saved)
		}
		if err != nil {
			if r.ID == 0 && w.Releases != nil {
				return fmt.Errorf("%w: %w", errUnsaved, err)
			}
			if err := w.event(ctx, retryEvery); err != nil {
				return err
			}
		}
	}
}

// event waits for the view to tell something, but not for ever.
func (w *work) event(ctx context.Context, most time.Duration) error {
	enough := time.NewTimer(max(0, most))
	defer enough.Stop()
	select {
	case <-ctx.Done():
		return interrupted(ctx)
	case <-enough.C:
	case <-w.Target.Events():
	}
	return nil
}

// tellHooks tells how the hooks stand.
func (w *work) tellHooks() {
	for _, run := range w.release.Hooks {
		n := News{Key: run.Object, State: Waiting, Message: "a " + run.Phase + " hook"}
		switch run.State {
		case release.HookSucceeded:
			n.State = Ran
		case release.HookFailed:
			n.State, n.Message = Failed, n.Message+": "+run.Message
		}
		w.say(n)
	}
}

// record writes the release down for the hooks.
type record struct{ w *work }

// Begin implements pipeline.Records. Without an ID it could not be recorded.
func (r record) Begin(ctx context.Context, rel release.Release) *release.Release {
	r.w.release = rel
	if r.w.Releases == nil {
		return &rel
	}
	saved, err := r.w.Releases.Save(context.WithoutCancel(ctx), rel)
	if err != nil {
		rel.ID = 0
		return &rel
	}
	r.w.release = saved
	return &saved
}
