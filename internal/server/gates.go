package server

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/status"
)

// approveRequest is what someone says of the plan that waits.
type approveRequest struct {
	AppPath
	Body struct {
		_      struct{} `additionalProperties:"false"`
		Plan   string   `json:"plan" minLength:"6" maxLength:"128" doc:"The plan's hash, or at least 6 of its first characters."`
		By     string   `json:"by,omitempty" maxLength:"100" doc:"Who says it, for the record, taken on trust."`
		Why    string   `json:"why,omitempty" maxLength:"1000" doc:"Why, for the record."`
		Refuse bool     `json:"refuse,omitempty" doc:"Turn the plan down: it isn't applied, and what is declared next makes another."`
	}
}

func (e endpoints) approve(ctx context.Context, in *approveRequest) (*body[gate.Approval], error) {
	b := in.Body
	if err := printable(text{"plan", b.Plan}, text{"by", b.By}, text{"why", b.Why}); err != nil {
		return nil, err
	}
	said, err := e.gates.Approve(ctx, gate.Approval{
		App: in.ID(), Plan: b.Plan, By: actor(b.By), Why: b.Why, Refuse: b.Refuse, At: e.now().UTC(),
	})
	if err != nil {
		return nil, appError(in.ID(), "has no plan that could be approved now", err, http.StatusConflict)
	}
	return &body[gate.Approval]{said}, nil
}

func (e endpoints) listPauses(context.Context, *struct{}) (*body[list[gate.Pause]], error) {
	pauses := slices.Clone(e.gates.Pauses())
	slices.SortFunc(pauses, func(a, b gate.Pause) int { return cmp.Compare(a.ID(), b.ID()) })
	return itemsOf(pauses), nil
}

// Covered says what a pause is of: exactly one of the three. It is exported for
// huma, which looks into no embedded struct that is not.
type Covered struct {
	App    string      `json:"app,omitempty" maxLength:"317" doc:"An App, NAMESPACE/NAME."`
	Object *ObjectName `json:"object,omitempty" doc:"An object of an App."`
	All    bool        `json:"all,omitempty" doc:"Everything."`
}

// ObjectName names an object as people do.
type ObjectName struct {
	_         struct{} `additionalProperties:"false"`
	Group     string   `json:"group,omitempty" maxLength:"253" doc:"The API group; left out: any."`
	Kind      string   `json:"kind" minLength:"1" maxLength:"63" doc:"The kind."`
	Namespace string   `json:"namespace,omitempty" maxLength:"63" doc:"The namespace; left out: any."`
	Name      string   `json:"name" minLength:"1" maxLength:"253" doc:"The name."`
}

// key is the object's identity; nil for none.
func (o *ObjectName) key() *object.Key {
	if o == nil {
		return nil
	}
	return &object.Key{Group: o.Group, Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

// check says what is wrong with it.
func (c Covered) check() error {
	named := 0
	for _, given := range []bool{c.App != "", c.Object != nil, c.All} {
		if given {
			named++
		}
	}
	if named != 1 {
		return huma.Error422UnprocessableEntity("say what is meant by exactly one of app, object and all")
	}
	if c.Object != nil {
		return printable(text{"object", c.Object.key().ID()})
	}
	return printable(text{"app", c.App})
}

// String names it.
func (c Covered) String() string {
	switch {
	case c.Object != nil:
		return c.Object.key().String()
	case c.All:
		return "everything"
	}
	return c.App
}

// pauseRequest asks for a pause.
type pauseRequest struct {
	Body struct {
		_ struct{} `additionalProperties:"false"`
		Covered
		By     string `json:"by,omitempty" maxLength:"100" doc:"Who asks, for the record, taken on trust."`
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"Why; everyone who looks at the App is shown it."`
		For    string `json:"for" minLength:"2" maxLength:"20" doc:"How long, such as 90m, 1h30m or 2d; at most 30 days."`
	}
}

func (e endpoints) pause(ctx context.Context, in *pauseRequest) (*body[gate.Pause], error) {
	b := in.Body
	if err := cmp.Or(b.check(), printable(text{"by", b.By}, text{"reason", b.Reason})); err != nil {
		return nil, err
	}
	length, err := gate.ParseLength(b.For)
	if err != nil {
		return nil, huma.Error422UnprocessableEntity("for: " + err.Error())
	}
	now := e.now().UTC()
	p, err := e.gates.Pause(ctx, gate.Pause{App: b.App, Object: b.Object.key(), By: actor(b.By), Reason: b.Reason, Since: now, Until: now.Add(length)})
	if err != nil {
		return nil, appError(b.Covered.String(), "can't be paused", err, http.StatusConflict)
	}
	return &body[gate.Pause]{p}, nil
}

// resumeRequest ends a pause.
type resumeRequest struct {
	Body struct {
		_ struct{} `additionalProperties:"false"`
		Covered
		By     string `json:"by,omitempty" maxLength:"100" doc:"Who asks, for the record, taken on trust."`
		Keep   bool   `json:"keep,omitempty" doc:"Write what was changed while paused to Git, in place of putting back what is declared."`
		Branch string `json:"branch,omitempty" maxLength:"250" doc:"With keep: the branch it is pushed to; left out: a new one."`
	}
}

func (e endpoints) resume(ctx context.Context, in *resumeRequest) (*body[status.Resumed], error) {
	b := in.Body
	if err := cmp.Or(b.check(), printable(text{"by", b.By}, text{"branch", b.Branch})); err != nil {
		return nil, err
	}
	if b.Branch != "" && !b.Keep {
		return nil, huma.Error422UnprocessableEntity("branch goes with keep: nothing is written to Git otherwise")
	}
	done, err := e.gates.Resume(ctx, Resume{App: b.App, Object: b.Object.key(), By: actor(b.By), Keep: b.Keep, Branch: b.Branch})
	if err != nil {
		return nil, appError(b.Covered.String(), "can't be resumed", err, http.StatusConflict)
	}
	done.Ended = never(done.Ended)
	return &body[status.Resumed]{done}, nil
}
