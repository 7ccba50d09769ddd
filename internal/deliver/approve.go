package deliver

import (
	"context"
	"fmt"
	"slices"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
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
		authors, unknown := e.authorsOf(ctx, q)
		if _, err := ask(ctx, e, func(e *engine) (asked, error) { return q, e.authorise(q, authors, unknown) }); err != nil {
			return said, err
		}
	}
	if err := e.records.PutNow(ctx, history.DeskApproval, q.said.App, history.Value(q.said)); err != nil {
		return said, fmt.Errorf("what you said can't be written down, so it doesn't count: %w", err)
	}
	return ask(ctx, e, func(e *engine) (gate.Approval, error) { return q.said, e.approve(q.said) })
}

// asked is an approval, and who must not give it.
type asked struct {
	said    gate.Approval
	rule    v1alpha1.Approval
	authors []string    // those that are known
	url     string      // of the repository with more authors; empty where none has
	span    source.Span // of the commits whose authors they are
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
		q.authors = []string{e.rootAt.Author}
		return q, err
	}
	q.authors, q.url, q.span.To = []string{a.got.revision.Author}, a.ref.URL, a.got.revision.Commit
	if a.cause.trigger == release.TriggerDeclaration {
		q.authors = append(q.authors, a.cause.actor)
	}
	for path := range e.follows.Inputs(a.id).All() {
		q.span.Paths = append(q.span.Paths, path)
	}
	slices.Sort(q.span.Paths)
	return q, err
}

// mostCommits bounds how many commits a plan may be made of for their authors
// to be told.
const mostCommits = 1000

// authorsOf finds who made the commits since the one that is live.
func (e *engine) authorsOf(ctx context.Context, q asked) ([]string, error) {
	if e.Past == nil || q.url == "" {
		return q.authors, nil
	}
	live, err := e.History.List(ctx, history.Query{App: q.said.App, Outcome: release.Succeeded, Limit: history.MaxLimit})
	if err != nil {
		return nil, fmt.Errorf("who made these changes can't be told: %w", err)
	}
	q.span.Limit = mostCommits
	if i := slices.IndexFunc(live, func(r release.Release) bool { return !r.Corrective() && r.Trigger != release.TriggerRemoval }); i >= 0 {
		q.span.From = live[i].Revision.Commit
	}
	commits, err := e.Past.Log(ctx, q.url, q.span)
	if err != nil && q.span.From != "" { // it may be of a history that was rewritten: all of it counts then
		q.span.From = ""
		commits, err = e.Past.Log(ctx, q.url, q.span)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("who made these changes can't be told: %w", err)
	case len(commits) >= mostCommits:
		return nil, fmt.Errorf("these changes are of %d commits or more, so who made them isn't told: let those before be approved first", mostCommits)
	}
	authors := q.authors
	for _, c := range commits {
		authors = append(authors, c.Author)
	}
	return authors, nil
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
