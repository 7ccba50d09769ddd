package deliver

import (
	"context"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// look is where the rare check of everything stands. It goes through an App in
// parts, so that a huge one keeps nobody waiting.
type look struct {
	at   time.Time // when the next part is due
	from int       // where in the App's order it goes on
}

// lookJob checks a part of what seems in line with the server.
func (e *engine) lookJob(a *app) job {
	keys := a.objects.Keys()
	end := min(len(keys), a.look.from+mostAtOnce)
	versions := map[object.Key]uint64{}
	var ask []plan.Desired
	for _, key := range keys[min(a.look.from, end):end] {
		if o, _ := a.objects.Object(key); o.Standing == plan.InLine {
			live, _ := e.target.Live(key)
			versions[key] = live.Fingerprint
			ask = append(ask, o.Desired)
		}
	}
	actor := e.actor(a)
	return func(ctx context.Context) func() {
		findings := e.target.Check(ctx, actor, ask)
		return func() { e.looked(a, findings, versions, end) }
	}
}

// looked takes the check in. It must find nothing: what differs although our
// fingerprint on it did not change was missed, and is put right as drift.
func (e *engine) looked(a *app, findings []target.Finding, fingerprints map[object.Key]uint64, end int) {
	a.busy = false
	a.checked = e.Now()
	e.touch(a)
	missed := 0
	for _, f := range findings {
		if _, declared := a.objects.Object(f.Key); !declared || f.Err != nil || !f.Differs {
			continue
		}
		if f.Live.Fingerprint == fingerprints[f.Key] {
			missed++
			e.Log.Error("an object was changed and the view did not tell; please report it", "app", a.id, "object", f.Key.String(),
				"reason", pipeline.DriftReason(f))
		}
		a.objects.Distrust(f.Key)
		e.judge(a, f.Key)
	}
	if missed > 0 {
		e.Observe.Missed(a.id, missed)
	}
	a.look.from = end
	if end >= len(a.objects.Keys()) {
		a.look = look{at: e.Now().Add(e.LookEvery)}
	}
}
