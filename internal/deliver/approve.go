package deliver

import (
	"context"
	"fmt"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// Approve takes in what someone says of the plan that waits. It is on disk
// before it counts.
func (en *Engine) Approve(ctx context.Context, said gate.Approval) (gate.Approval, error) {
	e := en.e
	e.approving.Lock() // one after the other: what is on disk is what counts
	defer e.approving.Unlock()
	q, err := ask(ctx, e, func(e *engine) (asked, error) { return e.checkApproval(said) })
	if err != nil {
		return said, err
	}
	if q.rule.NotAuthor && !said.Refuse {
		authors, unknown := pipeline.Authors(ctx, e.Past, e.History, q.made)
		if _, err := ask(ctx, e, func(e *engine) (asked, error) { return q, e.authorise(q, authors, unknown) }); err != nil {
			return said, err
		}
	}
	if err := e.records.PutNow(ctx, history.DeskApproval, q.said.App, history.Value(q.said)); err != nil {
		return said, fmt.Errorf("what you said can't be written down, so it doesn't count: %w", err)
	}
	return ask(ctx, e, func(e *engine) (gate.Approval, error) { return q.said, e.approve(q.said) })
}

// asked is an approval, and what it is of.
type asked struct {
	said gate.Approval
	rule v1alpha1.Approval
	made pipeline.Made
}

// checkApproval says whether an approval fits the plan that waits, and gives it
// the plan's whole hash.
func (e *engine) checkApproval(said gate.Approval) (asked, error) {
	a, err := e.declared(said.App)
	if err != nil {
		return asked{}, err
	}
	if a.App.Spec.Sync.Mode != v1alpha1.SyncApprove {
		return asked{}, status.Refuse(status.NotThere, "no plan of %s waits for approval", said.App)
	}
	said, happened, err := a.proposal.Check(said, e.Now())
	e.tell(a, happened...)
	q := asked{said: said, rule: a.App.Spec.Sync.Approval}
	if a.removed {
		q.made = pipeline.Made{Known: []string{e.rootAt.Author}}
		return q, err
	}
	q.made = pipeline.Made{App: a.id, URL: a.ref.URL, Commit: a.got.revision.Commit, Known: []string{a.got.revision.Author}, From: e.follows.Inputs(a.id)}
	if a.cause.Trigger == release.TriggerDeclaration {
		q.made.Known = append(q.made.Known, a.cause.Actor)
	}
	return q, err
}

// authorise says whether who approves may, as far as the authors could be told.
func (e *engine) authorise(q asked, authors []string, unknown error) error {
	a, err := e.declared(q.said.App)
	if err != nil {
		return err
	}
	var happened []event.Event
	if unknown != nil {
		happened, err = a.proposal.Deny(q.said, unknown)
	} else {
		happened, err = a.proposal.Authorise(q.said, q.rule, authors)
	}
	e.tell(a, happened...)
	return err
}

// approve takes in an approval that is on disk.
func (e *engine) approve(said gate.Approval) error {
	a, err := e.declared(said.App)
	if err != nil {
		return err
	}
	happened, err := a.proposal.Say(said)
	e.tell(a, happened)
	if err != nil {
		e.records.Drop(history.DeskApproval, a.id)
		return err
	}
	a.retryAt = time.Time{}
	e.touch(a)
	return nil
}
