package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

// fakeDesk notes what it is asked, and answers with err or next to nothing.
type fakeDesk struct {
	asked []string
	err   error
}

func (f *fakeDesk) note(format string, args ...any) error {
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
	return f.err
}

func (f *fakeDesk) Plan(_ context.Context, q PlanQuery) (plan.Plan, error) {
	return plan.Plan{App: q.App, Hash: "4f2a91c07b"}, f.note("%+v", q)
}

func (f *fakeDesk) PlansOf(_ context.Context, revision string) ([]plan.Plan, error) {
	return []plan.Plan{{App: "team-a/shop"}}, f.note("plans of %s", revision)
}

func (f *fakeDesk) Compare(_ context.Context, a, b string) (plan.Comparison, error) {
	return plan.Comparison{A: a, B: b}, f.note("compare %s %s", a, b)
}

func (f *fakeDesk) Blame(_ context.Context, key object.Key) (plan.Blame, error) {
	return plan.Blame{Key: key}, f.note("blame %s", key.ID())
}

func (f *fakeDesk) Rollback(_ context.Context, r Rollback) (status.RolledBack, error) {
	return status.RolledBack{App: r.App}, f.note("%+v", r)
}

func (f *fakeDesk) Approve(_ context.Context, a gate.Approval) (gate.Approval, error) {
	return a, f.note("%s %s refuse=%v by %s: %s", a.App, a.Plan, a.Refuse, a.By, a.Why)
}

func (f *fakeDesk) Pauses() []gate.Pause {
	return []gate.Pause{{App: "team-b/shop"}, {App: "team-a/shop"}, {}}
}

func (f *fakeDesk) Pause(_ context.Context, p gate.Pause) (gate.Pause, error) {
	return p, f.note("pause %s by %s until %s: %s", p.ID(), p.By, p.Until.Format("02 15:04"), p.Reason)
}

func (f *fakeDesk) Resume(_ context.Context, r Resume) (status.Resumed, error) {
	what := r.App
	if r.Object != nil {
		what = r.Object.ID()
	}
	return status.Resumed{}, f.note("resume %q by %s keep=%v %s", what, r.By, r.Keep, r.Branch)
}

// deskConfig is a server with a desk.
func deskConfig(t *testing.T, f *fakeDesk) Config {
	t.Helper()
	c := config(t, someApps())
	c.Plans, c.Gates, c.Git = f, f, f
	return c
}

func TestWhatIsAskedArrives(t *testing.T) {
	t.Parallel()
	const app = "/api/v1/apps/team-a/shop"
	for _, test := range []struct{ method, target, body, want string }{
		{"GET", app + "/plan", "", "{App:team-a/shop Revision: Undeclared:false}"},
		{"GET", app + "/plan?rev=feature/x&undeclared=true", "", "{App:team-a/shop Revision:feature/x Undeclared:true}"},
		{"GET", "/api/v1/plans?rev=main", "", "plans of main"},
		{"GET", "/api/v1/compare?a=a/x&b=b/x", "", "compare a/x b/x"},
		{"GET", "/api/v1/blame?kind=Deployment&name=web", "", "blame /Deployment//web"},
		{"GET", "/api/v1/blame?group=apps&kind=Deployment&namespace=shop&name=web", "", "blame apps/Deployment/shop/web"},
		{"POST", app + "/approve", `{"plan":"4f2a91","by":"ana","why":"seen"}`, "team-a/shop 4f2a91 refuse=false by ana: seen"},
		{"POST", app + "/approve", `{"plan":"4f2a91","refuse":true}`, "team-a/shop 4f2a91 refuse=true by someone with the token: "},
		{"POST", "/api/v1/pauses", `{"app":"team-a/shop","for":"1h30m","reason":"tests"}`, "pause team-a/shop by someone with the token until 20 13:30: tests"},
		{"POST", "/api/v1/pauses", `{"all":true,"for":"30d","reason":"move","by":"bo"}`, "pause all by bo until 20 12:00: move"},
		{
			"POST", "/api/v1/resume", `{"object":{"kind":"Deployment","name":"web"},"keep":true,"branch":"keep/web","by":"bo"}`,
			`resume "/Deployment//web" by bo keep=true keep/web`,
		},
		{"POST", "/api/v1/resume", `{"all":true}`, `resume "" by someone with the token keep=false `},
		{
			"POST", app + "/rollback", `{"to":7,"branch":"undo","by":"ana","why":"slow","withOthers":true,"dryRun":true}`,
			"{App:team-a/shop To:7 Branch:undo By:ana Why:slow WithOthers:true DryRun:true}",
		},
		{"POST", app + "/rollback", `{}`, "{App:team-a/shop To:0 Branch: By:someone with the token Why: WithOthers:false DryRun:false}"},
	} {
		f := &fakeDesk{}
		w := answerTo(New(deskConfig(t, f)), test.method, test.target, test.body)
		if w.Code != http.StatusOK {
			t.Errorf("%s %s: %d %s", test.method, test.target, w.Code, w.Body)
		}
		if diff := cmp.Diff([]string{test.want}, f.asked); diff != "" {
			t.Errorf("%s %s (-want +asked):\n%s", test.method, test.target, diff)
		}
		if strings.Contains(w.Body.String(), "null") {
			t.Errorf("%s %s has a list that is null: %s", test.method, test.target, w.Body)
		}
	}
}

func TestWhatIsAskedWronglyIsRefused(t *testing.T) {
	t.Parallel()
	f := &fakeDesk{}
	h := New(deskConfig(t, f))
	const app = "/api/v1/apps/team-a/shop"
	for _, test := range []struct{ method, target, body, says string }{
		{"GET", "/api/v1/plans", "", "rev"},
		{"GET", "/api/v1/plans?rev=a%0Ab", "", "printable"},
		{"GET", app + "/plan?rev=%1b%5B31m", "", "printable"},
		{"GET", app + "/plan?revision=main", "", "revision"},
		{"GET", "/api/v1/compare?a=a/x&b=xyz", "", "NAMESPACE/NAME"},
		{"GET", "/api/v1/blame?kind=Deployment", "", "name"},
		{"POST", app + "/approve", `{"plan":"4f2"}`, "plan"},
		{"POST", app + "/approve", `{"plan":"4f2a91","why":"a\nb"}`, "printable"},
		{"POST", app + "/approve", `{"plan":"4f2a91","aprove":true}`, "aprove"},
		{"POST", "/api/v1/pauses", `{"for":"1h","reason":"x"}`, "exactly one of"},
		{"POST", "/api/v1/pauses", `{"for":"1h","reason":"x","all":true,"app":"a/b"}`, "exactly one of"},
		{"POST", "/api/v1/pauses", `{"for":"1h","all":true}`, "reason"},
		{"POST", "/api/v1/pauses", `{"for":"31d","all":true,"reason":"x"}`, "at most 30d"},
		{"POST", "/api/v1/pauses", `{"for":"-1h","all":true,"reason":"x"}`, "not a length of time"},
		{"POST", "/api/v1/pauses", `{"for":"1h","reason":"x","object":{"kind":"Deployment","name":"web","app":"x"}}`, "app"},
		{"POST", "/api/v1/pauses", `{"for":"1h","reason":"x","object":{"kind":"Deployment","name":"\u001b"}}`, "printable"},
		{"POST", "/api/v1/resume", `{"all":true,"branch":"x"}`, "goes with keep"},
		{"POST", app + "/rollback", `{"to":-1}`, "to"},
		{"POST", app + "/rollback", `{"branch":"a\u0000b"}`, "printable"},
	} {
		mustRefuse(t, answerTo(h, test.method, test.target, test.body), http.StatusUnprocessableEntity, test.says)
	}
	if len(f.asked) > 0 {
		t.Errorf("the daemon was asked all the same: %v", f.asked)
	}
}

func TestRefusalsHaveTheirCodes(t *testing.T) {
	t.Parallel()
	requests := []struct{ method, target, body string }{
		{"GET", "/api/v1/apps/team-a/shop/plan", ""},
		{"GET", "/api/v1/plans?rev=x", ""},
		{"GET", "/api/v1/compare?a=a/x&b=b/x", ""},
		{"GET", "/api/v1/blame?kind=A&name=b", ""},
		{"POST", "/api/v1/apps/team-a/shop/approve", `{"plan":"4f2a91"}`},
		{"POST", "/api/v1/pauses", `{"for":"1h","reason":"x","app":"a/b"}`},
		{"POST", "/api/v1/resume", `{"app":"a/b"}`},
		{"POST", "/api/v1/apps/team-a/shop/rollback", `{}`},
	}
	for code, err := range map[int]error{
		http.StatusNotFound:            status.Refuse(status.NotThere, "this isn't %s", "there"),
		http.StatusForbidden:           fmt.Errorf("asked: %w", status.Refuse(status.Denied, "this isn't there")),
		http.StatusConflict:            status.Refuse(status.Moved, "this isn't there"),
		http.StatusUnprocessableEntity: status.Refuse(status.Invalid, "this isn't there"),
	} {
		for _, r := range requests {
			mustRefuse(t, answerTo(New(deskConfig(t, &fakeDesk{err: err})), r.method, r.target, r.body), code, `"this isn't there"`)
		}
	}
	for _, r := range requests {
		w := answerTo(New(deskConfig(t, &fakeDesk{err: errors.New("the cluster can't be reached")})), r.method, r.target, r.body)
		mustRefuse(t, w, w.Code, ": the cluster can't be reached")
		if w.Code != http.StatusUnprocessableEntity && w.Code != http.StatusConflict {
			t.Errorf("%s: %d", r.target, w.Code)
		}
	}
	for _, r := range []int{0, 4, 7} {
		w := answerTo(New(deskConfig(t, &fakeDesk{err: ErrNoApp})), requests[r].method, requests[r].target, requests[r].body)
		mustRefuse(t, w, http.StatusNotFound, "no App team-a/shop is declared")
	}
}

func TestPausesAreSorted(t *testing.T) {
	t.Parallel()
	var got []string
	for _, p := range ask[list[gate.Pause]](t, New(deskConfig(t, &fakeDesk{})), "/api/v1/pauses").Items {
		got = append(got, p.ID())
	}
	if want := "all team-a/shop team-b/shop"; strings.Join(got, " ") != want {
		t.Errorf("got %v; want %s", got, want)
	}
}
