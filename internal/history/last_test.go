package history

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
)

// leftBehind is a history as a daemon left it.
type leftBehind struct {
	Memory
	applied  []AppliedObject // of team/shop
	desk     map[DeskKind]map[string][]byte
	releases []release.Release
	broken   error
}

func (l leftBehind) LoadApplied(_ context.Context, fn func(string, AppliedObject) error) error {
	for _, o := range l.applied {
		if err := fn("team/shop", o); err != nil {
			return err
		}
	}
	return nil
}

func (l leftBehind) Kept(_ context.Context, kind DeskKind) (map[string][]byte, error) {
	return l.desk[kind], nil
}

func (l leftBehind) List(_ context.Context, q Query) (list []release.Release, _ error) {
	for _, r := range l.releases {
		if r.Outcome == q.Outcome {
			list = append(list, r)
		}
	}
	return list, l.broken
}

func TestWhatTheLastRunLeftIsLoaded(t *testing.T) {
	t.Parallel()
	key := object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "a"}
	applied := plan.Applied{UID: "uid", Digest: "digest", Fingerprint: 1<<63 + 7}
	damaged := Seen(object.Key{Kind: "ConfigMap", Namespace: "shop", Name: "b"}, applied)
	damaged.Fingerprint = "?"
	running := release.Release{ID: 3, App: "team/shop", Outcome: release.Running}
	again := release.Release{ID: 2, App: "team/shop", Outcome: release.Failed}
	late := release.Release{ID: 1, App: "team/shop", Outcome: release.Failed, Finished: time.Unix(1, 0)}
	approval := gate.Approval{App: "team/shop", Plan: "hash", By: "grace"}
	left := leftBehind{
		applied: []AppliedObject{Seen(key, applied), damaged, {ID: "of another version"}},
		desk: map[DeskKind]map[string][]byte{
			DeskPause:    {"all": Value(gate.Pause{By: "ada"})},
			DeskApproval: {"team/shop": Value(approval), "team/damaged": []byte("{"), "team/none": Value(func() {})},
			DeskFailure:  {"team/shop": Value(gate.Failure{Release: 7})},
			DeskPlan:     {"team/shop": Value(plan.Plan{Hash: "hash"})},
			DeskSync:     {"team/shop": Value(v1alpha1.Sync{Mode: v1alpha1.SyncApprove})},
		},
		releases: []release.Release{running, again, late},
	}
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, nil))
	got, err := LoadLast(t.Context(), left, log)
	if err != nil {
		t.Fatal(err)
	}
	unknown := applied
	unknown.Fingerprint = 0
	want := Last{
		Applied: map[string]map[object.Key]plan.Applied{
			"team/shop": {key: applied, {Kind: "ConfigMap", Namespace: "shop", Name: "b"}: unknown},
		},
		Unfinished: map[string][]release.Release{"team/shop": {running, again}},
		Pauses:     map[string]gate.Pause{"all": {By: "ada"}},
		Approvals:  map[string]gate.Approval{"team/shop": approval},
		Failures:   map[string]gate.Failure{"team/shop": {Release: 7}},
		Plans:      map[string]plan.Plan{"team/shop": {Hash: "hash"}},
		Syncs:      map[string]v1alpha1.Sync{"team/shop": {Mode: v1alpha1.SyncApprove}},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("what was loaded (-want +got)\n%s", diff)
	}
	if n := strings.Count(logged.String(), "can't be read"); n != 2 {
		t.Errorf("%d losses are told of 2:\n%s", n, logged.String())
	}
	left.broken = errors.New("the disk is gone")
	got, err = LoadLast(t.Context(), left, log)
	if !errors.Is(err, left.broken) || len(got.Pauses) != 1 {
		t.Errorf("with %v it is %+v: what could be loaded counts", err, got)
	}
}
