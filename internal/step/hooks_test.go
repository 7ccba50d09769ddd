package step

import (
	"testing"
	"time"

	"plumb.dev/plumb/internal/status"
)

func TestNextOfHooksAndWaves(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	soon := now.Add(time.Minute)
	for _, tc := range []struct {
		name   string
		change func(*Facts)
		want   Decision
	}{
		{"a hook is to begin", func(f *Facts) { f.HookStarts, f.HookWaits, f.HookHolds, f.Intended = true, true, true, 1 }, Decision{Step: RunHooks}},
		{"but drift comes first", func(f *Facts) { f.HookStarts, f.HookWaits, f.HookHolds, f.Drifted = true, true, true, 1 }, Decision{Step: Sync}},
		{"but not while it backs off", func(f *Facts) { f.HookStarts, f.HookWaits, f.HookHolds, f.RetryAt = true, true, true, soon }, Decision{Until: soon}},
		{"but not while another App isn't ready", func(f *Facts) { f.HookStarts, f.HookWaits, f.HookHolds, f.Waiting = true, true, true, true }, Decision{}},
		{"but not through a gate", func(f *Facts) {
			f.HookStarts, f.HookWaits, f.HookHolds, f.StopIntended, f.Intended = true, true, true, true, 1
		}, Decision{}},
		{"unless its release has begun", func(f *Facts) {
			f.HookStarts, f.HookWaits, f.StopIntended, f.HookBegun, f.Open, f.Landed = true, true, true, true, true, true
		}, Decision{Step: RunHooks}},
		{"it runs", func(f *Facts) { f.HookWaits, f.HookHolds, f.Open, f.Intended = true, true, true, 1 }, Decision{}},
		{"its end is taken in, whatever holds the App", func(f *Facts) {
			f.HookEnds, f.HookWaits, f.HookHolds, f.StopIntended, f.Intended = true, true, true, true, 1
		}, Decision{Step: RunHooks}},
		{"what failed of drift is tried again meanwhile", func(f *Facts) { f.HookWaits, f.HookHolds, f.Failing = true, true, 1 }, Decision{Step: Sync}},
		{"a sync hook holds up nothing of its wave", func(f *Facts) { f.HookWaits, f.Changes = true, 1 }, Decision{Step: Sync}},
		{"all is healthy, and a hook is left", func(f *Facts) { f.HookWaits, f.Open, f.Landed, f.Deadline = true, true, true, now }, Decision{}},
		{"the release failed, and its hooks run", func(f *Facts) { f.Ending, f.HookWaits, f.HookHolds, f.Open, f.Landed = true, true, true, true, true }, Decision{}},
		{"the release failed, and its hooks ran", func(f *Facts) { f.Ending, f.HookHolds, f.Open, f.Intended = true, true, true, 3 }, Decision{Step: FinishFailed}},
		{"a wave waits", func(f *Facts) {
			f.Queued, f.Intended, f.Open, f.Deadline, f.Health = 2, 2, true, soon, status.Progressing
		}, Decision{Until: soon}},
		{"a wave waits in vain", func(f *Facts) {
			f.Queued, f.Intended, f.Open, f.Deadline, f.Health = 2, 2, true, now, status.Progressing
		}, Decision{Step: FinishLate}},
		{"a wave waits for a hook", func(f *Facts) { f.Queued, f.Intended, f.Open, f.Deadline, f.HookWaits = 2, 2, true, now, true }, Decision{}},
		{"a wave waits, and nothing of its release has begun", func(f *Facts) { f.Queued, f.Intended = 2, 2 }, Decision{}},
		{"an App goes, and a hook is to begin", func(f *Facts) {
			f.Removed, f.HookStarts, f.HookWaits, f.HookHolds, f.Intended = true, true, true, true, 2
		}, Decision{Step: RunHooks}},
		{"an App goes, and a hook runs", func(f *Facts) { f.Removed, f.HookWaits, f.HookHolds, f.Intended = true, true, true, 2 }, Decision{}},
		{"an App is gone, and a hook runs", func(f *Facts) { f.Removed, f.HookWaits, f.HookHolds, f.HookBegun = true, true, true, true }, Decision{}},
		{"an App may go", func(f *Facts) { f.Removed, f.Prunes, f.Intended = true, 2, 2 }, Decision{Step: Prune}},
	} {
		f := Facts{Revision: true, Rendered: true, Known: true, Health: status.Healthy}
		tc.change(&f)
		if got := Next(f, now); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
}
