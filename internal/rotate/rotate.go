package rotate

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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

	leads chan bool
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
	begun := *r.Records.Begin(ctx, pipeline.Begun(draft, changesOf(d, users), started))
	outcomes := r.Target.Apply(ctx, known.Actor, []plan.Change{renewal(d)})
	failed := outcomes[0].Err
	if failed == nil {
		outcomes, failed = r.restart(ctx, known.Actor, outcomes, users)
	}
	r.record(pipeline.Attempted(begun, outcomes, started, r.Now(), failed), d.Key, failed)
	if failed != nil {
		return status.Rotated{}, status.Refuse(status.Moved, "%s: %s", d.Key, failed)
	}
	return status.Rotated{App: known.ID(), Object: d.Key, Restarted: users}, nil
}

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
	if known.App.Spec.Sync.Mode == v1alpha1.SyncObserve {
		return status.Refuse(status.Moved, "the App %s is only observed (sync.mode)", known.ID())
	}
	if slices.Contains(known.Differ, d.Key) {
		return status.Refuse(status.Moved, "%s isn't as it is declared yet; it can be rotated when it is", d.Key)
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
		if w := app.Window; w != nil && !w.Open && cause.Trigger == release.TriggerSchedule {
			return status.Refuse(status.Moved, "waits for a window: %s", w.Reason)
		}
	}
	return nil
}

// usersOf are the workloads that are restarted with a Secret.
func usersOf(known pipeline.Known, d plan.Desired) ([]object.Key, error) {
	var o struct {
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(d.Body, &o); err != nil {
		return nil, fmt.Errorf("its JSON can't be read: %w", err)
	}
	asked, err := generate.ParseRestart(o.Metadata.Annotations[object.AnnotationRestart])
	if err != nil {
		return nil, err
	}
	users := []object.Key{}
	for _, named := range asked.Named {
		named.Namespace = d.Key.Namespace
		users = append(users, named)
	}
	for _, other := range known.Desired {
		var workload map[string]any
		switch {
		case !asked.Users, !generate.HasPods(other.Key), other.Key.Namespace != d.Key.Namespace, slices.Contains(users, other.Key):
		case json.Unmarshal(other.Body, &workload) == nil && generate.Uses(workload, d.Key.Name):
			users = append(users, other.Key)
		}
	}
	return users, nil
}

// renewal makes a Secret's values anew.
func renewal(d plan.Desired) plan.Change {
	return plan.Change{Action: plan.Update, Key: d.Key, Origin: d.Origin, Desired: d, Reason: "its generated values are made anew", Renew: true}
}

// changesOf are what a rotation does, for its record.
func changesOf(d plan.Desired, users []object.Key) []plan.Change {
	changes := []plan.Change{renewal(d)}
	for _, key := range users {
		changes = append(changes, plan.Change{Action: plan.Update, Key: key, Reason: "is restarted, because it uses " + d.Key.String()})
	}
	return changes
}

// restart restarts the users of a Secret. All are tried, and one that isn't there
// fails nothing else.
func (r *Rotator) restart(ctx context.Context, as target.Actor, outcomes []target.Outcome, users []object.Key) ([]target.Outcome, error) {
	var failed []string
	for _, key := range users {
		err := r.Target.Restart(ctx, as, key, r.Now())
		if err != nil {
			failed = append(failed, fmt.Sprintf("%s: %s", key, err))
		}
		outcomes = append(outcomes, target.Outcome{Key: key, Err: err})
	}
	if len(failed) > 0 {
		return outcomes, fmt.Errorf("its values are new, but not all who use it could be restarted: %s", strings.Join(failed, "; "))
	}
	return outcomes, nil
}

// record ends a rotation's release and tells of it.
func (r *Rotator) record(rel release.Release, key object.Key, failed error) {
	now := r.Now()
	e := event.Event{Time: now, Kind: event.SecretRotated, App: rel.App, Object: &key, Actor: rel.Actor, Release: rel.ID, Revision: rel.Revision.Commit,
		Message: key.String() + " was rotated"}
	rel.Finished = now
	if failed != nil {
		rel.Outcome, rel.Reason = release.Failed, failed.Error()
		e.Kind, e.Message = event.SecretNotRotated, key.String()+" could not be rotated: "+failed.Error()
	} else {
		rel.Outcome, rel.Reason, rel.Applied, rel.Healthy = release.Succeeded, "", now, now
	}
	r.Records.Save(rel.App, rel)
	r.Records.Tell(e)
	r.Log.Info("a secret was rotated", "app", rel.App, "object", key.String(), "by", rel.Actor, "outcome", rel.Outcome)
}
