package rotate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
)

var creds = object.Key{Kind: "Secret", Namespace: "shop", Name: "creds"}

// world is a fleet of one App, its target and its records.
type world struct {
	mu       sync.Mutex
	known    pipeline.Known
	app      status.App
	due      map[object.Key]plan.Renewal
	changed  chan struct{}
	period   time.Duration
	fails    error // of rotating
	stuck    error // of restarting
	rotated  []time.Time
	restarts []string
	saved    []release.Release
	events   []event.Event
}

func newWorld() *world {
	desired := func(kind, name, body string) plan.Desired {
		group := ""
		if kind != "Secret" {
			group = "apps"
		}
		return plan.Desired{Key: object.Key{Group: group, Kind: kind, Namespace: "shop", Name: name}, Body: []byte(body)}
	}
	w := &world{due: map[object.Key]plan.Renewal{}, changed: make(chan struct{}, 1)}
	w.known.App.Namespace, w.known.App.Name = "team", "shop"
	w.known.Desired = []plan.Desired{
		desired("Secret", "creds", `{"metadata":{"annotations":{"plumb.dev/generate":"{a: {}}","plumb.dev/restart":"true"}}}`),
		desired("Secret", "plain", `{}`),
		desired("Deployment", "web", `{"spec":{"template":{"spec":{"volumes":[{"secret":{"secretName":"creds"}}]}}}}`),
		desired("Deployment", "other", `{"spec":{"template":{"spec":{"volumes":[{"secret":{"secretName":"plain"}}]}}}}`),
	}
	w.app = status.App{Namespace: "team", Name: "shop"}
	return w
}

func (w *world) Known(context.Context, string) (pipeline.Known, error) { return w.known, nil }
func (w *world) Apps() []status.App                                    { return []status.App{w.app} }

func (w *world) Claims(_ context.Context, wrote object.Key) (claims []pipeline.Claim, err error) {
	for _, d := range w.known.Desired {
		if wrote.Names(d.Key) {
			claims = append(claims, pipeline.Claim{Key: d.Key, App: "team/shop"})
		}
	}
	return claims, nil
}

func (w *world) Renewals() map[object.Key]plan.Renewal {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.due)
}

func (w *world) RenewalsChanged() <-chan struct{} { return w.changed }

func (w *world) Restart(_ context.Context, _ target.Actor, key object.Key, _ string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.restarts = append(w.restarts, key.String())
	return w.stuck
}

func (w *world) Restarted(_ context.Context, _ target.Actor, secret object.Key, since time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.due[secret]; r.Restart.Equal(since) {
		w.due[secret] = plan.Renewal{Due: r.Due}
	}
	return nil
}

func (w *world) Apply(_ context.Context, _ target.Actor, changes []plan.Change) []target.Outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !changes[0].Renew {
		return []target.Outcome{{Key: changes[0].Key, Err: errors.New("nothing was to be made anew")}}
	}
	if w.fails != nil {
		return []target.Outcome{{Key: changes[0].Key, Err: w.fails}}
	}
	w.rotated = append(w.rotated, time.Now())
	renewal := plan.Renewal{Restart: time.Now()}
	if w.period > 0 {
		renewal.Due = time.Now().Add(w.period)
	}
	w.due[changes[0].Key] = renewal
	select {
	case w.changed <- struct{}{}:
	default:
	}
	return []target.Outcome{{Key: changes[0].Key, Live: plan.Live{Renewal: renewal}}}
}

func (w *world) Begin(_ context.Context, r release.Release) *release.Release { r.ID = 7; return &r }
func (w *world) Save(_ string, r release.Release)                            { w.saved = append(w.saved, r) }
func (w *world) Tell(e event.Event)                                          { w.events = append(w.events, e) }

func (w *world) rotator() *Rotator {
	r := New(Rotator{Fleet: w, Target: w, Records: w, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	r.leading.Store(true)
	return r
}

func TestRotatingIsRecordedAndRestartsTheUsers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	done, err := w.rotator().Rotate(t.Context(), Ask{Secret: object.Key{Namespace: "shop", Name: "creds"}, By: "ana"})
	if err != nil || len(w.rotated) != 1 {
		t.Fatal(err)
	}
	if got := fmt.Sprint(w.restarts, done.Restarted); got != "[Deployment/shop/web] [Deployment/shop/web]" {
		t.Errorf("restarted: %s", got)
	}
	r, e := w.saved[0], w.events[0]
	if r.Trigger != release.TriggerManual || r.Actor != "ana" || r.Outcome != release.Succeeded || len(r.Changes) != 2 || r.Finished.IsZero() {
		t.Errorf("the record is %+v", r)
	}
	if e.Kind != event.SecretRotated || e.Actor != "ana" || e.Release != 7 || *e.Object != creds {
		t.Errorf("the event is %+v", e)
	}
}

func TestAFailureIsRecordedAndTold(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.fails = errors.New("the API server is away")
	_, err := w.rotator().Rotate(t.Context(), Ask{Secret: creds, By: "ana"})
	if err == nil || len(w.restarts) > 0 {
		t.Errorf("%v, restarted %v", err, w.restarts)
	}
	if r, e := w.saved[0], w.events[0]; r.Outcome != release.Failed || e.Kind != event.SecretNotRotated {
		t.Errorf("%+v, %+v", r, e)
	}
}

func TestWhatKeepsASecretFromBeingRotated(t *testing.T) {
	t.Parallel()
	hour := time.Now().Add(time.Hour)
	for want, change := range map[string]func(*world, *Ask){
		"no App declares":         func(_ *world, a *Ask) { a.Secret.Name = "none" },
		"no generated values":     func(_ *world, a *Ask) { a.Secret.Name = "plain" },
		"no App declares Secret/": func(_ *world, a *Ask) { a.App = "team/other" },
		"only observed":           func(w *world, _ *Ask) { w.known.App.Spec.Sync.Mode = v1alpha1.SyncObserve },
		"isn't as it is declared": func(w *world, _ *Ask) { w.known.Differ = []object.Key{creds} },
		"paused by bo":            func(w *world, _ *Ask) { w.app.Pauses = []gate.Pause{{By: "bo", Until: hour}} },
		"paused by eve":           func(w *world, _ *Ask) { w.app.Pauses = []gate.Pause{{By: "eve", Object: &creds, Until: hour}} },
	} {
		w, a := newWorld(), Ask{Secret: creds, By: "ana"}
		change(w, &a)
		if _, err := w.rotator().Rotate(t.Context(), a); err == nil || !strings.Contains(err.Error(), want) || len(w.rotated) > 0 || len(w.saved) > 0 {
			t.Errorf("%v, want it to say %q", err, want)
		}
	}
	w := newWorld()
	w.app.Pauses = []gate.Pause{{By: "eve", Object: &object.Key{Kind: "Deployment", Namespace: "shop", Name: "web"}, Until: hour}}
	w.app.Window = &status.Window{Reason: "night"}
	if _, err := w.rotator().Rotate(t.Context(), Ask{Secret: creds}); err != nil {
		t.Errorf("a pause of another object, or a window, holds who asks: %v", err)
	}
}

// One timer serves: what is due in a day costs nothing until then.
func TestScheduledRotations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.period = 24 * time.Hour
		start := time.Now()
		w.due[creds] = plan.Renewal{Due: start.Add(10 * time.Hour)}
		ctx, cancel := context.WithCancel(t.Context())
		r := w.rotator()
		r.Lead(false)
		ended := make(chan struct{})
		go func() { r.Run(ctx); close(ended) }()
		after := func(d time.Duration, want int) {
			t.Helper()
			<-time.After(d)
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.rotated) != want {
				t.Errorf("after %s it was rotated %d times, want %d", time.Since(start), len(w.rotated), want)
			}
		}
		after(11*time.Hour, 0) // another daemon leads
		r.Lead(true)
		after(time.Minute, 1)
		after(23*time.Hour, 1)
		after(2*time.Hour, 2)
		w.mu.Lock()
		w.fails = errors.New("away")
		w.mu.Unlock()
		after(25*time.Hour, 2)
		w.mu.Lock()
		w.fails = nil
		w.mu.Unlock()
		after(time.Hour+time.Minute, 3)
		r.Lead(false)
		after(100*time.Hour, 3)
		cancel()
		<-ended
		if got := w.saved[0]; got.Trigger != release.TriggerSchedule || got.Actor != "plumb" {
			t.Errorf("the record is %+v", got)
		}
	})
}

// Restarts that a kill, or an error, left are made up for, once; what can't be
// restarted is tried again.
func TestRestartsThatWereLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.due[creds] = plan.Renewal{Restart: time.Now().Add(-time.Hour)}
		w.stuck = errors.New("away")
		ctx, cancel := context.WithCancel(t.Context())
		r := w.rotator()
		ended := make(chan struct{})
		go func() { r.Run(ctx); close(ended) }()
		r.Lead(true)
		after := func(d time.Duration, restarts int) {
			t.Helper()
			<-time.After(d)
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.restarts) != restarts || len(w.rotated) > 0 {
				t.Errorf("restarted: %v; rotated %d times", w.restarts, len(w.rotated))
			}
		}
		after(time.Second, 1)
		w.mu.Lock()
		w.stuck = fmt.Errorf("%w: Deployment/shop/web", target.ErrGone) // which is as good as restarted
		w.mu.Unlock()
		after(time.Minute, 2)
		after(100*time.Hour, 2)
		cancel()
		<-ended
		first, last := w.saved[0], w.saved[len(w.saved)-1]
		if len(w.saved) != 2 || first.Outcome != release.Failed || last.Outcome != release.Succeeded || len(last.Changes) != 1 {
			t.Errorf("the records are %+v", w.saved)
		}
		if e := w.events[1]; e.Kind != event.SecretRotated || !strings.Contains(e.Message, "cut off") {
			t.Errorf("the event is %+v", e)
		}
	})
}

// A daemon that stands by rotates for nobody.
func TestStandingBy(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := w.rotator()
	r.leading.Store(false)
	if _, err := r.Rotate(t.Context(), Ask{Secret: creds, By: "ana"}); err == nil || !strings.Contains(err.Error(), "another daemon") || len(w.rotated) > 0 {
		t.Errorf("%v; rotated %d times", err, len(w.rotated))
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	now := time.Now()
	at := func(d time.Duration) time.Time { return now.Add(d) }
	key := func(name string) object.Key { return object.Key{Kind: "Secret", Name: name} }
	due := map[object.Key]time.Time{key("a"): at(-1), key("b"): at(time.Hour), key("c"): at(-2), key("d"): at(2 * time.Hour)}
	tried := map[object.Key]Tried{key("c"): Tried{}.Failed(at(-2), now), key("b"): Tried{}.Failed(at(-5), now)}
	keys, again := Next(due, tried, now)
	if fmt.Sprint(keys) != "[Secret/a]" || !again.Equal(at(firstRetry)) {
		t.Errorf("now %v, again in %s", keys, again.Sub(now))
	}
	f := Tried{}
	for range 20 {
		f = f.Failed(now, now)
	}
	if f.Again.Sub(now) != lastRetry {
		t.Errorf("after many failures it is tried in %s", f.Again.Sub(now))
	}
}
