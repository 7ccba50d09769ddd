package kube

import (
	"errors"
	"testing"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
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
			left := time.Until(b.Renewals()[d.Key].Due)
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
	if err := b.Restart(t.Context(), b.actor(), d.Key, "now creds"); err != nil {
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
	if err := b.Restart(t.Context(), b.actor(), gone, "now creds"); !errors.Is(err, target.ErrGone) {
		t.Errorf("of what isn't there it says %v", err)
	}
}

// That restarts are due comes with the new values, outlives every other apply,
// and goes by the word of who restarted, unless values are newer than that.
func TestTheMarkOfRestartsThatAreDue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := b.mustResolve(`{apiVersion: v1, kind: Secret, metadata: {name: creds, annotations: {plumb.dev/generate: "{a: {}}", plumb.dev/restart: "true"}}}`)[0]
	b.watch([]plan.Desired{d})
	b.create(t, d)
	due := func() time.Time { return b.Renewals()[d.Key].Restart }
	if !due().IsZero() {
		t.Error("for what was just made there is nobody to restart")
	}
	renew := func() time.Time {
		t.Helper()
		o := b.Apply(t.Context(), b.actor(), []plan.Change{{Action: plan.Update, Key: d.Key, Desired: d, Renew: true}})[0]
		if since := o.Live.Renewal.Restart; o.Err != nil || since.IsZero() || !since.Equal(due()) {
			t.Fatalf("%v; due since %s, and the view says %s", o.Err, since, due())
		}
		return due()
	}
	first := renew()
	applied := b.apply(d)
	if !due().Equal(first) {
		t.Error("another apply took the mark away")
	}
	if f := b.Check(t.Context(), b.actor(), []plan.Desired{d})[0]; f.Err != nil || f.Differs || b.stand(d, applied) != plan.InLine {
		t.Errorf("the mark is drift: %+v", f)
	}
	second := renew()
	if err := b.Restarted(t.Context(), b.actor(), d.Key, first); err != nil || !due().Equal(second) {
		t.Errorf("the mark of newer values went with the older one: %v, due since %s", err, due())
	}
	for range 2 {
		if err := b.Restarted(t.Context(), b.actor(), d.Key, second); err != nil || !due().IsZero() {
			t.Errorf("%v; due since %s", err, due())
		}
	}
	if f := b.Check(t.Context(), b.actor(), []plan.Desired{d})[0]; f.Err != nil || f.Differs {
		t.Errorf("without the mark it differs: %+v", f)
	}
}
