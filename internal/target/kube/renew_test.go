package kube

import (
	"testing"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// When values are due is told by the view: with the Secret, with a change of its
// annotation, and no longer when it is gone.
func TestTheViewTellsWhatIsDue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	of := func(rotate string) plan.Desired {
		return b.mustResolve(`{apiVersion: v1, kind: Secret, metadata: {name: creds, annotations: {plumb.dev/generate: "{a: {}}", plumb.dev/rotate: ` + rotate + `}}}`)[0]
	}
	d := of("1h")
	b.watch([]plan.Desired{d})
	due := func(within time.Duration) func() bool {
		return func() bool {
			left := time.Until(b.Renewals()[d.Key])
			return left > within-time.Minute && left <= within
		}
	}
	b.create(t, d)
	b.until("it is due in an hour", due(time.Hour))
	b.apply(of("2h"))
	b.until("it is due in two", due(2*time.Hour))
	b.deleteBy(t, d)
	b.until("it is never due again", func() bool { return len(b.Renewals()) == 0 })
	select {
	case <-b.RenewalsChanged():
	default:
		t.Error("nobody was told")
	}
}

// A restart makes new pods, and is no drift.
func TestARestartIsNoDrift(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := b.mustResolve(still("web"))[0]
	b.watch([]plan.Desired{d})
	applied := b.apply(d)
	if err := b.Restart(t.Context(), b.actor(), d.Key, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if got := b.value(d, "spec", "template", "metadata", "annotations", object.Domain+"/restarted"); got == "" {
		t.Error("the template is as it was")
	}
	if got := b.stand(d, applied); got != plan.InLine {
		t.Errorf("it stands %d", got)
	}
	gone := d.Key
	gone.Name = "none"
	if err := b.Restart(t.Context(), b.actor(), gone, time.Unix(1, 0)); err == nil {
		t.Error("what isn't there was restarted")
	}
}
