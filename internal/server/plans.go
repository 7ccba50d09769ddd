package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

// planRequest asks for the plan of one App.
type planRequest struct {
	AppPath
	Rev        string `query:"rev" maxLength:"250" doc:"A branch, tag or commit of the App's repository; left out: what the App follows."`
	Undeclared bool   `query:"undeclared" doc:"List the objects of the App's namespaces that nobody declares, too."`
}

func (e endpoints) getPlan(ctx context.Context, in *planRequest) (*body[plan.Plan], error) {
	if err := printable(text{"rev", in.Rev}); err != nil {
		return nil, err
	}
	p, err := e.plans.Plan(ctx, PlanQuery{App: in.ID(), Revision: in.Rev, Undeclared: in.Undeclared})
	if err != nil {
		return nil, appError(in.ID(), "can't be compared", err, http.StatusUnprocessableEntity)
	}
	return &body[plan.Plan]{whole(p)}, nil
}

// plansRequest asks for the plans of all Apps that a revision touches.
type plansRequest struct {
	Rev string `query:"rev" required:"true" minLength:"1" maxLength:"250" doc:"A branch, tag or commit of the root repository."`
}

func (e endpoints) listPlans(ctx context.Context, in *plansRequest) (*body[list[plan.Plan]], error) {
	if err := printable(text{"rev", in.Rev}); err != nil {
		return nil, err
	}
	plans, err := e.plans.PlansOf(ctx, in.Rev)
	if err != nil {
		return nil, refused("what "+in.Rev+" would do can't be told", err, http.StatusUnprocessableEntity)
	}
	for i := range plans {
		plans[i] = whole(plans[i])
	}
	return itemsOf(plans), nil
}

// whole is a plan whose list of changes is never null.
func whole(p plan.Plan) plan.Plan {
	if p.Changes == nil {
		p.Changes = []plan.Change{}
	}
	return p
}

// compareRequest names two Apps.
type compareRequest struct {
	A string `query:"a" required:"true" minLength:"3" maxLength:"317" doc:"The one App, NAMESPACE/NAME."`
	B string `query:"b" required:"true" minLength:"3" maxLength:"317" doc:"The other."`
}

func (e endpoints) compareApps(ctx context.Context, in *compareRequest) (*body[plan.Comparison], error) {
	for _, id := range []string{in.A, in.B} {
		if strings.Count(id, "/") != 1 {
			return nil, huma.Error422UnprocessableEntity(id + " is not NAMESPACE/NAME")
		}
	}
	c, err := e.plans.Compare(ctx, in.A, in.B)
	if err != nil {
		return nil, appError(in.A+" or "+in.B, "can't be compared", err, http.StatusUnprocessableEntity)
	}
	c.Images, c.Charts, c.Fields = never(c.Images), never(c.Charts), never(c.Fields)
	c.OnlyA, c.OnlyB = never(c.OnlyA), never(c.OnlyB)
	return &body[plan.Comparison]{c}, nil
}

// never is a list that is never null.
func never[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// blameRequest names an object. It isn't in a path, for kinds and groups don't
// stand in one well.
type blameRequest struct {
	Kind      string `query:"kind" required:"true" minLength:"1" maxLength:"63" doc:"The object's kind."`
	Group     string `query:"group" maxLength:"253" doc:"Its API group; left out: any."`
	Namespace string `query:"namespace" maxLength:"63" doc:"Its namespace; left out: any."`
	Name      string `query:"name" required:"true" minLength:"1" maxLength:"253" doc:"Its name."`
}

func (e endpoints) blame(ctx context.Context, in *blameRequest) (*body[plan.Blame], error) {
	key := object.Key{Group: in.Group, Kind: in.Kind, Namespace: in.Namespace, Name: in.Name}
	if err := printable(text{"the object", key.ID()}); err != nil {
		return nil, err
	}
	b, err := e.git.Blame(ctx, key)
	if err != nil {
		return nil, refused("where "+key.String()+" comes from can't be told", err, http.StatusUnprocessableEntity)
	}
	b.Fields = never(b.Fields)
	return &body[plan.Blame]{b}, nil
}

// rollbackRequest asks for a commit that restores an App's inputs.
type rollbackRequest struct {
	AppPath
	Body struct {
		_          struct{} `additionalProperties:"false"`
		To         int64    `json:"to,omitempty" minimum:"0" doc:"The release whose inputs are restored; left out: the newest success before what is live."`
		Branch     string   `json:"branch,omitempty" maxLength:"250" doc:"Where to push; left out: the branch that the App follows."`
		By         string   `json:"by,omitempty" maxLength:"100" doc:"Who asks, for the record, taken on trust."`
		Why        string   `json:"why,omitempty" maxLength:"1000" doc:"Why, for the commit's message."`
		WithOthers bool     `json:"withOthers,omitempty" doc:"Go on where other Apps are made from the same files."`
		DryRun     bool     `json:"dryRun,omitempty" doc:"Tell what would be done, and write nothing."`
	}
}

func (e endpoints) rollback(ctx context.Context, in *rollbackRequest) (*body[status.RolledBack], error) {
	b := in.Body
	if err := printable(text{"branch", b.Branch}, text{"by", b.By}, text{"why", b.Why}); err != nil {
		return nil, err
	}
	done, err := e.git.Rollback(ctx, Rollback{
		App: in.ID(), To: b.To, Branch: b.Branch, By: actor(b.By), Why: b.Why, WithOthers: b.WithOthers, DryRun: b.DryRun,
	})
	if err != nil {
		return nil, appError(in.ID(), "can't be rolled back", err, http.StatusUnprocessableEntity)
	}
	done.Files, done.Skipped = never(done.Files), never(done.Skipped)
	return &body[status.RolledBack]{done}, nil
}
