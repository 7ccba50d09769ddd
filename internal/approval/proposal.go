// Package approval is the plan of what is held back from an App until someone
// approves it: when it is made anew, what is said of it, and when that counts.
//
// It is pure. It doesn't make plans, keeps nothing on disk, and doesn't say
// whether approval is asked for at all: that is the gate's. What always holds:
// nothing is granted but the very plan that was approved, and only after it was
// found, anew, to be what would be done now.
package approval

import (
	"fmt"
	"strings"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/ledger"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// Proposal is a plan that waits, or is being carried out, and what was said of
// it. The zero value is none. It is used by one at a time.
type Proposal struct {
	Plan   *plan.Plan     // nil while none was made
	Said   *gate.Approval // what someone said last
	Grants ledger.Grants  // what of Plan may be done; nil until it is approved and found to be still what would be done

	made      bool      // by this run of the daemon
	situation uint64    // that it was made from
	again     time.Time // not made anew before
}

// every bounds how often a plan is made anew while what it is made from keeps
// changing.
const every = 2 * time.Second

// Restored is a proposal as it was left by the last run: shown until it is made anew.
func Restored(p *plan.Plan, said *gate.Approval) Proposal { return Proposal{Plan: p, Said: said} }

// Hash is the plan's; empty while there is none.
func (p *Proposal) Hash() string {
	if p.Plan == nil {
		return ""
	}
	return p.Plan.Hash
}

// None says that there is nothing to drop.
func (p *Proposal) None() bool { return p.Plan == nil && p.Said == nil }

// Current says whether the plan was made from how things stand now.
func (p *Proposal) Current(situation uint64) bool {
	return p.Plan != nil && p.made && p.situation == situation
}

// Due says whether the plan is to be made anew, and from when on. passes says
// that the gate lets the plan through: then it is compared once more. One that
// isn't complete may become so though nothing moves.
func (p *Proposal) Due(situation uint64, passes bool) (due bool, from time.Time) {
	return passes && p.Grants == nil || !p.Current(situation) || !p.Plan.Complete, p.again
}

// Took is what follows from a plan that was made.
type Took struct {
	Keep   bool // the plan is to be kept
	Forget bool // what was said is to be forgotten: it was of another plan
	Events []event.Event
}

// Made takes in a plan that was made from a situation, now being the one that
// holds by now. It is granted where it is the one that was approved; an
// approval of another lapses.
func (p *Proposal) Made(made plan.Plan, from, now uint64, at time.Time) (t Took) {
	news := p.Hash() != made.Hash
	p.Plan, p.Grants, p.made, p.situation, p.again = &made, nil, true, from, at.Add(every)
	switch approved := p.Said != nil && !p.Said.Refuse; {
	case approved && p.Said.Plan == made.Hash:
		if made.Applicable && made.Complete && from == now {
			p.Grants = ledger.GrantsOf(made)
		}
		return t
	case p.Said != nil && p.Said.Plan != made.Hash:
		if approved {
			t.Events = append(t.Events, p.stale(*p.Said))
		}
		p.Said, t.Forget = nil, true
	}
	if news {
		t.Keep = true
		t.Events = append(t.Events, event.Event{Kind: event.PlanPending, Actor: made.Author, Plan: made.Hash, Revision: made.Revision,
			Message: fmt.Sprintf("plan %s waits for approval: %s", made.Short(), made.Summary())})
	}
	return t
}

// stale tells that what was approved isn't the plan that waits.
func (p *Proposal) stale(said gate.Approval) event.Event {
	return p.event(event.PlanStale, said.By, "plan %s was approved, but what it was made from has changed since: plan %s takes its place and waits for approval",
		plan.Short(said.Plan), p.Plan.Short())
}

// event tells something of the plan.
func (p *Proposal) event(kind event.Kind, by, form string, args ...any) event.Event {
	return event.Event{Kind: kind, Actor: by, Plan: p.Plan.Hash, Revision: p.Plan.Revision, Message: fmt.Sprintf(form, args...)}
}

// Sign notes on a release which plan it carries out, and who approved that.
func (p *Proposal) Sign(r *release.Release) {
	if p.Grants != nil && p.Said != nil {
		r.Plan, r.ApprovedBy, r.ApprovedWhy = p.Plan.Hash, p.Said.By, p.Said.Why
	}
}

// Check completes what someone says of the plan that waits with its whole hash,
// or refuses it: then people may have to be told.
func (p *Proposal) Check(said gate.Approval, now time.Time) (gate.Approval, []event.Event, error) {
	switch {
	case p.Plan == nil || p.Grants != nil:
		return said, nil, status.Refuse(status.NotThere, "no plan of %s waits for approval", said.App)
	case !p.Plan.Matches(said.Plan):
		late := p.event(event.PlanRefused, said.By, "plan %s was approved too late: plan %s is the one that waits", plan.Short(said.Plan), p.Plan.Short())
		return said, []event.Event{late}, status.Refuse(status.Moved,
			"%.12s isn't the plan that waits; it is %s now: look at it with `plumb diff %s`, and approve that", said.Plan, p.Plan.Short(), said.App)
	}
	said.Plan, said.At = p.Plan.Hash, now
	if !said.Refuse && !(p.Plan.Complete && p.Plan.Applicable) {
		return said, nil, status.Refuse(status.Moved, "plan %s can't be carried out as it is: %s", p.Plan.Short(), whyNot(*p.Plan))
	}
	return said, nil, nil
}

// whyNot says what keeps a plan from being carried out.
func whyNot(p plan.Plan) string {
	if len(p.Problems) > 0 {
		return p.Problems[0].Message
	}
	for _, c := range p.Changes {
		if c.Action == plan.Conflict {
			return c.Key.String() + " " + c.Reason
		}
	}
	return "it isn't complete"
}

// Authorise refuses an approval by one of those who made what the plan holds,
// where the App asks for two people.
func (p *Proposal) Authorise(said gate.Approval, rule v1alpha1.Approval, authors []string) ([]event.Event, error) {
	if said.Refuse {
		return nil, nil
	}
	if len(authors) == 0 {
		authors = []string{""}
	}
	for _, author := range authors {
		if err := gate.Authorise(said, rule, author); err != nil {
			return p.Deny(said, err)
		}
	}
	return nil, nil
}

// Deny refuses an approval for a reason.
func (p *Proposal) Deny(said gate.Approval, why error) ([]event.Event, error) {
	refused := event.Event{Kind: event.PlanRefused, Actor: said.By, Plan: said.Plan, Message: why.Error()}
	return []event.Event{refused}, status.Refuse(status.Denied, "%v", why)
}

// Say takes in what someone says of the plan, once that is on disk. Where
// another plan took its place meanwhile it doesn't count.
func (p *Proposal) Say(said gate.Approval) (event.Event, error) {
	if p.Hash() != said.Plan || p.Grants != nil {
		late := event.Event{Kind: event.PlanStale, Actor: said.By, Plan: said.Plan,
			Message: fmt.Sprintf("plan %s doesn't wait any more", plan.Short(said.Plan))}
		if p.Plan != nil && p.Grants == nil {
			late = p.stale(said)
		}
		return late, status.Refuse(status.Moved, "%.12s isn't the plan that waits any more: look again with `plumb diff %s`", said.Plan, said.App)
	}
	p.Said, p.again = &said, time.Time{}
	kind, verb := event.PlanApproved, "approved"
	if said.Refuse {
		kind, verb = event.PlanRefused, "refused"
	}
	text := fmt.Sprintf("plan %s was %s by %s: %s", plan.Short(said.Plan), verb, said.By, said.Why)
	return p.event(kind, said.By, "%s", strings.TrimSuffix(text, ": ")), nil
}
