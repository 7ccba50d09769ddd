package deliver

import (
	"context"
	"fmt"
	"strconv"

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
	return e.rememberUnfinished(ctx)
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
