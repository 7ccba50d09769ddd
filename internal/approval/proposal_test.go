package approval

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

func at(second int) time.Time { return time.Date(2026, 1, 2, 3, 4, second, 0, time.UTC) }

// made is a plan that changes the objects named.
func made(names ...string) plan.Plan {
	p := plan.Plan{App: "team/shop", Revision: "commit", Author: "Ada <ada@example.com>"}
	for _, name := range names {
		p.Changes = append(p.Changes, plan.Change{Action: plan.Update, Key: object.Key{Kind: "ConfigMap", Namespace: "shop", Name: name}})
	}
	return plan.New(p)
}

func yes(p plan.Plan) gate.Approval {
	return gate.Approval{App: "team/shop", Plan: p.Hash, By: "grace", Why: "looks right"}
}

// say is someone's word that reaches the proposal.
func say(t *testing.T, p *Proposal, said gate.Approval) error {
	t.Helper()
	said, _, err := p.Check(said, at(9))
	if err != nil {
		return err
	}
	_, err = p.Say(said)
	return err
}

// story is what happened, in words.
func story(t Took) string {
	var words []string
	if t.Keep {
		words = append(words, "keep")
	}
	if t.Forget {
		words = append(words, "forget")
	}
	for _, e := range t.Events {
		words = append(words, string(e.Kind))
	}
	return strings.Join(words, " ")
}

func TestMade(t *testing.T) {
	t.Parallel()
	one, other := made("a"), made("b")
	problem := plan.Problem{Message: "the server is away"}
	broken := plan.New(plan.Plan{App: one.App, Changes: one.Changes, Problems: []plan.Problem{problem}})
	no := yes(one)
	no.Refuse = true
	for _, tc := range []struct {
		name    string
		before  *plan.Plan
		said    *gate.Approval
		made    plan.Plan
		moved   bool // things moved while it was made
		want    string
		granted bool
		holds   bool // what was said holds on
	}{
		{"the first", nil, nil, one, false, "keep PlanPending", false, false},
		{"the same again", &one, nil, one, false, "", false, false},
		{"another", &one, nil, other, false, "keep PlanPending", false, false},
		{"what was approved", &one, new(yes(one)), one, false, "", true, true},
		{"what was approved, while things move", &one, new(yes(one)), one, true, "", false, true},
		{"what was approved, but can't be told any more", &one, new(yes(one)), broken, false, "", false, true},
		{"not what was approved", &one, new(yes(one)), other, false, "keep forget PlanStale PlanPending", false, false},
		{"what was approved before a restart", nil, new(yes(one)), one, false, "", true, true},
		{"what was refused", &one, &no, one, false, "", false, true},
		{"not what was refused", &one, &no, other, false, "keep forget PlanPending", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := Restored(tc.before, tc.said)
			now := uint64(5)
			if tc.moved {
				now++
			}
			took := p.Made(tc.made, 5, now, at(0))
			if got := story(took); got != tc.want {
				t.Errorf("it led to %q, want %q", got, tc.want)
			}
			if granted := p.Grants != nil; granted != tc.granted || (p.Said != nil) != tc.holds {
				t.Errorf("granted is %v, and said %+v", granted, p.Said)
			}
			if due, from := p.Due(now, tc.said != nil && !tc.said.Refuse && tc.holds); due == tc.granted && tc.holds && !tc.said.Refuse || due && !from.Equal(at(2)) {
				t.Errorf("it is due %v from %v", due, from)
			}
		})
	}
}

func TestAPlanIsMadeAnewWhenThingsMove(t *testing.T) {
	t.Parallel()
	var p Proposal
	if due, from := p.Due(1, false); !due || !from.IsZero() {
		t.Errorf("the first is due %v from %v", due, from)
	}
	p.Made(made("a"), 1, 1, at(0))
	if due, _ := p.Due(1, false); due || !p.Current(1) {
		t.Error("it is due again though nothing moved")
	}
	if due, from := p.Due(2, false); !due || !from.Equal(at(2)) {
		t.Errorf("when things moved it is due %v from %v", due, from)
	}
	var unsigned release.Release
	if p.Sign(&unsigned); unsigned.Plan != "" {
		t.Errorf("the release says %+v", unsigned)
	}
	if err := say(t, &p, yes(made("a"))); err != nil {
		t.Fatal(err)
	}
	if due, from := p.Due(1, true); !due || !from.IsZero() {
		t.Errorf("when it was approved it is due %v from %v", due, from)
	}
	p.Made(made("a"), 1, 2, at(5)) // but things move
	if due, from := p.Due(2, true); !due || !from.Equal(at(7)) {
		t.Errorf("while things move it is due %v from %v", due, from)
	}
	p.Made(made("a"), 2, 2, at(8))
	var r release.Release
	if p.Sign(&r); r.Plan != p.Hash() || r.ApprovedBy != "grace" || r.ApprovedWhy != "looks right" {
		t.Errorf("the release says %+v", r)
	}
	if due, _ := p.Due(2, true); due || p.Grants == nil {
		t.Error("it isn't granted")
	}
	broken := plan.New(plan.Plan{App: "team/shop", Problems: []plan.Problem{{Message: "the server is away"}}})
	var incomplete Proposal
	incomplete.Made(broken, 1, 1, at(0))
	if due, from := incomplete.Due(1, false); !due || !from.Equal(at(2)) {
		t.Errorf("one that isn't complete is due %v from %v", due, from)
	}
	left := Restored(p.Plan, nil)
	if due, _ := left.Due(0, false); !due || left.Current(0) {
		t.Error("what the last run left counts as current")
	}
}

func TestWhatIsSaidIsOfThePlanThatWaits(t *testing.T) {
	t.Parallel()
	one, other := made("a"), made("b")
	conflict := one
	conflict.Changes = []plan.Change{{Action: plan.Conflict, Key: one.Changes[0].Key, Reason: "belongs to another"}}
	conflict = plan.New(conflict)
	refuse := yes(conflict)
	refuse.Refuse = true
	short := yes(one)
	short.Plan = one.Hash[:8]
	for _, tc := range []struct {
		name  string
		waits *plan.Plan
		said  gate.Approval
		want  status.RefusalKind
		says  string
	}{
		{"nothing waits", nil, yes(one), status.NotThere, "no plan of team/shop waits"},
		{"it waits", &one, yes(one), 0, ""},
		{"the beginning of its hash will do", &one, short, 0, ""},
		{"another waits", &other, yes(one), status.Moved, other.Short()},
		{"it can't be carried out", &conflict, yes(conflict), status.Moved, "ConfigMap/shop/a belongs to another"},
		{"but refused", &conflict, refuse, 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := Restored(tc.waits, nil)
			err := say(t, &p, tc.said)
			var refusal *status.Refusal
			switch {
			case tc.want == 0 && (err != nil || p.Said == nil || p.Said.Plan != tc.waits.Hash || p.Said.At != at(9)):
				t.Errorf("it was not taken: %v, %+v", err, p.Said)
			case tc.want != 0 && (!errors.As(err, &refusal) || refusal.Kind != tc.want || !strings.Contains(refusal.Reason, tc.says)):
				t.Errorf("the answer is %v", err)
			}
		})
	}
}

func TestWhatIsSaidTooLateDoesNotCount(t *testing.T) {
	t.Parallel()
	one, other := made("a"), made("b")
	p := Restored(&one, nil)
	said, _, err := p.Check(yes(one), at(9))
	if err != nil {
		t.Fatal(err)
	}
	p.Made(other, 1, 1, at(1)) // while it was written down
	e, err := p.Say(said)
	if err == nil || p.Said != nil || !strings.Contains(e.Message, other.Short()) {
		t.Errorf("%v, told as %q", err, e.Message)
	}
	p = Proposal{}
	if _, err := p.Say(said); err == nil || p.Said != nil {
		t.Error("it counts though no plan waits")
	}
}

func TestTwoPeople(t *testing.T) {
	t.Parallel()
	one := made("a")
	p := Restored(&one, nil)
	for _, tc := range []struct {
		by      string
		authors []string
		denied  bool
	}{
		{"grace", []string{"Ada <ada@example.com>", "Bob <bob@example.com>"}, false},
		{"ada@example.com", []string{"Bob <bob@example.com>", "Ada <ada@example.com>"}, true},
		{"Bob", []string{"Bob <bob@example.com>", "Ada <ada@example.com>"}, true},
		{"grace", nil, true},
		{"grace", []string{"Ada <ada@example.com>", ""}, true},
	} {
		said := yes(one)
		said.By = tc.by
		events, err := p.Authorise(said, v1alpha1.Approval{NotAuthor: true}, tc.authors)
		if (err != nil) != tc.denied || (len(events) > 0) != tc.denied {
			t.Errorf("%s for %v: %v", tc.by, tc.authors, err)
		}
		if _, err := p.Authorise(said, v1alpha1.Approval{}, tc.authors); err != nil {
			t.Errorf("without the rule: %v", err)
		}
		said.Refuse = true
		if _, err := p.Authorise(said, v1alpha1.Approval{NotAuthor: true}, tc.authors); err != nil {
			t.Errorf("%s may not even refuse: %v", fmt.Sprint(said.By), err)
		}
	}
}
