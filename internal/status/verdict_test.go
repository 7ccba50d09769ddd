package status

import (
	"testing"
	"time"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/release"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	app := func(change ...func(*App)) App {
		a := App{Namespace: "a", Name: "b", Revision: "new", Source: Source{Newest: "new"}, Sync: Synced, Health: Healthy}
		for _, c := range change {
			c(&a)
		}
		return a
	}
	out := func(a *App) { a.Sync, a.Message = OutOfSync, "applying" }
	sick := func(a *App) { a.Health = Degraded }
	behind := func(a *App) { a.Revision = "old" }
	hold := func(a *App) { a.Hold = &gate.Hold{Reason: gate.HeldByWindow, Message: "no window is open"} }
	failing := func(a *App) { a.Failures, a.Message = 1, "it can't be applied" }
	syncing := func(a *App) { a.Syncing = true }
	failed := &release.Release{Outcome: release.Failed, Reason: "not healthy in time", Revision: release.Revision{Commit: "new"}, Finished: time.Unix(1, 0)}
	attempt := &release.Release{Outcome: release.Failed, Reason: "it can't be rendered", Revision: release.Revision{Commit: "new"}}
	before := &release.Release{Outcome: release.Failed, Reason: "not healthy in time", Revision: release.Revision{Commit: "old"}}
	for name, test := range map[string]struct {
		app    App
		has    bool
		newest *release.Release
		want   State
		says   string
	}{
		"in line and healthy":            {app(), true, nil, Done, ""},
		"suspended is meant to be":       {app(func(a *App) { a.Health = Suspended }), true, nil, Done, ""},
		"nothing tells whether it works": {app(func(a *App) { a.Health, a.Message = HealthUnset, "Ingress/a/b: no address" }), true, nil, Done, ""},
		"in line, though paused":         {app(hold), true, nil, Done, ""},
		"in line, after it had failed":   {app(), true, failed, Done, ""},
		"not seen yet":                   {app(), false, nil, Pending, "the commit isn't in what the App follows, or was not seen yet"},
		"can't be seen": {app(func(a *App) { a.Source.Error = "no such host" }), false, nil, Pending,
			"the commit isn't in what the App follows, or was not seen yet: no such host"},
		"seen, not compared yet":                   {app(behind), true, nil, Pending, "Synced, Healthy"},
		"being applied":                            {app(out), true, nil, Pending, "applying"},
		"becoming healthy":                         {app(func(a *App) { a.Health = Progressing }), true, nil, Pending, "Synced, Progressing"},
		"held":                                     {app(out, hold), true, nil, Held, "no window is open"},
		"an attempt failed":                        {app(out, failing), true, nil, Failed, "it can't be applied"},
		"what failed was declared otherwise":       {app(out, failing, func(a *App) { a.Behind = true }), true, nil, Pending, "about to be rendered"},
		"what failed is about to be tried again":   {app(out, failing, syncing), true, failed, Pending, "about to be tried again"},
		"what failed is being tried again":         {app(out, syncing), true, failed, Pending, "applying"},
		"its release failed":                       {app(sick), true, failed, Failed, "not healthy in time"},
		"an attempt had failed, and the next went": {app(sick), true, attempt, Pending, "Synced, Degraded"},
		"an attempt had failed, and others will":   {app(sick, failing), true, attempt, Failed, "it can't be rendered"},
		"an earlier release failed":                {app(sick), true, before, Pending, "Synced, Degraded"},
		"its release failed, and it is held since": {app(out, hold), true, failed, Failed, "not healthy in time"},
		"held by that failure": {app(out, func(a *App) { a.Hold = &gate.Hold{Reason: gate.HeldByFailure, Message: "release 7 failed"} }), true, nil,
			Failed, "release 7 failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Judge(test.app, test.has, test.newest)
			if got.State != test.want || got.Message != test.says || got.App != "a/b" || got.Decided() != (test.want != Pending) {
				t.Errorf("got %+v; want %s: %s", got, test.want, test.says)
			}
		})
	}
}
