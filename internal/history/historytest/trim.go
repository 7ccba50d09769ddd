package historytest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
)

// trim trims at a minute of the day and returns how many went.
func trim(t *testing.T, s history.Store, b history.Bounds, minute int) int {
	t.Helper()
	n, err := s.Trim(t.Context(), b, day.Add(time.Duration(minute)*time.Minute))
	if err != nil {
		t.Fatalf("trim: %v", err)
	}
	return n
}

func trimAge(t *testing.T, s history.Store) {
	outcomes := []release.Outcome{release.Running, release.Succeeded, release.Succeeded, release.Failed, release.Superseded, release.Failed}
	for minute, o := range outcomes {
		save(t, s, aRelease("a/one", minute, o))
	}
	save(t, s, aRelease("b/two", 0, release.Failed))
	if n := trim(t, s, history.Bounds{Age: 5 * time.Minute}, 10); n != 4 {
		t.Errorf("%d removed; want 4", n)
	}
	kept, err := s.List(t.Context(), history.Query{})
	if err != nil {
		t.Fatal(err)
	}
	var got []release.Outcome
	for _, r := range kept {
		got = append(got, r.Outcome)
	}
	// The one at the very bound, the App's newest success and the running one.
	if diff := cmp.Diff([]release.Outcome{release.Failed, release.Succeeded, release.Running}, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if n := trim(t, s, history.Bounds{Age: 5 * time.Minute}, 10); n != 0 {
		t.Errorf("%d more removed the second time", n)
	}
}

func trimCount(t *testing.T, s history.Store) {
	for minute := range 10 {
		save(t, s, aRelease("a/one", minute, release.Failed))
		save(t, s, aRelease("b/two", minute, release.Succeeded))
		if minute < 2 {
			save(t, s, aRelease("c/three", minute, release.Failed))
		}
	}
	lucky := list(t, s, history.Query{App: "a/one"})[8]
	r, err := s.Get(t.Context(), lucky)
	if err != nil {
		t.Fatal(err)
	}
	r.Outcome = release.Succeeded
	save(t, s, r)

	if n := trim(t, s, history.Bounds{Count: 3}, 10); n != 6+7 {
		t.Errorf("%d removed; want 13", n)
	}
	for app, want := range map[string]int{"a/one": 4, "b/two": 3, "c/three": 2} {
		if got := list(t, s, history.Query{App: app}); len(got) != want {
			t.Errorf("%s keeps %v; want %d", app, got, want)
		}
	}
	if got := list(t, s, history.Query{App: "a/one"}); got[3] != lucky {
		t.Errorf("the newest success %d went; kept are %v", lucky, got)
	}
}

func trimNothing(t *testing.T, s history.Store) {
	save(t, s, aRelease("a/one", 0, release.Failed))
	if n := trim(t, s, history.Bounds{}, 1e6); n != 0 {
		t.Errorf("%d removed with no bounds", n)
	}
}

func trimmedAndSaved(t *testing.T, s history.Store) {
	old := save(t, s, aRelease("a/one", 0, release.Failed))
	trim(t, s, history.Bounds{Age: time.Minute}, 10)
	if _, err := s.Get(t.Context(), old.ID); !errors.Is(err, history.ErrNotFound) {
		t.Fatalf("it was not trimmed: %v", err)
	}
	fresh := save(t, s, aRelease("a/one", 9, release.Running))
	if fresh.ID <= old.ID {
		t.Errorf("the id %d was given again, as %d", old.ID, fresh.ID)
	}
	old.Outcome = release.Succeeded
	if again := save(t, s, old); again.ID != old.ID {
		t.Errorf("release %d came back as %d", old.ID, again.ID)
	}
}

func endedContext(t *testing.T, s history.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Save(ctx, aRelease("a/one", 0, release.Running)); !errors.Is(err, context.Canceled) {
		t.Errorf("save: %v; want context.Canceled", err)
	}
	if _, err := s.List(ctx, history.Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("list: %v; want context.Canceled", err)
	}
}

// What an App's trimmed releases were asked by is found of others as before.
func trimmedNames(t *testing.T, s history.Store) {
	old := aRelease("a/one", 0, release.Failed)
	old.Revision.Author = "Ana <ana@example.com>"
	old.Changes = []release.Change{{Action: "update", Object: web1}, {Action: "update", Object: web2}}
	save(t, s, old)
	young := save(t, s, with(aRelease("a/one", 9, release.Failed), "Ana <ana@example.com>", web2))
	if n := trim(t, s, history.Bounds{Age: time.Minute}, 10); n != 1 {
		t.Fatalf("%d removed; want 1", n)
	}
	for _, q := range []history.Query{{Author: "ana"}, {Object: "Deployment/web"}} {
		if diff := cmp.Diff([]int64{young.ID}, list(t, s, q)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", q, diff)
		}
	}
	again := save(t, s, with(aRelease("a/two", 9, release.Failed), "Bob", web1))
	for _, q := range []history.Query{{Author: "bob"}, {Object: "Deployment/shop/web"}} {
		if diff := cmp.Diff([]int64{again.ID}, list(t, s, q)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", q, diff)
		}
	}
}
