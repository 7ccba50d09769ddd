package rotate

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/generate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
)

// Fleet is what the engine knows.
type Fleet interface {
	Known(ctx context.Context, id string) (pipeline.Known, error)
	Claims(ctx context.Context, wrote object.Key) ([]pipeline.Claim, error)
	Apps() []status.App
}

// Target is where Secrets are.
type Target interface {
	target.Renewer
	Apply(ctx context.Context, as target.Actor, changes []plan.Change) []target.Outcome
}

// Records keeps what was done; history.Recorder does.
type Records interface {
	Begin(ctx context.Context, r release.Release) *release.Release
	Save(app string, r release.Release)
	Tell(e event.Event)
}

// Rotator rotates. It is safe for concurrent use.
type Rotator struct {
	Fleet   Fleet
	Target  Target
	Records Records
	Log     *slog.Logger
	Now     func() time.Time

	leads   chan bool
	leading *atomic.Bool
	hand    chan struct{} // whoever has it rotates: one at a time
}

// Ask is who wants a Secret rotated.
type Ask struct {
	Secret object.Key // its group and kind may be left out
	App    string     // NAMESPACE/NAME; empty is whichever declares it
	By     string
}

// Rotate makes a Secret's generated values anew now, because someone asks.
func (r *Rotator) Rotate(ctx context.Context, a Ask) (status.Rotated, error) {
	a.Secret.Group, a.Secret.Kind = "", "Secret"
	return r.rotate(ctx, a, release.Cause{Trigger: release.TriggerManual, Actor: a.By, Seen: r.Now()})
}

func (r *Rotator) rotate(ctx context.Context, a Ask, cause release.Cause) (status.Rotated, error) {
	if err := r.take(ctx); err != nil {
		return status.Rotated{}, err
	}
	defer r.release()
	known, d, err := r.find(ctx, a)
	if err != nil {
		return status.Rotated{}, err
	}
	if err := r.held(known, d, cause); err != nil {
		return status.Rotated{}, err
	}
	users, err := usersOf(known, d)
	if err != nil {
		return status.Rotated{}, status.Refuse(status.Invalid, "%s: %s", d.Key, err)
	}
	started := r.Now()
	draft := cause.Begin(known.ID(), known.Held, started)
	begun := *r.Records.Begin(ctx, pipeline.Begun(draft, append([]plan.Change{renewal(d)}, restarts(d.Key, users)...), started))
	outcomes := r.Target.Apply(ctx, known.Actor, []plan.Change{renewal(d)})
	failed := outcomes[0].Err
	if failed == nil {
		var restarted []target.Outcome
		restarted, failed = r.restart(ctx, known.Actor, restart{d.Key, outcomes[0].Live.Renewal.Restart, users})
		outcomes = append(outcomes, restarted...)
	}
	rel := pipeline.Attempted(begun, outcomes, started, r.Now(), failed)
	if failed != nil {
		r.record(rel, event.Event{Kind: event.SecretNotRotated, Object: &d.Key, Message: d.Key.String() + " could not be rotated: " + failed.Error()}, failed)
	} else {
		r.record(rel, event.Event{Kind: event.SecretRotated, Object: &d.Key, Message: d.Key.String() + " was rotated"}, nil)
	}
	if failed != nil {
		return status.Rotated{}, status.Refuse(status.Moved, "%s: %s", d.Key, failed)
	}
	return status.Rotated{App: known.ID(), Object: d.Key, Restarted: users}, nil
}

// take waits for its turn to rotate.
func (r *Rotator) take(ctx context.Context) error {
	if !r.leading.Load() {
		return status.Refuse(status.Moved, "another daemon holds the root; ask that one")
	}
	select {
	case r.hand <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Rotator) release() { <-r.hand }

// find finds the one declared Secret that is meant.
func (r *Rotator) find(ctx context.Context, a Ask) (pipeline.Known, plan.Desired, error) {
	claims, err := r.Fleet.Claims(ctx, a.Secret)
	if err != nil {
		return pipeline.Known{}, plan.Desired{}, err
	}
	claims = slices.DeleteFunc(claims, func(c pipeline.Claim) bool { return a.App != "" && c.App != a.App })
	switch len(claims) {
	case 0:
		return pipeline.Known{}, plan.Desired{}, status.Refuse(status.Invalid, "no App declares %s", a.Secret)
	case 1:
	default:
		return pipeline.Known{}, plan.Desired{}, status.Refuse(status.Invalid, "%d Apps declare a %s; name the namespace, or the App", len(claims), a.Secret)
	}
	known, err := r.Fleet.Known(ctx, claims[0].App)
	if err != nil {
		return pipeline.Known{}, plan.Desired{}, err
	}
	i := slices.IndexFunc(known.Desired, func(d plan.Desired) bool { return d.Key == claims[0].Key })
	if i < 0 {
		return pipeline.Known{}, plan.Desired{}, status.Refuse(status.Moved, "%s can't be rotated while its App %s can't be rendered", a.Secret, known.ID())
	}
	if !generate.Asked(known.Desired[i].Key, known.Desired[i].Body) {
		return pipeline.Known{}, plan.Desired{}, status.Refuse(status.Invalid, "%s has no generated values: nothing in it has the annotation %s", a.Secret, object.AnnotationGenerate)
	}
	return known, known.Desired[i], nil
}

// held says what keeps a Secret from being rotated now.
func (r *Rotator) held(known pipeline.Known, d plan.Desired, cause release.Cause) error {
	if slices.Contains(known.Differ, d.Key) {
		return status.Refuse(status.Moved, "%s isn't as it is declared yet; it can be rotated when it is", d.Key)
	}
	return r.stopped(known, d, cause.Trigger == release.TriggerSchedule)
}

// stopped says by whose word nothing of a Secret is changed now.
func (r *Rotator) stopped(known pipeline.Known, d plan.Desired, inWindow bool) error {
	if known.App.Spec.Sync.Mode == v1alpha1.SyncObserve {
		return status.Refuse(status.Moved, "the App %s is only observed (sync.mode)", known.ID())
	}
	for _, app := range r.Fleet.Apps() {
		if app.ID() != known.ID() {
			continue
		}
		for _, p := range app.Pauses {
			if p.Holds(r.Now()) && (p.Object == nil || *p.Object == d.Key) {
				return status.Refuse(status.Moved, "paused by %s: %s", p.By, p.Reason)
			}
		}
		if w := app.Window; w != nil && !w.Open && inWindow {
			return status.Refuse(status.Moved, "waits for a window: %s", w.Reason)
		}
	}
	return nil
}

// renewal makes a Secret's values anew.
func renewal(d plan.Desired) plan.Change {
	return plan.Change{Action: plan.Update, Key: d.Key, Origin: d.Origin, Desired: d, Reason: release.ReasonRenewed, Renew: true}
}

// record ends a rotation's release and tells of it.
func (r *Rotator) record(rel release.Release, e event.Event, failed error) {
	now := r.Now()
	rel.Finished = now
	if failed != nil {
		rel.Outcome, rel.Reason = release.Failed, failed.Error()
	} else {
		rel.Outcome, rel.Reason, rel.Applied, rel.Healthy = release.Succeeded, "", now, now
	}
	e.Time, e.App, e.Actor, e.Release, e.Revision = now, rel.App, rel.Actor, rel.ID, rel.Revision.Commit
	r.Records.Save(rel.App, rel)
	r.Records.Tell(e)
	r.Log.Info("a secret was rotated", "app", rel.App, "object", e.Object.String(), "by", rel.Actor, "outcome", rel.Outcome)
}
