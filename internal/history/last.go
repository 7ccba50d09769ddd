package history

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
)

// Last is what the last run of the daemon left behind, by App where it is of
// one. Nothing of it says what is desired.
type Last struct {
	Applied    map[string]map[object.Key]plan.Applied
	Unfinished map[string][]release.Release // newest first
	Pauses     map[string]gate.Pause        // by their ID
	Approvals  map[string]gate.Approval
	Failures   map[string]gate.Failure
	Plans      map[string]plan.Plan
	Syncs      map[string]v1alpha1.Sync // of Apps that aren't applied by themselves
	Hooks      map[string]hooks.Memory
}

// Going are the labels of Apps whose removal the last run did not end: their
// objects may be gone by now, and hooks be left to run.
func (l Last) Going() (labels []string) {
	for id, unfinished := range l.Unfinished {
		if unfinished[0].Trigger == release.TriggerRemoval {
			labels = append(labels, object.AppLabel(id))
		}
	}
	return labels
}

// LoadLast loads what the last run left. With an error it is what could be loaded.
func LoadLast(ctx context.Context, m Memory, log *slog.Logger) (last Last, err error) {
	if last.Applied, err = loadApplied(ctx, m); err != nil {
		return last, err
	}
	if last.Pauses, err = loadDesk[gate.Pause](ctx, m, DeskPause, log); err != nil {
		return last, err
	}
	if last.Approvals, err = loadDesk[gate.Approval](ctx, m, DeskApproval, log); err != nil {
		return last, err
	}
	if last.Failures, err = loadDesk[gate.Failure](ctx, m, DeskFailure, log); err != nil {
		return last, err
	}
	if last.Plans, err = loadDesk[plan.Plan](ctx, m, DeskPlan, log); err != nil {
		return last, err
	}
	if last.Syncs, err = loadDesk[v1alpha1.Sync](ctx, m, DeskSync, log); err != nil {
		return last, err
	}
	if last.Hooks, err = loadDesk[hooks.Memory](ctx, m, DeskHooks, log); err != nil {
		return last, err
	}
	last.Unfinished, err = loadUnfinished(ctx, m)
	return last, err
}

func loadApplied(ctx context.Context, from Applied) (map[string]map[object.Key]plan.Applied, error) {
	all := map[string]map[object.Key]plan.Applied{}
	err := from.LoadApplied(ctx, func(app string, o AppliedObject) error {
		key, err := object.ParseID(o.ID)
		if err != nil {
			return nil // a row of another version: the object is checked with the server
		}
		if all[app] == nil {
			all[app] = map[object.Key]plan.Applied{}
		}
		all[app][key] = o.applied()
		return nil
	})
	if err != nil {
		return all, fmt.Errorf("load what was applied: %w", err)
	}
	return all, nil
}

// loadDesk loads all values of one kind. One that can't be read is left out.
func loadDesk[T any](ctx context.Context, from Desk, kind DeskKind, log *slog.Logger) (map[string]T, error) {
	raw, err := from.Kept(ctx, kind)
	if err != nil {
		return nil, fmt.Errorf("load what was said (%s): %w", kind, err)
	}
	values := make(map[string]T, len(raw))
	for key, body := range raw {
		var value T
		if err := json.Unmarshal(body, &value); err != nil {
			log.Warn("what was said before can't be read, and is forgotten", "kind", kind, "key", key, "error", err)
			continue
		}
		values[key] = value
	}
	return values, nil
}

// loadUnfinished finds the releases that had not ended, and those whose last
// attempt failed and that were to be tried again.
func loadUnfinished(ctx context.Context, from Store) (map[string][]release.Release, error) {
	unfinished := map[string][]release.Release{}
	for _, outcome := range []release.Outcome{release.Running, release.Failed} {
		list, err := from.List(ctx, Query{Outcome: outcome, Limit: MaxLimit})
		if err != nil {
			return unfinished, fmt.Errorf("load unfinished releases: %w", err)
		}
		for _, r := range list {
			if outcome == release.Failed && !r.Finished.IsZero() {
				continue // it ended, as not healthy in time
			}
			unfinished[r.App] = append(unfinished[r.App], r)
		}
	}
	return unfinished, nil
}

// Value is a value as it is kept on the desk.
func Value(of any) []byte {
	body, err := json.Marshal(of)
	if err != nil { // plain values: it would be a mistake in the program, and an empty one reads as damaged
		return nil
	}
	return body
}

// Seen is what is remembered of an object that the server was seen to hold.
func Seen(key object.Key, a plan.Applied) AppliedObject {
	return AppliedObject{ID: key.ID(), UID: a.UID, Digest: a.Digest, Fingerprint: strconv.FormatUint(a.Fingerprint, 16)}
}

// applied reads what Seen wrote.
func (o AppliedObject) applied() plan.Applied {
	fingerprint, err := strconv.ParseUint(o.Fingerprint, 16, 64)
	if err != nil {
		fingerprint = 0 // counts as unknown
	}
	return plan.Applied{UID: o.UID, Digest: o.Digest, Fingerprint: fingerprint}
}
