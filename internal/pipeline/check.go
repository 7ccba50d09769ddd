package pipeline

import (
	"context"
	"errors"
	"fmt"

	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// Checker compares declared objects with live ones; target.Hands is one.
type Checker interface {
	Check(ctx context.Context, as target.Actor, desired []plan.Desired) []target.Finding
}

// Checked is what came of the checks among some changes.
type Checked struct {
	Changes  []plan.Change    // those that were no checks, as they were
	Drifted  []plan.Change    // the corrections of what was found to differ
	Findings []target.Finding // of all checks
}

// Check carries out the checks among changes: what differs becomes a
// correction with its reason, what doesn't is left out.
func Check(ctx context.Context, c Checker, as target.Actor, changes []plan.Change) Checked {
	var out Checked
	var ask []plan.Desired
	for _, change := range changes {
		if change.Action == plan.Check {
			ask = append(ask, change.Desired)
		} else {
			out.Changes = append(out.Changes, change)
		}
	}
	if len(ask) == 0 {
		return out
	}
	out.Findings = c.Check(ctx, as, ask)
	for i, f := range out.Findings {
		if f.Err == nil && f.Differs {
			out.Drifted = append(out.Drifted, correction(ask[i], f))
		}
	}
	return out
}

// correction is the change that puts a drifted object right.
func correction(desired plan.Desired, f target.Finding) plan.Change {
	if at, err := desired.At(f.Live.Revision); err == nil && f.Live.Digest == desired.Digest {
		desired = at
	}
	c := plan.Change{
		Action: plan.Update, Key: f.Key, Origin: desired.Origin, Desired: desired, Live: f.Live, Fields: f.Fields,
		Reason: DriftReason(f), Repair: f.Repair,
	}
	if !f.Exists {
		c.Action = plan.Create
	}
	return c
}

// DriftReason says for people what was changed by whom.
func DriftReason(f target.Finding) string {
	if !f.Exists {
		return "was deleted outside Git"
	}
	if len(f.Fields) == 0 {
		return "was changed outside Git"
	}
	text := f.Fields[0].Path
	if more := len(f.Fields) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if owner := f.Fields[0].Owner; owner != "" {
		return text + " was changed by " + owner
	}
	return text + " was changed outside Git"
}

// Owners names the field managers that changed what drifted.
func Owners(drifted []plan.Change) string {
	for _, c := range drifted {
		for _, f := range c.Fields {
			if f.Owner != "" {
				return f.Owner
			}
		}
	}
	return "unknown"
}

// Applier applies changes; target.Hands is one.
type Applier interface {
	Apply(ctx context.Context, as target.Actor, changes []plan.Change) []target.Outcome
}

// Refused lets the server say of all changes whether it would take them, and
// returns nil when it would. What can't be told before something else is there
// (a namespace, a CRD) counts as fine. Prunes are not asked about.
func Refused(ctx context.Context, a Applier, as target.Actor, changes []plan.Change) []target.Outcome {
	if len(changes) == 0 || changes[0].Action == plan.Prune {
		return nil
	}
	as.DryRun = true
	outcomes := a.Apply(ctx, as, changes)
	refused := false
	for i, o := range outcomes {
		if o.Err == nil || errors.Is(o.Err, target.ErrSkipped) {
			outcomes[i].Err = fmt.Errorf("%w: other objects of the App are refused (sync.validate: first)", target.ErrSkipped)
			continue
		}
		refused = true
	}
	if !refused {
		return nil
	}
	return outcomes
}
