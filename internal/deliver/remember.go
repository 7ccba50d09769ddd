package deliver

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
)

// remember loads what the last run of the daemon left: what was applied, and
// the releases that had not ended. Nothing of it says what is desired.
func (e *engine) remember(ctx context.Context) error {
	e.remembered = map[string]map[object.Key]plan.Applied{}
	err := e.History.LoadApplied(ctx, func(id string, o history.AppliedObject) error {
		key, err := object.ParseID(o.ID)
		if err != nil {
			return nil // a row of another version: the object is checked with the server
		}
		if e.remembered[id] == nil {
			e.remembered[id] = map[object.Key]plan.Applied{}
		}
		e.remembered[id][key] = appliedFrom(o)
		return nil
	})
	if err != nil {
		return fmt.Errorf("load what was applied: %w", err)
	}
	if err := e.rememberDesk(ctx); err != nil {
		return err
	}
	return e.rememberUnfinished(ctx)
}

// desk is what was kept on the desk of one App each, by App.
type desk struct {
	approvals map[string]gate.Approval
	failures  map[string]gate.Failure
	plans     map[string]plan.Plan
	syncs     map[string]v1alpha1.Sync // of Apps that aren't applied by themselves
}

// rememberDesk loads what people said and still holds.
func (e *engine) rememberDesk(ctx context.Context) (err error) {
	var pauses map[string]gate.Pause
	if pauses, err = kept[gate.Pause](ctx, e, history.DeskPause); err != nil {
		return err
	}
	for _, p := range pauses {
		e.pauses.Put(p)
	}
	if e.desk.approvals, err = kept[gate.Approval](ctx, e, history.DeskApproval); err != nil {
		return err
	}
	if e.desk.failures, err = kept[gate.Failure](ctx, e, history.DeskFailure); err != nil {
		return err
	}
	if e.desk.plans, err = kept[plan.Plan](ctx, e, history.DeskPlan); err != nil {
		return err
	}
	e.desk.syncs, err = kept[v1alpha1.Sync](ctx, e, history.DeskSync)
	return err
}

// kept loads all values of one kind. One that can't be read is left out.
func kept[T any](ctx context.Context, e *engine, kind history.DeskKind) (map[string]T, error) {
	raw, err := e.History.Kept(ctx, kind)
	if err != nil {
		return nil, fmt.Errorf("load what was said (%s): %w", kind, err)
	}
	values := make(map[string]T, len(raw))
	for key, body := range raw {
		var value T
		if err := json.Unmarshal(body, &value); err != nil {
			e.Log.Warn("what was said before can't be read, and is forgotten", "kind", kind, "key", key, "error", err)
			continue
		}
		values[key] = value
	}
	return values, nil
}

// takeDesk gives a new App what was kept of it.
func (e *engine) takeDesk(a *app) {
	if said, ok := e.desk.approvals[a.id]; ok {
		a.approval = &said
	}
	if failed, ok := e.desk.failures[a.id]; ok {
		a.failure = &failed
	}
	if p, ok := e.desk.plans[a.id]; ok {
		a.pending = &pending{plan: p, situation: ^uint64(0)} // shown until it is made anew
	}
}

// rememberUnfinished finds the releases that had not ended, and those whose
// last attempt failed and that are an App's newest: both are gone on with.
func (e *engine) rememberUnfinished(ctx context.Context) error {
	e.unfinished = map[string][]release.Release{}
	for _, outcome := range []release.Outcome{release.Running, release.Failed} {
		list, err := e.History.List(ctx, history.Query{Outcome: outcome, Limit: history.MaxLimit})
		if err != nil {
			return fmt.Errorf("load unfinished releases: %w", err)
		}
		for _, r := range list {
			if outcome == release.Failed && !r.Finished.IsZero() {
				continue // it ended, as not healthy in time
			}
			e.unfinished[r.App] = append(e.unfinished[r.App], r)
		}
	}
	return nil
}

// appliedObject is what is remembered of an object, as the history keeps it.
func appliedObject(key object.Key, a plan.Applied) history.AppliedObject {
	return history.AppliedObject{ID: key.ID(), UID: a.UID, Digest: a.Digest, Fingerprint: strconv.FormatUint(a.Fingerprint, 16)}
}

// appliedFrom reads what appliedObject wrote.
func appliedFrom(o history.AppliedObject) plan.Applied {
	fingerprint, err := strconv.ParseUint(o.Fingerprint, 16, 64)
	if err != nil {
		fingerprint = 0 // counts as unknown
	}
	return plan.Applied{UID: o.UID, Digest: o.Digest, Fingerprint: fingerprint}
}
