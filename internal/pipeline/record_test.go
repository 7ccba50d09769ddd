package pipeline

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/target"
)

// at is a time on the day of these tests.
func at(minute int) time.Time { return time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC) }

func configMap(name string) object.Key {
	return object.Key{Kind: "ConfigMap", Namespace: "shop", Name: name}
}

// doneTo is what a release tells of an object.
func doneTo(name, action string, change ...func(*release.Change)) release.Change {
	c := release.Change{Action: action, Object: configMap(name)}
	for _, f := range change {
		f(&c)
	}
	return c
}

func withError(text string) func(*release.Change) { return func(c *release.Change) { c.Error = text } }

// planned is a change that is about to be done.
func toDo(name string, action plan.Action, fields ...string) plan.Change {
	c := plan.Change{Action: action, Key: configMap(name)}
	for _, f := range fields {
		c.Fields = append(c.Fields, plan.Field{Path: f, Pointer: "/" + f, Owner: "ada"})
	}
	return c
}

func attempt(from, to int, text string) release.Attempt {
	a := release.Attempt{Started: at(from), Error: text}
	if to > 0 {
		a.Ended = at(to)
	}
	return a
}

func TestBegunBeginsAnAttempt(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		release release.Release
		changes []plan.Change
		want    release.Release
	}{
		{"a first attempt",
			release.Release{Seen: at(1)},
			[]plan.Change{toDo("a", plan.Create), toDo("b", plan.Update, "data.x", "data.y"), toDo("c", plan.Prune)},
			release.Release{
				Seen: at(1), Planned: at(9), Outcome: release.Running, Attempts: []release.Attempt{attempt(9, 0, "")},
				Changes: []release.Change{
					doneTo("a", "create"), doneTo("b", "update", func(c *release.Change) { c.Fields = []string{"data.x", "data.y"} }), doneTo("c", "prune"),
				},
			}},
		{"an attempt after one that failed",
			release.Release{
				Planned: at(2), Outcome: release.Failed, Reason: "no", Attempts: []release.Attempt{attempt(2, 3, "no")},
				Changes: []release.Change{doneTo("a", "create"), doneTo("b", "update", withError("no"))},
			},
			[]plan.Change{toDo("b", plan.Update)},
			release.Release{
				Planned: at(2), Outcome: release.Running, Reason: "no", Attempts: []release.Attempt{attempt(2, 3, "no"), attempt(9, 0, "")},
				Changes: []release.Change{doneTo("a", "create"), doneTo("b", "update")},
			}},
		{"the next part of a huge change goes on with the attempt",
			release.Release{Planned: at(2), Outcome: release.Running, Attempts: []release.Attempt{attempt(2, 3, "")}, Changes: []release.Change{doneTo("a", "create")}},
			[]plan.Change{toDo("b", plan.Create)},
			release.Release{
				Planned: at(2), Outcome: release.Running, Attempts: []release.Attempt{attempt(2, 3, "")},
				Changes: []release.Change{doneTo("a", "create"), doneTo("b", "create")},
			}},
		{"one that goes on after a restart, cut off in the middle",
			release.Release{Planned: at(2), Outcome: release.Running, Attempts: []release.Attempt{attempt(2, 0, "it was cut off when the daemon stopped")}},
			[]plan.Change{toDo("b", plan.Create)},
			release.Release{
				Planned: at(2), Outcome: release.Running, Attempts: []release.Attempt{attempt(2, 0, "it was cut off when the daemon stopped"), attempt(9, 0, "")},
				Changes: []release.Change{doneTo("b", "create")},
			}},
		{"an object that was created and failed is still one that is created",
			release.Release{Planned: at(2), Attempts: []release.Attempt{attempt(2, 3, "no")}, Changes: []release.Change{doneTo("a", "create", withError("no"))}},
			[]plan.Change{toDo("a", plan.Update)},
			release.Release{
				Planned: at(2), Outcome: release.Running, Attempts: []release.Attempt{attempt(2, 3, "no"), attempt(9, 0, "")},
				Changes: []release.Change{doneTo("a", "create")},
			}},
		{"an object that is named twice counts once",
			release.Release{},
			[]plan.Change{toDo("a", plan.Create), toDo("a", plan.Update)},
			release.Release{Planned: at(9), Outcome: release.Running, Attempts: []release.Attempt{attempt(9, 0, "")}, Changes: []release.Change{doneTo("a", "create")}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			before := cloned(tc.release)
			if diff := cmp.Diff(tc.want, Begun(tc.release, tc.changes, at(9))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(before, tc.release); diff != "" {
				t.Errorf("the release that it began from was changed (-before +after)\n%s", diff)
			}
		})
	}
}

// What is known of values is kept with the release, as far as there is room.
func TestBegunKeepsTheDiff(t *testing.T) {
	t.Parallel()
	change := toDo("a", plan.Update)
	change.More = 2
	change.Fields = []plan.Field{
		{Path: "data.x", Owner: "ada", Before: &plan.Value{Content: "1"}, After: &plan.Value{Hidden: "(hidden 3f9a)"}},
		{Path: "data.y", After: &plan.Value{Content: strings.Repeat("x", release.MaxValue+1)}},
		{Path: "data.z", Owner: "ada"},
	}
	want := []release.FieldChange{
		{Path: "data.x", Owner: "ada", Before: &release.FieldValue{Content: "1"}, After: &release.FieldValue{Hidden: "(hidden 3f9a)"}},
		{Path: "data.y", After: &release.FieldValue{Content: strings.Repeat("x", release.MaxValue), Cut: 1}},
	}
	got := Begun(release.Release{}, []plan.Change{change}, at(9)).Changes[0]
	if diff := cmp.Diff(want, got.Diff); diff != "" || got.More != 2 {
		t.Errorf("%d more, and (-want +got)\n%s", got.More, diff)
	}
	if diff := cmp.Diff([]string{"data.x", "data.y", "data.z"}, got.Fields); diff != "" {
		t.Errorf("the paths (-want +got)\n%s", diff)
	}
}

// cloned is a release that shares nothing with the first.
func cloned(r release.Release) release.Release {
	r.Attempts = append([]release.Attempt(nil), r.Attempts...)
	r.Changes = append([]release.Change(nil), r.Changes...)
	return r
}

func TestAttemptedEndsAnAttempt(t *testing.T) {
	t.Parallel()
	refused := errors.New("ConfigMap/shop/b: refused")
	outcome := func(name string, err error) target.Outcome { return target.Outcome{Key: configMap(name), Err: err} }
	for _, tc := range []struct {
		name     string
		release  release.Release
		outcomes []target.Outcome
		failed   error
		want     release.Release
	}{
		{"all went well",
			release.Release{Outcome: release.Running, Attempts: []release.Attempt{attempt(2, 0, "")}, Changes: []release.Change{doneTo("a", "create"), doneTo("b", "create")}},
			[]target.Outcome{outcome("a", nil), outcome("b", nil)}, nil,
			release.Release{Outcome: release.Running, Attempts: []release.Attempt{attempt(2, 9, "")}, Changes: []release.Change{doneTo("a", "create"), doneTo("b", "create")}}},
		{"one object was refused",
			release.Release{Outcome: release.Running, Attempts: []release.Attempt{attempt(2, 0, "")}, Changes: []release.Change{doneTo("a", "create"), doneTo("b", "create")}},
			[]target.Outcome{outcome("a", nil), outcome("b", errors.New("refused"))}, refused,
			release.Release{
				Outcome: release.Failed, Reason: refused.Error(), Attempts: []release.Attempt{attempt(2, 9, refused.Error())},
				Changes: []release.Change{doneTo("a", "create"), doneTo("b", "create", withError("refused"))},
			}},
		{"what failed before went well now, and what wasn't tried keeps its error",
			release.Release{
				Outcome: release.Running, Reason: "no", Attempts: []release.Attempt{attempt(2, 3, "no"), attempt(4, 0, "")},
				Changes: []release.Change{doneTo("a", "create", withError("no")), doneTo("b", "create", withError("no")), doneTo("c", "create")},
			},
			[]target.Outcome{outcome("a", nil)}, nil,
			release.Release{
				Outcome: release.Running, Attempts: []release.Attempt{attempt(2, 3, "no"), attempt(4, 9, "")},
				Changes: []release.Change{doneTo("a", "create"), doneTo("b", "create", withError("no")), doneTo("c", "create")},
			}},
		{"the second part of an attempt went well: it began with the first",
			release.Release{Attempts: []release.Attempt{attempt(2, 3, "")}, Changes: []release.Change{doneTo("a", "create")}},
			[]target.Outcome{outcome("a", nil)}, nil,
			release.Release{Outcome: release.Running, Attempts: []release.Attempt{attempt(2, 9, "")}, Changes: []release.Change{doneTo("a", "create")}}},
		{"the second part of an attempt failed: so did the attempt",
			release.Release{Attempts: []release.Attempt{attempt(2, 3, "")}},
			nil, refused,
			release.Release{Outcome: release.Failed, Reason: refused.Error(), Attempts: []release.Attempt{attempt(2, 9, refused.Error())}}},
		{"nothing was begun, as with a commit that can't be rendered",
			release.Release{}, nil, refused,
			release.Release{Outcome: release.Failed, Reason: refused.Error(), Attempts: []release.Attempt{attempt(8, 9, refused.Error())}}},
		{"and once more",
			release.Release{Attempts: []release.Attempt{attempt(2, 3, "no")}}, nil, refused,
			release.Release{Outcome: release.Failed, Reason: refused.Error(), Attempts: []release.Attempt{attempt(2, 3, "no"), attempt(8, 9, refused.Error())}}},
		{"an outcome of an object that the release doesn't tell of",
			release.Release{Attempts: []release.Attempt{attempt(2, 0, "")}, Changes: []release.Change{doneTo("a", "create")}},
			[]target.Outcome{outcome("z", refused)}, nil,
			release.Release{Outcome: release.Running, Attempts: []release.Attempt{attempt(2, 9, "")}, Changes: []release.Change{doneTo("a", "create")}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			before := cloned(tc.release)
			if diff := cmp.Diff(tc.want, Attempted(tc.release, tc.outcomes, at(8), at(9), tc.failed), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(before, tc.release, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("the release that it began from was changed (-before +after)\n%s", diff)
			}
		})
	}
}

// A release that fails for days keeps its first attempt and its newest ones.
func TestAReleaseKeepsABoundedNumberOfAttempts(t *testing.T) {
	t.Parallel()
	const tries = 3 * release.MaxAttempts
	var r release.Release
	for i := range tries {
		r = Begun(r, []plan.Change{toDo("a", plan.Create)}, at(i))
		if n := len(r.Attempts); n > release.MaxAttempts {
			t.Fatalf("when attempt %d begins, %d are kept; at most %d", i+1, n, release.MaxAttempts)
		}
		r = Attempted(r, nil, at(i), at(i), errors.New("no"))
		if n := len(r.Attempts); n > release.MaxAttempts {
			t.Fatalf("after attempt %d, %d are kept; at most %d", i+1, n, release.MaxAttempts)
		}
	}
	want := []release.Attempt{{Started: at(0), Ended: at(0), Error: "no"}}
	for i := tries - release.MaxAttempts + 1; i < tries; i++ {
		want = append(want, release.Attempt{Started: at(i), Ended: at(i), Error: "no"})
	}
	if diff := cmp.Diff(want, r.Attempts); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// An App of 10,000 objects comes in parts; its release tells of the first of them.
func TestAReleaseKeepsABoundedNumberOfChanges(t *testing.T) {
	t.Parallel()
	var r release.Release
	for first := 0; first < 10_000; first += 500 {
		var changes []plan.Change
		var outcomes []target.Outcome
		for i := first; i < first+500; i++ {
			changes = append(changes, toDo(fmt.Sprint("n", i), plan.Create))
			outcomes = append(outcomes, target.Outcome{Key: configMap(fmt.Sprint("n", i))})
		}
		r = Attempted(Begun(r, changes, at(1)), outcomes, at(1), at(2), nil)
	}
	if len(r.Changes) != release.MaxChanges || len(r.Attempts) != 1 {
		t.Errorf("%d changes and %d attempts are kept, want %d and 1", len(r.Changes), len(r.Attempts), release.MaxChanges)
	}
	if last := r.Changes[release.MaxChanges-1].Object.Name; last != fmt.Sprint("n", release.MaxChanges-1) {
		t.Errorf("the last of them is %s", last)
	}
	r = Begun(r, []plan.Change{toDo("n7", plan.Update)}, at(3))
	if len(r.Changes) != release.MaxChanges || r.Changes[7].Action != "create" {
		t.Errorf("a retry of one of them leaves %d, and %+v", len(r.Changes), r.Changes[7])
	}
}
