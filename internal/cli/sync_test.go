package cli

import (
	"testing"
	"time"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/usage"
)

func TestEndOfASync(t *testing.T) {
	t.Parallel()
	asked := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	before, after := asked.Add(-time.Second), asked.Add(time.Second)
	app := func(sync status.Sync, health status.Health, checked time.Time) status.Detail {
		return status.Detail{App: status.App{Name: "a", Sync: sync, Health: health, LastCheck: checked}}
	}
	with := func(d status.Detail, change func(*status.Detail)) status.Detail {
		change(&d)
		return d
	}
	newest := func(seen time.Time, o release.Outcome) func(*status.Detail) {
		return func(d *status.Detail) { d.Releases = []release.Release{{Seen: seen, Outcome: o, Reason: "why"}} }
	}
	paused := func(d *status.Detail) { d.Hold = &gate.Hold{Reason: gate.HeldByPause, Message: "paused by ana"} }
	const on = -1 // it goes on
	for name, test := range map[string]struct {
		detail   status.Detail
		soon     int // the exit code while there is time
		whenLate int // and when there is none left
	}{
		"in line":                     {app(status.Synced, status.Healthy, after), usage.ExitOK, usage.ExitOK},
		"in line at the very moment":  {app(status.Synced, status.Healthy, asked), usage.ExitOK, usage.ExitOK},
		"in line, suspended":          {app(status.Synced, status.Suspended, after), usage.ExitOK, usage.ExitOK},
		"in line, can't be judged":    {app(status.Synced, status.HealthUnset, after), usage.ExitOK, usage.ExitOK},
		"in line, but before":         {app(status.Synced, status.Healthy, before), on, usage.ExitError},
		"becoming healthy":            {app(status.Synced, status.Progressing, after), on, usage.ExitError},
		"degraded may still recover":  {app(status.Synced, status.Degraded, after), on, usage.ExitError},
		"out of line":                 {app(status.OutOfSync, status.Healthy, after), on, usage.ExitDiffers},
		"unknown":                     {app(status.Unknown, status.HealthUnset, after), on, usage.ExitError},
		"waiting for another App":     {with(app(status.OutOfSync, status.Healthy, after), func(d *status.Detail) { d.WaitingFor = []string{"a/b"} }), on, usage.ExitHeld},
		"held":                        {with(app(status.OutOfSync, status.Healthy, after), paused), usage.ExitHeld, usage.ExitHeld},
		"held, not compared yet":      {with(app(status.OutOfSync, status.Healthy, before), paused), on, usage.ExitDiffers},
		"held, but in line":           {with(app(status.Synced, status.Healthy, after), paused), usage.ExitOK, usage.ExitOK},
		"an attempt failed":           {with(app(status.OutOfSync, status.Healthy, after), func(d *status.Detail) { d.Failures = 1 }), usage.ExitError, usage.ExitError},
		"an attempt failed before":    {with(app(status.OutOfSync, status.Healthy, before), func(d *status.Detail) { d.Failures, d.Syncing = 1, true }), on, usage.ExitDiffers},
		"it can't even be compared":   {with(app(status.Unknown, status.HealthUnset, before), func(d *status.Detail) { d.Failures = 2 }), usage.ExitError, usage.ExitError},
		"its release failed":          {with(app(status.Synced, status.Degraded, after), newest(after, release.Failed)), usage.ExitError, usage.ExitError},
		"an earlier release failed":   {with(app(status.Synced, status.Degraded, after), newest(before, release.Failed)), on, usage.ExitError},
		"its release is running":      {with(app(status.OutOfSync, status.Healthy, after), newest(after, release.Running)), on, usage.ExitDiffers},
		"failed before, now in line":  {with(app(status.Synced, status.Healthy, after), newest(before, release.Failed)), usage.ExitOK, usage.ExitOK},
		"failed since, now put right": {with(app(status.Synced, status.Healthy, after), newest(after, release.Failed)), usage.ExitOK, usage.ExitOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for late, want := range map[bool]int{false: test.soon, true: test.whenLate} {
				got := ended(test.detail, asked, late)
				code := usage.Code(got.err)
				if !got.over {
					code = on
				}
				if code != want {
					t.Errorf("late %v: %d (%v); want %d", late, code, got.err, want)
				}
			}
		})
	}
}
