package rotate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/generate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
)

// restart is what follows new values: since when who is to be restarted for which Secret.
type restart struct {
	secret object.Key
	since  time.Time
	users  []object.Key
}

// cause names a restart, so that one that is done again for it does nothing.
func (s restart) cause() string { return generate.RestartMark(s.since) + " " + s.secret.Name }

// restart restarts the users of a Secret, and notes at it when all are. All are
// tried, and one that isn't there has nothing to be restarted.
func (r *Rotator) restart(ctx context.Context, as target.Actor, s restart) (outcomes []target.Outcome, err error) {
	if s.since.IsZero() {
		return nil, nil
	}
	var failed []string
	for _, key := range s.users {
		err := r.Target.Restart(ctx, as, key, s.cause())
		if err != nil && !errors.Is(err, target.ErrGone) {
			failed = append(failed, fmt.Sprintf("%s: %s", key, err))
		}
		outcomes = append(outcomes, target.Outcome{Key: key, Err: err})
	}
	if len(failed) > 0 {
		return outcomes, fmt.Errorf("its values are new, but not all who use it could be restarted: %s", strings.Join(failed, "; "))
	}
	if err := r.Target.Restarted(ctx, as, s.secret, s.since); err != nil {
		return outcomes, fmt.Errorf("all who use it were restarted, but that can't be noted: %w", err)
	}
	return outcomes, nil
}

// finish restarts those who were left when a rotation was cut off, or failed there.
func (r *Rotator) finish(ctx context.Context, secret object.Key, since time.Time) error {
	if err := r.take(ctx); err != nil {
		return err
	}
	defer r.release()
	if !r.Target.Renewals()[secret].Restart.Equal(since) {
		return nil // whoever had the turn before has done it
	}
	known, d, err := r.find(ctx, Ask{Secret: secret})
	if err != nil {
		return err
	}
	if err := r.stopped(known, d, false); err != nil {
		return err
	}
	users, err := usersOf(known, d)
	if err != nil {
		return status.Refuse(status.Invalid, "%s: %s", d.Key, err)
	}
	started := r.Now()
	cause := release.Cause{Trigger: release.TriggerSchedule, Actor: byItself, Seen: started}
	begun := *r.Records.Begin(ctx, pipeline.Begun(cause.Begin(known.ID(), known.Held, started), restarts(d.Key, users), started))
	outcomes, failed := r.restart(ctx, known.Actor, restart{d.Key, since, users})
	rel := pipeline.Attempted(begun, outcomes, started, r.Now(), failed)
	e := event.Event{Kind: event.SecretRotated, Object: &d.Key, Message: "who uses " + d.Key.String() + " was restarted, after its rotation had been cut off"}
	if failed != nil {
		e.Kind, e.Message = event.SecretNotRotated, d.Key.String()+": "+failed.Error()
	}
	r.record(rel, e, failed)
	return failed
}

// restarts are the changes of restarting the users of a Secret, for its record.
func restarts(secret object.Key, users []object.Key) (changes []plan.Change) {
	for _, key := range users {
		changes = append(changes, plan.Change{Action: plan.Update, Key: key, Reason: "is restarted, because it uses " + secret.String()})
	}
	return changes
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
