package deliver

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
)

// at is a time on the day of these tests.
func at(minute int) time.Time { return time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC) }

func attempt(from, to int, text string) release.Attempt {
	a := release.Attempt{Started: at(from), Error: text}
	if to > 0 {
		a.Ended = at(to)
	}
	return a
}

func cloned(r release.Release) release.Release {
	r.Attempts, r.Changes = slices.Clone(r.Attempts), slices.Clone(r.Changes)
	return r
}

// What the last run of the daemon left is taken up: one intended release, one
// correction, one broken commit; an attempt in the middle is told as cut off.
func TestWhatARestartTakesUp(t *testing.T) {
	t.Parallel()
	running := release.Release{ID: 5, Outcome: release.Running, Trigger: release.TriggerCommit, Planned: at(2), Attempts: []release.Attempt{attempt(2, 0, "")}}
	between := release.Release{ID: 6, Outcome: release.Running, Trigger: release.TriggerManual, Planned: at(2), Attempts: []release.Attempt{attempt(2, 3, "")}}
	drift := release.Release{ID: 7, Outcome: release.Running, Trigger: release.TriggerDrift, Planned: at(2), Attempts: []release.Attempt{attempt(2, 3, "no"), attempt(4, 0, "")}}
	failed := release.Release{ID: 8, Outcome: release.Failed, Trigger: release.TriggerCommit, Planned: at(2), Attempts: []release.Attempt{attempt(2, 3, "no")}}
	broken := release.Release{ID: 9, Outcome: release.Failed, Trigger: release.TriggerCommit, Attempts: []release.Attempt{attempt(2, 3, "no")}}
	cut := func(r release.Release) *release.Release {
		r = cloned(r)
		r.Attempts[len(r.Attempts)-1].Error = "it was cut off when the daemon stopped"
		return &r
	}
	for _, tc := range []struct {
		name                     string
		left                     []release.Release // newest first
		open, corrective, broken *release.Release
	}{
		{"nothing", nil, nil, nil, nil},
		{"one in the middle of an attempt", []release.Release{running}, cut(running), nil, nil},
		{"one between two parts", []release.Release{between}, &between, nil, nil},
		{"one that waits for its next attempt", []release.Release{failed}, &failed, nil, nil},
		{"a correction", []release.Release{drift}, nil, cut(drift), nil},
		{"a commit that can't be rendered", []release.Release{broken}, nil, nil, &broken},
		{"one of each", []release.Release{broken, drift, running}, cut(running), cut(drift), &broken},
		{"two of a kind: the newest", []release.Release{between, running}, &between, nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e := &engine{
				Parts:   Parts{Now: func() time.Time { return at(30) }},
				records: history.NewRecorder(nil, slog.New(slog.DiscardHandler)), last: history.Last{Unfinished: map[string][]release.Release{}},
			}
			a := e.newApp("team/shop", "team.shop", nil)
			a.App.Spec.Health.Timeout.Duration = 5 * time.Minute
			for _, r := range tc.left {
				e.last.Unfinished[a.id] = append(e.last.Unfinished[a.id], cloned(r))
			}
			if known := e.resume(a, 0); known != (len(tc.left) > 0) {
				t.Errorf("the last run knew the App: %v", known)
			}
			if len(e.last.Unfinished) > 0 {
				t.Error("what was taken up is taken up again by the next App of that name")
			}
			for what, pair := range map[string][2]*release.Release{
				"open": {tc.open, a.Open}, "corrective": {tc.corrective, a.Corrective}, "broken": {tc.broken, a.Broken},
			} {
				if diff := cmp.Diff(pair[0], pair[1], cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s (-want +got)\n%s", what, diff)
				}
			}
			if a.Open != nil && a.deadline != at(35) {
				t.Errorf("it has to be healthy until %v", a.deadline)
			}
		})
	}
}
