package pipeline

import (
	"context"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/target"
)

// Request is what a plan is made of. (F: a first cut so that deliver builds; owner B makes it real. Keep these fields or tell F.)
type Request struct {
	App      v1alpha1.App
	Actor    target.Actor
	Revision release.Revision
	Cluster  string
	Desired  []plan.Desired // what is to be compared with the server
	InLine   int            // how many more are known to be in line
	Prunes   []plan.Change  // what is no longer declared
	Hidden   redact.Redactor
	Now      time.Time
}

// Plan asks the server what would be done.
func Plan(ctx context.Context, hands target.Hands, r Request) plan.Plan {
	p := plan.Plan{App: r.App.ID(), Revision: r.Revision.Commit, Author: r.Revision.Author, Cluster: r.Cluster, Unchanged: r.InLine, MadeAt: r.Now}
	checks := make([]plan.Change, len(r.Desired))
	for i, d := range r.Desired {
		checks[i] = plan.Change{Action: plan.Check, Key: d.Key, Desired: d}
	}
	checked := Check(ctx, hands, r.Actor, checks)
	for _, f := range checked.Findings {
		if f.Err != nil {
			p.Problems = append(p.Problems, plan.Problem{Key: f.Key, Message: f.Err.Error()})
		}
	}
	p.Changes = append(checked.Drifted, r.Prunes...)
	return plan.New(p)
}
