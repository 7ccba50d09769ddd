package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// noon is a time in the zone that the tests run in.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.Local)

func ended(id int64, trigger release.Trigger, changes ...release.Change) release.Release {
	return release.Release{
		ID: id, App: "default/web", Trigger: trigger, Actor: "Ada <ada@example.com>", Outcome: release.Succeeded, Changes: changes,
		Revision: release.Revision{Commit: "0123456789", Message: "web: greet\n\nmore"},
		Seen:     noon, Applied: noon.Add(40 * time.Millisecond), Healthy: noon.Add(2 * time.Second), Finished: noon.Add(2 * time.Second),
	}
}

func TestNews(t *testing.T) {
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	first := ended(1, release.TriggerCommit)
	running := ended(2, release.TriggerCommit, release.Change{Action: "update", Object: web, Reason: "is declared otherwise"})
	running.Outcome = release.Running
	second := running
	second.Outcome = release.Succeeded
	drift := ended(3, release.TriggerDrift, release.Change{Action: "update", Object: web, Reason: "spec.replicas was changed by kubectl"})
	drift.Actor, drift.Finished = "kubectl", drift.Applied

	var told teller
	told.news(look{releases: []release.Release{first}})
	for _, step := range []struct {
		name     string
		releases []release.Release
		want     []string
	}{
		{"what was there before", []release.Release{first}, nil},
		{"one that has not ended", []release.Release{running, first}, nil},
		{"it has", []release.Release{second, first}, []string{
			"12:00:02  default/web: commit by Ada: web: greet (01234567)", "~ Deployment/shop/web", "in line after 40ms, healthy after 2s",
		}},
		{"nothing new", []release.Release{second, first}, nil},
		{"drift", []release.Release{drift, second, first}, []string{
			"12:00:00  default/web: was changed outside Git, by kubectl", "~ Deployment/shop/web: spec.replicas was changed by kubectl", "put right after 40ms",
		}},
	} {
		var got []string
		for _, line := range told.news(look{releases: step.releases}) {
			got = append(got, strings.TrimSpace(line))
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestTroubles(t *testing.T) {
	broken := look{root: status.Root{Problems: []status.Problem{{Where: "apps/cache.yaml:7", Message: "there is no such field"}}}}
	failing := look{apps: []status.App{{Name: "web", Namespace: "default", Failures: 2, Message: "is refused\x1b[2J"}}}
	busy := look{apps: []status.App{{Name: "web", Namespace: "default", Message: "3 objects are to be applied"}}}
	var told teller
	for _, step := range []struct {
		name string
		look look
		want []string
	}{
		{"a mistake in the root", broken, []string{"apps/cache.yaml:7: there is no such field"}},
		{"still there", broken, nil},
		{"mended, and an App fails", failing, []string{"apps/cache.yaml:7: is all right again", "default/web: is refused\ufffd[2J"}},
		{"it is on its way", busy, []string{"default/web: is all right again"}},
		{"all is well", look{}, nil},
	} {
		var got []string
		for _, line := range told.news(step.look) {
			got = append(got, line[len("12:00:00  "):])
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestInLine(t *testing.T) {
	app := func(newest string, sync status.Sync, health status.Health) status.App {
		return status.App{Name: "web", Source: status.Source{Newest: newest}, Sync: sync, Health: health}
	}
	good := look{root: status.Root{Revision: "c", Apps: 1}, apps: []status.App{app("c", status.Synced, status.Healthy)}}
	for name, change := range map[string]func(*look){
		"the root is older":       func(l *look) { l.root.Revision = "b" },
		"an App is missing":       func(l *look) { l.root.Apps = 2 },
		"there are none":          func(l *look) { l.root.Apps, l.apps = 0, nil },
		"an App is older":         func(l *look) { l.apps = []status.App{app("b", status.Synced, status.Healthy)} },
		"an App is out of line":   func(l *look) { l.apps = []status.App{app("c", status.OutOfSync, status.Healthy)} },
		"an App is not healthy":   func(l *look) { l.apps = []status.App{app("c", status.Synced, status.Progressing)} },
		"a release has not ended": func(l *look) { l.releases = []release.Release{{Outcome: release.Running}} },
	} {
		l := good
		change(&l)
		if l.inLine("c") {
			t.Errorf("in line though %s", name)
		}
	}
	if !good.inLine("c") {
		t.Error("not in line though all is well")
	}
}
