package ledger

import (
	"errors"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

func TestMessage(t *testing.T) {
	t.Parallel()
	no := errors.New("no")
	for _, tc := range []struct {
		name string
		do   func(*book)
		want string
	}{
		{"all is well", func(b *book) { b.declare("a=1"); b.apply(all()) }, ""},
		{"one failed", func(b *book) { b.declare("a=1 b=1"); b.Fail(key("b"), no, false) }, "b.yaml:1: ConfigMap/shop/b: no"},
		{"two failed", func(b *book) { b.declare("a=1 b=1"); b.Fail(key("a"), no, true); b.Fail(key("b"), no, false) },
			"b.yaml:1: ConfigMap/shop/b: no (and 1 more)"},
		{"drift is told", func(b *book) { b.declare("a=1 b=1"); b.apply(all()); b.edit("a"); b.leave("a"); b.edit("b") },
			"ConfigMap/shop/a: data was changed by ada; drift is only told here (sync.drift: alert), so it is left as it is"},
		{"one is paused", func(b *book) { b.paused[key("a")] = true; b.declare("a=1") }, "1 object that differs is paused by itself"},
		{"some drifted", func(b *book) { b.declare("a=1 b=1"); b.apply(all()); b.edit("a"); b.edit("b") }, "2 objects may have been changed outside Git"},
		{"one is unsure", func(b *book) { b.write("a", "1"); b.declare("a=1") }, "1 object is being compared with the server"},
		{"some are to be applied", func(b *book) { b.declare("a=1 b=1") }, "2 objects are to be applied"},
		{"one can't be deleted", func(b *book) { b.declare("a=1 b=1"); b.apply(all()); b.declare("a=1"); b.Pruned(key("b"), no, false) },
			"ConfigMap/shop/b can't be deleted: no"},
		{"one is being deleted", func(b *book) {
			b.write("k", "1", func(l *plan.Live) { l.Deleting = true })
			b.declare("a=1")
			b.apply(all())
		},
			"ConfigMap/shop/k is being deleted"},
		{"one is kept", func(b *book) {
			b.write("k", "1", func(l *plan.Live) { l.Keep = true })
			b.declare("a=1")
			b.apply(all())
		},
			"ConfigMap/shop/k is no longer declared and is kept: plumb.dev/prune is never"},
		{"one is ill", func(b *book) {
			b.declare("a=1")
			b.apply(all())
			b.write("a", "1", func(l *plan.Live) { l.Health = health.Verdict{Health: status.Degraded, Message: "fell over"} })
			b.look()
		}, "ConfigMap/shop/a: fell over"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t)
			tc.do(b)
			if got := b.Message(b.now, true); got != tc.want {
				t.Errorf("it says %q, want %q", got, tc.want)
			}
			if got := b.Message(b.now, false); strings.Contains(got, "only told here") {
				t.Errorf("while nothing is put right it says %q", got)
			}
		})
	}
}

func TestAnAlertTellsWhy(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for want, a := range map[string]Alert{
		"was changed outside Git 3m0s ago and is not put right (1 attempt so far): data":                      {Attempts: 1, Reason: "data"},
		"was changed outside Git 3m0s ago and is not put right (0 attempts so far): it can't be compared: no": {Object: Object{Err: errors.New("no")}},
		"was changed outside Git 3m0s ago and is not put right (2 attempts so far): data: no":                 {Object: Object{Err: errors.New("no")}, Attempts: 2, Reason: "data"},
	} {
		a.Since = now.Add(-3 * time.Minute)
		if got := a.Text(now); got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.write("unsure", "1")
	b.write("old", "1")
	b.write("kept", "1", func(l *plan.Live) { l.Keep = true })
	b.declare("bad=1 unsure=1")
	b.Fail(key("bad"), errors.New("no"), false)
	b.Pruned(key("old"), errors.New("it is stuck"), false)
	var got []string
	for _, o := range append(b.Tree(), b.TreeOfLeft()...) {
		got = append(got, o.Key.Name+" "+string(o.Sync)+" "+o.Origin+" "+o.Message)
	}
	want := "bad OutOfSync bad.yaml:1 no\nunsure Unknown unsure.yaml:1 \n" +
		"kept OutOfSync  is no longer declared: kept: plumb.dev/prune is never\nold OutOfSync  is no longer declared: it is stuck"
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("the tree is\n%s\nwant\n%s", text, want)
	}
}
