package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/target"
)

// Request is what a plan is made of.
type Request struct {
	App      v1alpha1.App
	Root     string // the root that declares the App; empty doesn't ask whose objects are
	Actor    target.Actor
	Revision release.Revision
	Cluster  string
	Desired  []plan.Desired // what is to be compared with the server
	InLine   int            // how many more are known to be in line
	Prunes   []plan.Change  // what is no longer declared
	Kept     []plan.Extra   // what is no longer declared either, and stays
	Broken   []plan.Problem // what could not be fitted to the target
	Hooks    []plan.Hook    // those that a release would run
	HooksDue bool           // they are to run though no object is to be changed
	Hidden   redact.Redactor
	Now      time.Time
}

// Planner is what of a target a plan asks; target.Hands is one.
type Planner interface {
	Checker
	Applier
}

// Plan asks the server of each object what would be done, and of each that
// would be pruned whether it would go. Nothing is changed by that. What a guard
// keeps is told as left alone.
func Plan(ctx context.Context, hands Planner, r Request) plan.Plan {
	subject, _, _ := strings.Cut(r.Revision.Message, "\n")
	p := plan.Plan{
		App: r.App.ID(), Revision: r.Revision.Commit, Author: r.Revision.Author, Subject: strings.TrimSpace(subject),
		Cluster: r.Cluster, Namespace: r.App.Spec.Target.Namespace, MadeAt: r.Now,
		Unchanged: r.InLine, Extra: slices.Clone(r.Kept), Problems: slices.Clone(r.Broken),
	}
	r.Actor.Values = true
	r.Actor.Redact = r.Hidden.With(r.App.Spec.Sensitive...)
	for i, f := range hands.Check(ctx, r.Actor, r.Desired) {
		r.take(&p, r.Desired[i], f)
	}
	r.takePrunes(&p, hands.Apply(ctx, dry(r.Actor), r.Prunes))
	if r.HooksDue || slices.ContainsFunc(p.Changes, intended) {
		p.Hooks = r.Hooks
	}
	return plan.New(p)
}

func dry(as target.Actor) target.Actor {
	as.DryRun = true
	return as
}

// take takes in what the server says of one declared object.
func (r Request) take(p *plan.Plan, d plan.Desired, f target.Finding) {
	c := plan.Change{
		Action: plan.Update, Key: d.Key, Origin: d.Origin, Fields: f.Fields, More: f.More, Digest: f.Digest,
		Desired: d, Live: f.Live, Repair: f.Repair,
	}
	if at, err := d.At(f.Live.Revision); err == nil && f.Live.Digest == d.Digest {
		c.Desired = at // what only has drifted keeps its commit
	}
	switch whose := r.whose(f); {
	case whose != "":
		c.Action, c.Reason = plan.Conflict, whose
	case f.Live.Deleting:
		p.Problems = append(p.Problems, plan.Problem{Key: d.Key, Origin: d.Origin, Message: "is being deleted; it can come again when it is gone"})
		return
	case errors.Is(f.Err, target.ErrRefused):
		c.Action, c.Reason = plan.Conflict, f.Err.Error()
	case f.Err != nil:
		p.Problems = append(p.Problems, plan.Problem{Key: d.Key, Origin: d.Origin, Message: f.Err.Error()})
		return
	case !f.Differs:
		p.Unchanged++
		return
	case !f.Exists:
		c.Action, c.Reason = plan.Create, "is not there yet"
		if f.Unasked != "" {
			c.Reason += "; the API server wasn't asked: " + f.Unasked
		}
	case f.Replaces != "":
		c.Action, c.Reason = plan.Replace, f.Replaces+": it is deleted and made anew"
	default:
		c.Reason = r.whyUpdate(d, f)
	}
	p.Changes = append(p.Changes, c)
}

// intended says whether a change is more than putting drift right, which runs no hooks.
func intended(c plan.Change) bool {
	return c.Action == plan.Prune || c.Live.Digest == "" || c.Live.Digest != c.Desired.Digest
}

// whose says that a live object is another root's, and what to do; empty is
// ours, nobody's, or for the App's own root to decide.
func (r Request) whose(f target.Finding) string {
	if r.Root == "" || f.Live.Root == "" || f.Live.Root == r.Root || !f.Live.Own {
		return ""
	}
	return fmt.Sprintf("belongs to the App %s of another root (%s); remove it from one of the two", f.Live.App, f.Live.Root)
}

// whyUpdate says for people why a live object would be changed.
func (r Request) whyUpdate(d plan.Desired, f target.Finding) string {
	switch {
	case f.From != "" && f.Live.App == "":
		return "is taken over from " + f.From
	case f.From != "":
		return "is declared otherwise, and is taken over from " + f.From
	case f.Live.App == "":
		return "is there and was no App's: it is taken over"
	case f.Live.App != object.AppLabel(r.App.ID()):
		return "is taken over from the App " + f.Live.App
	case f.Live.Digest == d.Digest:
		return DriftReason(f)
	case len(f.Fields) > 0:
		return "is declared otherwise"
	case f.Live.Origin != d.Origin.File:
		return fmt.Sprintf("is declared in %s now, and the same", d.Origin.File)
	default:
		return "is declared otherwise, and comes out the same"
	}
}

// takePrunes takes in what the server says of what is no longer declared.
func (r Request) takePrunes(p *plan.Plan, outcomes []target.Outcome) {
	for i, o := range outcomes {
		c := r.Prunes[i]
		switch {
		case errors.Is(o.Err, target.ErrKept):
			p.Extra = append(p.Extra, plan.Extra{Key: c.Key, Reason: "is no longer declared, and stays: " + o.Err.Error()})
			continue
		case errors.Is(o.Err, target.ErrRefused):
			c.Action, c.Reason = plan.Conflict, "can't be pruned: "+o.Err.Error()
		case o.Err != nil:
			p.Problems = append(p.Problems, plan.Problem{Key: c.Key, Message: o.Err.Error()})
			continue
		}
		p.Changes = append(p.Changes, c)
	}
}

// Undeclared adds to a plan what nobody declares in the namespaces that it is
// about.
func Undeclared(ctx context.Context, e target.Explorer, as target.Actor, p plan.Plan, desired []plan.Desired) plan.Plan {
	namespaces := []string{}
	if as.Namespace != "" {
		namespaces = append(namespaces, as.Namespace)
	}
	for _, d := range desired {
		if ns := d.Key.Namespace; ns != "" && !slices.Contains(namespaces, ns) {
			namespaces = append(namespaces, ns)
		}
	}
	known := map[object.Key]bool{}
	for _, c := range p.Changes {
		known[c.Key] = true
	}
	for _, x := range p.Extra {
		known[x.Key] = true
	}
	for _, d := range desired {
		known[d.Key] = true
	}
	found, more, err := e.Undeclared(ctx, as, namespaces)
	for _, x := range found {
		if !known[x.Key] {
			p.Extra = append(p.Extra, x)
		}
	}
	if last := len(p.Extra) - 1; more && last >= 0 {
		p.Extra[last].Reason += "; there are more, which are not listed"
	}
	if err != nil {
		p.Problems = append(p.Problems, plan.Problem{Message: "what nobody declares can't be told: " + err.Error()})
	}
	return plan.New(p)
}
