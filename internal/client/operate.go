package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

// PlanQuery says which plan is asked for.
type PlanQuery struct {
	Revision   string // a branch, tag or commit; empty is what the App follows
	Undeclared bool   // list the objects of its namespaces that nobody declares, too
}

// Plan returns what would be done to bring an App in line.
func (c *Client) Plan(ctx context.Context, id string, q PlanQuery) (plan.Plan, error) {
	query := url.Values{}
	set(query, "rev", q.Revision)
	if q.Undeclared {
		query.Set("undeclared", "true")
	}
	var p plan.Plan
	return p, c.do(ctx, call{method: http.MethodGet, path: append(appPath(id), "plan"), query: query, into: &p})
}

// Plans returns what a revision of the root repository would do, for every App
// that it touches.
func (c *Client) Plans(ctx context.Context, revision string) ([]plan.Plan, error) {
	return items[plan.Plan](ctx, c, url.Values{"rev": {revision}}, "plans")
}

// Compare tells in what two Apps (NAMESPACE/NAME) differ as they are declared.
func (c *Client) Compare(ctx context.Context, a, b string) (plan.Comparison, error) {
	var found plan.Comparison
	return found, c.do(ctx, call{method: http.MethodGet, path: []string{"compare"}, query: url.Values{"a": {a}, "b": {b}}, into: &found})
}

// Blame tells where the fields of a live object come from. An empty group or
// namespace stands for any.
func (c *Client) Blame(ctx context.Context, key object.Key) (plan.Blame, error) {
	query := url.Values{}
	set(query, "group", key.Group)
	set(query, "kind", key.Kind)
	set(query, "namespace", key.Namespace)
	set(query, "name", key.Name)
	var b plan.Blame
	return b, c.do(ctx, call{method: http.MethodGet, path: []string{"blame"}, query: query, into: &b})
}

// Opinion is what someone says of a plan.
type Opinion struct {
	Plan   string `json:"plan"` // its hash, or at least 6 of its first characters
	By     string `json:"by,omitempty"`
	Why    string `json:"why,omitempty"`
	Refuse bool   `json:"refuse,omitempty"`
}

// Approve approves or refuses the plan of an App that waits.
func (c *Client) Approve(ctx context.Context, id string, o Opinion) (gate.Approval, error) {
	var a gate.Approval
	return a, c.do(ctx, call{method: http.MethodPost, path: append(appPath(id), "approve"), body: o, into: &a})
}

// Pauses returns all pauses that hold.
func (c *Client) Pauses(ctx context.Context) ([]gate.Pause, error) {
	return items[gate.Pause](ctx, c, nil, "pauses")
}

// Covered says what a pause is of: exactly one of the three.
type Covered struct {
	App    string      `json:"app,omitempty"`    // NAMESPACE/NAME
	Object *object.Key `json:"object,omitempty"` // an empty group or namespace stands for any
	All    bool        `json:"all,omitempty"`
}

// Pause leaves something as it is for a while.
func (c *Client) Pause(ctx context.Context, what Covered, length time.Duration, by, reason string) (gate.Pause, error) {
	var p gate.Pause
	body := struct {
		Covered
		By     string `json:"by,omitempty"`
		Reason string `json:"reason"`
		For    string `json:"for"`
	}{what, by, reason, length.String()}
	return p, c.do(ctx, call{method: http.MethodPost, path: []string{"pauses"}, body: body, into: &p})
}

// Ending says how a pause is ended.
type Ending struct {
	Covered
	By     string `json:"by,omitempty"`
	Keep   bool   `json:"keep,omitempty"`   // write what was changed meanwhile to Git
	Branch string `json:"branch,omitempty"` // on this branch; empty: a new one
}

// Resume ends a pause.
func (c *Client) Resume(ctx context.Context, e Ending) (status.Resumed, error) {
	var r status.Resumed
	return r, c.do(ctx, call{method: http.MethodPost, path: []string{"resume"}, body: e, into: &r})
}

// Rotate says which Secret is to get new values.
type Rotate struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	App       string `json:"app,omitempty"` // NAMESPACE/NAME; empty is whichever declares it
	By        string `json:"by,omitempty"`
}

// Rotate makes the generated values of a Secret anew.
func (c *Client) Rotate(ctx context.Context, r Rotate) (status.Rotated, error) {
	var done status.Rotated
	return done, c.do(ctx, call{method: http.MethodPost, path: []string{"rotate"}, body: r, into: &done})
}

// Rollback says which commit is asked for.
type Rollback struct {
	To         int64  `json:"to,omitempty"`     // a release; 0: the newest success before what is live
	Branch     string `json:"branch,omitempty"` // empty: the branch that the App follows
	By         string `json:"by,omitempty"`
	Why        string `json:"why,omitempty"`
	WithOthers bool   `json:"withOthers,omitempty"` // go on where other Apps are made from the same files
	DryRun     bool   `json:"dryRun,omitempty"`     // tell what would be done, and write nothing
}

// Rollback makes and pushes a commit that restores what an App was made from.
func (c *Client) Rollback(ctx context.Context, id string, r Rollback) (status.RolledBack, error) {
	var done status.RolledBack
	return done, c.do(ctx, call{method: http.MethodPost, path: append(appPath(id), "rollback"), body: r, into: &done})
}

// LongestWait is how long the daemon waits with one answer.
const LongestWait = time.Minute

// Wait asks what becomes of a commit, and waits for up to LongestWait until that
// is decided for each App; none means all whose repository has it.
func (c *Client) Wait(ctx context.Context, apps []string, commit string, timeout time.Duration) ([]status.Verdict, error) {
	seconds := min(timeout, LongestWait).Truncate(time.Second) / time.Second
	query := url.Values{"commit": {commit}, "timeout": {strconv.Itoa(int(seconds))}, "app": apps}
	return items[status.Verdict](ctx, c, query, "wait")
}
