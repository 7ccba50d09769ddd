package deliver

import (
	"context"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/ledger"
	"plumb.dev/plumb/internal/target"
)

// driftMode is what to do now about what has drifted.
func (a *app) driftMode() v1alpha1.DriftMode {
	mode := a.App.Spec.Sync.Drift
	if mode != v1alpha1.DriftIgnore && !a.verdict.Corrections {
		return v1alpha1.DriftAlert
	}
	return mode
}

// watchDrift ends truces whose time has come, raises the alerts that are due,
// and says when to look again. Who paused the App knows what drifts in it.
func (e *engine) watchDrift(a *app, now time.Time) (next time.Time) {
	if a.paused() {
		return next
	}
	due, next := a.objects.Alerts(now, a.App.Spec.Sync.Drift == v1alpha1.DriftAlert)
	for _, alert := range due {
		e.alert(a, alert, now)
	}
	return next
}

// alert tells people, once a spell, of drift that was not put right.
func (e *engine) alert(a *app, alert ledger.Alert, now time.Time) {
	key, text := alert.Desired.Key, alert.Text(now)
	e.tell(a, event.Event{Kind: event.DriftLasts, Object: &key, Message: key.String() + " " + text})
	e.Log.Error("drift lasts", "app", a.id, "object", key.String(), "since", alert.Since, "attempts", alert.Attempts, "reason", alert.Reason, "error", alert.Err)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		e.target.Tell(ctx, key, target.Notice{Reason: "DriftLasts", Message: text, Warning: true})
	}()
}
