package lease

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
)

func TestMain(m *testing.M) { controlplanetest.Main(m) }

func TestNextMove(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	soon, past := now.Add(time.Second), now.Add(-time.Second)
	for _, tc := range []struct {
		what    string
		seen    seen
		holding bool
		open    string
		due     time.Time
		want    move
	}{
		{"no lease", seen{}, false, "", time.Time{}, take},
		{"given back", seen{exists: true}, false, "", time.Time{}, take},
		{"our own, from before a restart", seen{exists: true, holder: "me"}, false, "", time.Time{}, take},
		{"ours", seen{exists: true, holder: "me"}, true, "", time.Time{}, stay},
		{"ours, and challenged", seen{exists: true, holder: "me", challenge: "x"}, true, "", time.Time{}, answer},
		{"ours, and answered", seen{exists: true, holder: "me", challenge: "x", answer: "x"}, true, "", time.Time{}, stay},
		{"another's", seen{exists: true, holder: "you"}, false, "", time.Time{}, challenge},
		{"another's, not time to ask again", seen{exists: true, holder: "you"}, false, "", soon, stay},
		{"challenged, there is time to answer", seen{exists: true, holder: "you", challenge: "c"}, false, "c", soon, stay},
		{"challenged and not answered", seen{exists: true, holder: "you", challenge: "c"}, false, "c", past, take},
		{"challenged and answered", seen{exists: true, holder: "you", challenge: "c", answer: "c"}, false, "c", past, stay},
	} {
		if got := nextMove(tc.seen, candidate{"me", tc.holding, tc.open, tc.due}, now); got != tc.want {
			t.Errorf("%s: move %d, want %d", tc.what, got, tc.want)
		}
	}
}

func TestOneOfTwoLeads(t *testing.T) {
	t.Parallel()
	type told struct {
		leads  bool
		holder string
	}
	begin := func(name string) (<-chan told, func()) {
		ctx, cancel := context.WithCancel(t.Context())
		news, ended := make(chan told, 16), make(chan struct{})
		go func() {
			defer close(ended)
			claim := Claim{
				Root: t.Name(), Name: name, Told: func(leads bool, holder string) { news <- told{leads, holder} },
				Log: slog.New(slog.DiscardHandler), Now: time.Now,
			}
			if err := Lead(ctx, controlplanetest.Config(t), claim); err != nil {
				t.Error(err)
			}
		}()
		return news, func() { cancel(); <-ended }
	}
	want := func(who string, news <-chan told, w told) {
		t.Helper()
		select {
		case got := <-news:
			if got != w {
				t.Fatalf("%s is told %+v, want %+v", who, got, w)
			}
		case <-time.After(2 * time.Minute):
			t.Fatalf("%s is never told %+v", who, w)
		}
	}
	first, stopFirst := begin("first")
	want("first", first, told{true, "first"})
	second, stopSecond := begin("second")
	want("second", second, told{false, "first"})
	again, stopAgain := begin("first") // it came back after a crash: at once its own again
	want("first, once more", again, told{true, "first"})
	stopFirst()
	stopAgain()
	want("second", second, told{true, "second"})
	stopSecond()
}
