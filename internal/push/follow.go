package push

import (
	"context"
	"fmt"
	"time"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// follow waits until all that is declared is healthy, or the time is up.
func (w *work) follow(ctx context.Context) (release.Release, error) {
	if err := w.healthy(ctx, w.desired); err != nil {
		return w.end(ctx, release.Failed, err.Error())
	}
	return w.end(ctx, release.Succeeded, "")
}

// healthy waits until some of what is declared is healthy, or the time is up.
// The view tells of every change, so nothing is asked for meanwhile.
func (w *work) healthy(ctx context.Context, desired []plan.Desired) error {
	timeout := w.App.Spec.Health.Timeout.Duration
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	kinds := plan.Kinds(desired)
	for {
		// A kind may have come with this very push; until it is known, its objects
		// are not there, which is told.
		_, _ = w.Target.Watch(kinds)
		worst, verdict := w.worst(desired)
		if works(verdict) {
			return nil
		}
		select {
		case <-ctx.Done():
			return interrupted(ctx)
		case <-deadline.C:
			return fmt.Errorf("not healthy %s after it was applied: %s: %s", timeout, worst, verdict.Message)
		case <-w.Target.Events():
		}
	}
}

// works says whether an object needs no waiting for.
func works(v health.Verdict) bool { return health.Enough(v.Health) }

// worst tells how the objects are, and which is the worst.
func (w *work) worst(desired []plan.Desired) (worst object.Key, verdict health.Verdict) {
	verdict.Health = status.Healthy
	for _, d := range desired {
		live, there := w.Target.Live(d.Key)
		v := live.Health
		if !there {
			v = health.Verdict{Health: status.Progressing, Message: "is not there"}
		}
		switch {
		case works(v) && w.said[d.Key].State == Waiting: // of what never was otherwise, nothing is said
			w.say(News{Key: d.Key, State: Healthy})
		case !works(v) && !live.Provisional:
			w.say(News{Key: d.Key, State: Waiting, Message: v.Message})
		}
		if !works(v) && (works(verdict) || v.Health == status.Degraded && verdict.Health != status.Degraded) {
			worst, verdict = d.Key, v
		}
	}
	return worst, verdict
}

// end records how the push ended.
func (w *work) end(ctx context.Context, outcome release.Outcome, reason string) (release.Release, error) {
	now := w.Now()
	w.release.Outcome, w.release.Reason, w.release.Finished = outcome, reason, now
	if outcome == release.Succeeded {
		w.release.Healthy = now
	}
	return w.release, w.save(ctx)
}
