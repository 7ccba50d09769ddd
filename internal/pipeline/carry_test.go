package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/target"
)

// diary is a target and a history that note what is asked of them.
type diary struct {
	notes   []string
	same    string // the object that a check finds to be in line
	refuses string // the object that the server wouldn't take
}

func (d *diary) Check(_ context.Context, _ target.Actor, desired []plan.Desired) (found []target.Finding) {
	for _, one := range desired {
		d.notes = append(d.notes, "check "+one.Key.Name)
		found = append(found, target.Finding{
			Key: one.Key, Exists: true, Differs: one.Key.Name != d.same, Fields: []plan.Field{{Path: "data", Owner: "ada"}},
		})
	}
	return found
}

func (d *diary) Apply(_ context.Context, as target.Actor, changes []plan.Change) (outcomes []target.Outcome) {
	for _, c := range changes {
		verb := "apply "
		if as.DryRun {
			verb = "try "
		}
		d.notes = append(d.notes, verb+c.Key.Name)
		o := target.Outcome{Key: c.Key}
		if c.Key.Name == d.refuses {
			o.Err = errors.New("no")
		}
		outcomes = append(outcomes, o)
	}
	return outcomes
}

func (d *diary) Begin(_ context.Context, r release.Release) *release.Release {
	d.notes = append(d.notes, fmt.Sprintf("begin %s of %d by %s", r.Trigger, len(r.Changes), r.Actor))
	r.ID = 7
	return &r
}

func TestCarry(t *testing.T) {
	t.Parallel()
	change := func(name string, action plan.Action) plan.Change {
		key := configMap(name)
		return plan.Change{Action: action, Key: key, Desired: plan.Desired{Key: key}}
	}
	for _, tc := range []struct {
		name  string
		task  Task
		diary diary
		want  string
		tried int
	}{
		{"nothing", Task{}, diary{}, "", 0},
		{"what changed is recorded, then applied", Task{Changes: []plan.Change{change("a", plan.Create)}}, diary{}, "begin commit of 1 by eve, apply a", 1},
		{"what may have drifted is checked first", Task{Changes: []plan.Change{change("a", plan.Check), change("b", plan.Update)}}, diary{},
			"check a, begin commit of 1 by eve, begin drift of 1 by ada, apply b, apply a", 2},
		{"and left alone where it is in line", Task{Changes: []plan.Change{change("a", plan.Check)}}, diary{same: "a"}, "check a", 0},
		{"or only told", Task{Changes: []plan.Change{change("a", plan.Check)}, Drift: v1alpha1.DriftAlert}, diary{}, "check a", 0},
		{"or ignored", Task{Changes: []plan.Change{change("a", plan.Check)}, Drift: v1alpha1.DriftIgnore}, diary{}, "check a", 0},
		{"or paused by itself",
			Task{Changes: []plan.Change{change("b", plan.Update), change("a", plan.Check)}, Left: []object.Key{configMap("a")}}, diary{},
			"check a, begin commit of 1 by eve, apply b", 1},
		{"all is tried first", Task{Changes: []plan.Change{change("a", plan.Update)}, Validate: true}, diary{}, "try a, begin commit of 1 by eve, apply a", 1},
		{"and nothing applied where one is refused",
			Task{Changes: []plan.Change{change("a", plan.Update), change("b", plan.Update)}, Validate: true}, diary{refuses: "b"},
			"try a, try b, begin commit of 2 by eve", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := tc.diary
			tc.task.Intended = &release.Release{Trigger: release.TriggerCommit, Actor: "eve"}
			tc.task.Corrective = &release.Release{Trigger: release.TriggerDrift}
			got := Carrier{Target: &d, Records: &d, Now: func() time.Time { return at(1) }}.Carry(t.Context(), tc.task)
			if notes := strings.Join(d.notes, ", "); notes != tc.want {
				t.Errorf("it did %q, want %q", notes, tc.want)
			}
			if len(got.Outcomes) != tc.tried || tc.tried > 0 && len(got.Changes) != tc.tried {
				t.Errorf("of %d changes came %d, want %d", len(got.Changes), len(got.Outcomes), tc.tried)
			}
		})
	}
}
