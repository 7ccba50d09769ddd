package release

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSummary(t *testing.T) {
	t.Parallel()
	for want, actions := range map[string][]string{
		"":         nil,
		"+1":       {"create"},
		"+2 ~1 -1": {"create", "update", "create", "prune"},
		"~1":       {"update"},
		"-2":       {"prune", "keep", "prune", "refuse", "check", ""}, // what was kept or refused was not done
	} {
		var r Release
		for _, a := range actions {
			r.Changes = append(r.Changes, Change{Action: a})
		}
		if got := r.Summary().String(); got != want {
			t.Errorf("%v is summed up as %q, want %q", actions, got, want)
		}
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	for commit, want := range map[string]string{"": "", "c0ffee": "c0ffee", "1d687d6a": "1d687d6a", "1d687d6a0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e": "1d687d6a"} {
		if got := (Revision{Commit: commit}).Short(); got != want {
			t.Errorf("%q is cut to %q, want %q", commit, got, want)
		}
	}
}

func TestOnlyDriftIsCorrective(t *testing.T) {
	t.Parallel()
	for trigger, want := range map[Trigger]bool{
		TriggerDrift: true, TriggerCommit: false, TriggerDeclaration: false, TriggerManual: false, TriggerRemoval: false, "": false,
	} {
		if got := (Release{Trigger: trigger}).Corrective(); got != want {
			t.Errorf("%q is corrective: %v, want %v", trigger, got, want)
		}
	}
}

// Releases are kept and served as JSON: what is not known yet is left out.
func TestAnEmptyReleaseSaysLittle(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(Release{App: "a/b", Attempts: []Attempt{{}}, Changes: []Change{{Action: "create"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":0,"app":"a/b","revision":{"commit":""},"trigger":"","actor":"","outcome":"",` +
		`"changes":[{"action":"create","object":{"kind":"","name":""}}],"attempts":[{"started":"0001-01-01T00:00:00Z"}],"seen":"0001-01-01T00:00:00Z"}`
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var back Release
	if err := json.Unmarshal(b, &back); err != nil || back.Attempts[0] != (Attempt{}) {
		t.Errorf("it comes back as %+v (%v)", back, err)
	}
}
