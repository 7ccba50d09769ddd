package step

import (
	"math/rand/v2"
	"testing"
	"time"

	"plumb.dev/plumb/internal/status"
)

func TestNext(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	soon := now.Add(time.Minute)
	inLine := Facts{Revision: true, Rendered: true, Known: true, Health: status.Healthy}
	with := func(change func(*Facts)) Facts {
		f := inLine
		change(&f)
		return f
	}
	for _, tc := range []struct {
		name  string
		facts Facts
		want  Decision
	}{
		{"nothing is known", Facts{}, Decision{}},
		{"a first commit", Facts{Revision: true, Stale: true}, Decision{Step: Render}},
		{"a newer commit", with(func(f *Facts) { f.Stale = true }), Decision{Step: Render}},
		{"a newer commit while a worker works", with(func(f *Facts) { f.Stale, f.Busy = true, true }), Decision{}},
		{"a mistake in the files waits for a commit", with(func(f *Facts) { f.Stale, f.RenderFailed = true, true }), Decision{}},
		{"a render that could go well is tried again later",
			with(func(f *Facts) { f.Stale, f.RenderFailed, f.RenderRetry, f.RetryAt = true, true, true, soon }), Decision{Until: soon}},
		{"and then now", with(func(f *Facts) { f.Stale, f.RenderFailed, f.RenderRetry, f.RetryAt = true, true, true, now }), Decision{Step: Render}},
		{"drift is put right though the newest commit is broken",
			with(func(f *Facts) { f.Stale, f.RenderFailed, f.Drifted = true, true, 1 }), Decision{Step: Sync}},
		{"nothing is pruned while the newest commit is broken",
			with(func(f *Facts) { f.Stale, f.RenderFailed, f.Prunes = true, true, 1 }), Decision{}},
		{"what is live is not known", with(func(f *Facts) { f.Known, f.Changes = false, 3 }), Decision{}},
		{"changes", with(func(f *Facts) { f.Changes = 3 }), Decision{Step: Sync}},
		{"changes wait for a dependency", with(func(f *Facts) { f.Changes, f.Waiting = 3, true }), Decision{}},
		{"drift doesn't wait for a dependency", with(func(f *Facts) { f.Drifted, f.Waiting = 3, true }), Decision{Step: Sync}},
		{"drift that is known and left as it is", with(func(f *Facts) { f.Told = 3 }), Decision{}},
		{"observed Apps are never changed", with(func(f *Facts) {
			f.Changes, f.Prunes, f.Intended, f.StopIntended, f.StopCorrections = 1, 1, 2, true, true
		}), Decision{}},
		{"observed Apps are looked at", with(func(f *Facts) { f.Drifted, f.StopIntended, f.StopCorrections = 1, true, true }), Decision{Step: Sync}},
		{"one that stands by changes nothing", with(func(f *Facts) { f.Changes, f.Drifted, f.Prunes, f.Standby = 1, 1, 1, true }), Decision{}},
		{"nor prunes what was removed", Facts{Removed: true, Known: true, Prunes: 2, Standby: true}, Decision{}},
		{"but is ready to take over", with(func(f *Facts) { f.Stale, f.Standby = true, true }), Decision{Step: Render}},
		{"observed Apps are rendered", with(func(f *Facts) { f.Stale, f.StopIntended = true, true }), Decision{Step: Render}},
		{"what failed is not due", with(func(f *Facts) { f.Failing, f.RetryAt = 1, soon }), Decision{Until: soon}},
		{"what panicked is not tried again at once", with(func(f *Facts) { f.Changes, f.Crashed, f.RetryAt = 1, true, soon }), Decision{Until: soon}},
		{"but when it is due", with(func(f *Facts) { f.Changes, f.Crashed, f.RetryAt = 1, true, now }), Decision{Step: Sync}},
		{"and a newer commit at once", with(func(f *Facts) { f.Stale, f.Crashed, f.RetryAt = true, true, soon }), Decision{Step: Render}},
		{"what failed is due", with(func(f *Facts) { f.Failing, f.RetryAt = 1, now }), Decision{Step: Sync}},
		{"what failed doesn't hold up the rest", with(func(f *Facts) { f.Failing, f.Changes, f.RetryAt = 1, 1, soon }), Decision{Step: Sync}},
		{"prunes come after all else", with(func(f *Facts) { f.Failing, f.Prunes, f.RetryAt = 1, 1, soon }), Decision{Until: soon}},
		{"prunes", with(func(f *Facts) { f.Prunes = 1 }), Decision{Step: Prune}},
		{"prunes that another App may take over", with(func(f *Facts) { f.Prunes, f.PruneHeld = 1, true }), Decision{}},
		{"an object must go before it comes again", with(func(f *Facts) { f.Terminating, f.Prunes = 1, 1 }), Decision{}},
		{"a release becomes healthy", with(func(f *Facts) { f.Open, f.Deadline = true, soon }), Decision{Step: FinishHealthy}},
		{"a release with an unknown kind doesn't", with(func(f *Facts) { f.Open, f.Incomplete = true, true }), Decision{}},
		{"a suspended App is as healthy as it gets", with(func(f *Facts) { f.Open, f.Health = true, status.Suspended }), Decision{Step: FinishHealthy}},
		{"what can't be judged isn't waited for", with(func(f *Facts) { f.Open, f.Health = true, status.HealthUnset }), Decision{Step: FinishHealthy}},
		{"a release is not healthy yet", with(func(f *Facts) { f.Open, f.Health, f.Deadline = true, status.Progressing, soon }), Decision{Until: soon}},
		{"a release is late", with(func(f *Facts) { f.Open, f.Health, f.Deadline = true, status.Degraded, now }), Decision{Step: FinishLate}},
		{"no release is open", with(func(f *Facts) { f.Health = status.Degraded }), Decision{}},
		{"everything is looked at now and then", with(func(f *Facts) { f.LookAt = now }), Decision{Step: Look}},
		{"and left alone until then", with(func(f *Facts) { f.LookAt = soon }), Decision{Until: soon}},
		{"but not while a release is open", with(func(f *Facts) { f.LookAt, f.Open, f.Health, f.Deadline = now, true, status.Progressing, soon }), Decision{Until: soon}},
		{"a broken declaration holds what was never rendered", Facts{Held: true, Revision: true, Stale: true}, Decision{}},
		{"a broken declaration lets the last good one go on", with(func(f *Facts) { f.Held, f.Drifted = true, 1 }), Decision{Step: Sync}},
		{"a removed App is pruned", Facts{Removed: true, Known: true, Prunes: 2}, Decision{Step: Prune}},
		{"but not before all that is live is known", Facts{Removed: true, Prunes: 2}, Decision{}},
		{"nor while another App may take over", Facts{Removed: true, Known: true, Prunes: 2, PruneHeld: true}, Decision{}},
		{"a prune that failed is tried again later", Facts{Removed: true, Known: true, Prunes: 2, RetryAt: soon}, Decision{Until: soon}},
		{"a removed App is remembered until its objects are gone", Facts{Removed: true, Known: true, Terminating: 1}, Decision{}},
		{"and then forgotten", Facts{Removed: true, Known: true}, Decision{Step: Forget}},
	} {
		if got := Next(tc.facts, now); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

// A decision to rest until a time that is over would be made again at once, and again.
func TestRestEndsInTheFuture(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	random := newRandom()
	flip := func() bool { return random.IntN(2) == 0 }
	few := func() int { return max(0, random.IntN(5)-2) }
	at := func() time.Time {
		return []time.Time{{}, now.Add(-time.Minute), now, now.Add(time.Minute)}[random.IntN(4)]
	}
	healths := []status.Health{status.Healthy, status.Progressing, status.Degraded, status.Suspended, status.HealthUnset}
	for range 200_000 {
		f := Facts{
			Held: flip(), Removed: flip(), StopIntended: flip(), StopCorrections: flip(), Intended: few(), Propose: flip(), ProposeAt: at(),
			Standby: flip(), Revision: flip(), Stale: flip(), Rendered: flip(), Incomplete: flip(), RenderFailed: flip(), RenderRetry: flip(), Known: flip(),
			Waiting: flip(), Changes: few(), Drifted: few(), Failing: few(), Terminating: few(), Told: few(), Prunes: few(), PruneHeld: flip(), Kept: few(),
			Crashed: flip(), RetryAt: at(), LookAt: at(), Open: flip(), Landed: flip(), Health: healths[random.IntN(len(healths))], Deadline: at(),
		}
		if d := Next(f, now); d.Step == Rest && !d.Until.IsZero() && !d.Until.After(now) && !(f.Open && f.Deadline.IsZero()) {
			t.Fatalf("it rests until %v at %v: %+v", d.Until, now, f)
		}
	}
}

func newRandom() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }
