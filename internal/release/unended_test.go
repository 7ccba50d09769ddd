package release

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBegin(t *testing.T) {
	t.Parallel()
	seen, now := time.Unix(1, 0), time.Unix(2, 0)
	at := Revision{Commit: "new", Author: "Ada"}
	root := Revision{Commit: "root", Author: "Root"}
	for _, tc := range []struct {
		name  string
		cause Cause
		want  Release
	}{
		{"nobody knows why", Cause{}, Release{App: "team/shop", Revision: at, Trigger: TriggerCommit, Actor: "Ada", Outcome: Running, Seen: now}},
		{"someone asked", Cause{Trigger: TriggerManual, Actor: "Bob", Seen: seen},
			Release{App: "team/shop", Revision: at, Trigger: TriggerManual, Actor: "Bob", Outcome: Running, Seen: seen}},
		{"the root changed", Cause{Trigger: TriggerRemoval, Actor: "Root", Seen: seen, Revision: root},
			Release{App: "team/shop", Revision: root, Trigger: TriggerRemoval, Actor: "Root", Outcome: Running, Seen: seen}},
	} {
		if diff := cmp.Diff(tc.want, tc.cause.Begin("team/shop", at, now)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tc.name, diff)
		}
	}
}

func TestCorrection(t *testing.T) {
	t.Parallel()
	now := time.Unix(2, 0)
	at := Revision{Commit: "new"}
	var u Unended
	fresh := u.Correction("team/shop", at, now)
	if diff := cmp.Diff(Release{App: "team/shop", Revision: at, Trigger: TriggerDrift, Outcome: Running, Seen: now}, fresh); diff != "" {
		t.Errorf("a new one (-want +got)\n%s", diff)
	}
	fresh.ID = 7
	u.Corrective = &fresh
	if got := u.Correction("team/shop", at, now); got.ID != 7 {
		t.Errorf("it doesn't go on with the one that has not succeeded: %+v", got)
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	now := time.Unix(9, 0)
	newest := Release{ID: 3, Outcome: Running, Attempts: []Attempt{{Started: now}}}
	older := Release{ID: 2, Outcome: Running}
	failed := Release{ID: 1, Outcome: Failed, Planned: now}
	var u Unended
	over := u.Resume([]Release{newest, older, failed}, now)
	if u.Open == nil || u.Open.ID != 3 || u.Open.Attempts[0].Error == "" || u.Corrective != nil || u.Broken != nil {
		t.Errorf("taken up is %+v", u)
	}
	if len(over) != 1 || over[0].ID != 2 || over[0].Outcome != Superseded || !over[0].Finished.Equal(now) {
		t.Errorf("over is %+v", over)
	}
}

// A rotation that was cut off is over: taken up as what is declared, it would
// succeed as soon as all is healthy.
func TestResumeOfARotation(t *testing.T) {
	t.Parallel()
	now := time.Unix(9, 0)
	asked := Release{ID: 4, Trigger: TriggerManual, Outcome: Running, Changes: []Change{{Reason: ReasonRenewed}}}
	due := Release{ID: 3, Trigger: TriggerSchedule, Outcome: Running}
	declared := Release{ID: 2, Trigger: TriggerCommit, Outcome: Running}
	var u Unended
	over := u.Resume([]Release{asked, due, declared}, now)
	if u.Open == nil || u.Open.ID != 2 || len(over) != 2 {
		t.Fatalf("taken up is %+v, over %+v", u.Open, over)
	}
	for _, r := range over {
		if r.Outcome != Failed || r.Reason == "" || !r.Finished.Equal(now) {
			t.Errorf("over is %+v", r)
		}
	}
}
