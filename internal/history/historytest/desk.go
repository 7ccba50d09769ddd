package historytest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/history"
)

// RunDesk tests a Desk. open returns an empty one.
func RunDesk(t *testing.T, open func(t *testing.T) history.Desk) {
	for name, test := range map[string]func(*testing.T, history.Desk){
		"values come back by kind and key":     valuesComeBack,
		"a value is written over":              writtenOver,
		"a value is dropped":                   valueDropped,
		"any text is a key, any bytes a value": oddValues,
		"many at the desk at once":             crowdedDesk,
		"an ended context changes nothing":     deskOfEndedContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// put puts a value on the desk.
func put(t *testing.T, d history.Desk, kind history.DeskKind, key, value string) {
	t.Helper()
	if err := d.Put(t.Context(), kind, key, []byte(value)); err != nil {
		t.Fatalf("put: %v", err)
	}
}

// holds compares all values of a kind.
func holds(t *testing.T, d history.Desk, kind history.DeskKind, want map[string]string) {
	t.Helper()
	kept, err := d.Kept(t.Context(), kind)
	if err != nil {
		t.Fatalf("kept: %v", err)
	}
	got := map[string]string{}
	for key, value := range kept {
		got[key] = string(value)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("each %s (-want +got):\n%s", kind, diff)
	}
}

func valuesComeBack(t *testing.T, d history.Desk) {
	holds(t, d, history.DeskPause, map[string]string{})
	put(t, d, history.DeskPause, "all", `{"by":"ana"}`)
	put(t, d, history.DeskPause, "team/shop", `{"by":"bob"}`)
	put(t, d, history.DeskApproval, "team/shop", `{"plan":"1"}`)
	holds(t, d, history.DeskPause, map[string]string{"all": `{"by":"ana"}`, "team/shop": `{"by":"bob"}`})
	holds(t, d, history.DeskApproval, map[string]string{"team/shop": `{"plan":"1"}`})
	holds(t, d, history.DeskPlan, map[string]string{})
}

func writtenOver(t *testing.T, d history.Desk) {
	put(t, d, history.DeskPlan, "team/shop", strings.Repeat("long ", 1000))
	put(t, d, history.DeskPlan, "team/shop", "short")
	holds(t, d, history.DeskPlan, map[string]string{"team/shop": "short"})
}

func valueDropped(t *testing.T, d history.Desk) {
	put(t, d, history.DeskPause, "team/shop", "1")
	put(t, d, history.DeskPause, "team/cart", "2")
	put(t, d, history.DeskFailure, "team/shop", "3")
	for range 2 { // dropping what is gone is no error
		if err := d.Drop(t.Context(), history.DeskPause, "team/shop"); err != nil {
			t.Fatalf("drop: %v", err)
		}
	}
	holds(t, d, history.DeskPause, map[string]string{"team/cart": "2"})
	holds(t, d, history.DeskFailure, map[string]string{"team/shop": "3"})
}

func oddValues(t *testing.T, d history.Desk) {
	want := map[string]string{
		"": "no key", "team/shop": "", "team/shop apps/Deployment/shop/web": "\x00\xff", "'; DROP TABLE": "'", "Grüße ✓": strings.Repeat("x", 1<<20),
	}
	for key, value := range want {
		put(t, d, history.DeskPause, key, value)
	}
	if err := d.Put(t.Context(), history.DeskPause, "nil", nil); err != nil {
		t.Errorf("put nil: %v", err)
	}
	want["nil"] = ""
	holds(t, d, history.DeskPause, want)
}

func crowdedDesk(t *testing.T, d history.Desk) {
	const people, each = 8, 20
	want := map[string]string{}
	var wg sync.WaitGroup
	for p := range people {
		mine := fmt.Sprint("team/", p)
		want[mine] = fmt.Sprint(each - 1)
		wg.Go(func() {
			for i := range each {
				if err := errors.Join(d.Put(t.Context(), history.DeskPause, mine, fmt.Append(nil, i)), d.Put(t.Context(), history.DeskPause, mine+" gone", nil),
					d.Drop(t.Context(), history.DeskPause, mine+" gone")); err != nil {
					t.Error(err)
				}
				if _, err := d.Kept(t.Context(), history.DeskPause); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	holds(t, d, history.DeskPause, want)
}

func deskOfEndedContext(t *testing.T, d history.Desk) {
	put(t, d, history.DeskPause, "all", "1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, kept := d.Kept(ctx, history.DeskPause)
	for doing, err := range map[string]error{
		"put": d.Put(ctx, history.DeskPause, "all", []byte("2")), "drop": d.Drop(ctx, history.DeskPause, "all"), "kept": kept,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v; want context.Canceled", doing, err)
		}
	}
	holds(t, d, history.DeskPause, map[string]string{"all": "1"})
}
