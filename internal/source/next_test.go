package source

import (
	"errors"
	"testing"
	"time"

	"plumb.dev/plumb/internal/release"
)

func TestPause(t *testing.T) {
	t.Parallel()
	ref := func(branch string) Ref { return Ref{URL: "u", Branch: branch} }
	minute := map[Ref]time.Duration{ref("a"): time.Minute, ref("b"): time.Hour}
	tests := map[string]struct {
		wanted   map[Ref]time.Duration
		failures int
		spread   float64
		want     time.Duration
	}{
		"the most eager counts":         {minute, 0, 0.5, time.Minute},
		"at the soonest":                {minute, 0, 0, 54 * time.Second},
		"at the latest":                 {minute, 0, 1, 66 * time.Second},
		"nothing is wanted":             {nil, 0, 0.5, time.Hour},
		"nobody waits less than this":   {map[Ref]time.Duration{ref("a"): 0}, 0, 0.5, 10 * time.Millisecond},
		"the first failure":             {minute, 1, 0.5, 2 * time.Second},
		"the second":                    {minute, 2, 0.5, 4 * time.Second},
		"the eighth":                    {minute, 8, 0.5, 256 * time.Second},
		"the ninth":                     {minute, 9, 0.5, 5 * time.Minute},
		"failing for years":             {minute, 1 << 40, 0.5, 5 * time.Minute},
		"failing, and not often wanted": {map[Ref]time.Duration{ref("a"): time.Hour}, 30, 0.5, time.Hour},
		"failing, spread":               {minute, 9, 0, 270 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Pause(test.wanted, test.failures, test.spread); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestNextAndNews(t *testing.T) {
	t.Parallel()
	head := func(commit, fault string) Head {
		h := Head{Revision: release.Revision{Commit: commit}}
		if fault != "" {
			h.Err = errors.New(fault)
		}
		return h
	}
	tests := map[string]struct {
		was, now, want Head
		news           bool
	}{
		"nothing new":        {head("a", ""), head("a", ""), head("a", ""), false},
		"a new commit":       {head("a", ""), head("b", ""), head("b", ""), true},
		"an error":           {head("a", ""), head("", "x"), head("a", "x"), true},
		"the same error":     {head("a", "x"), head("", "x"), head("a", "x"), false},
		"another error":      {head("a", "x"), head("", "y"), head("a", "y"), true},
		"a recovery":         {head("a", "x"), head("a", ""), head("a", ""), true},
		"a recovery to more": {head("a", "x"), head("b", ""), head("b", ""), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Next(test.was, test.now)
			if got.Revision.Commit != test.want.Revision.Commit || text(got.Err) != text(test.want.Err) {
				t.Errorf("next: got %v, want %v", got, test.want)
			}
			if n := News(test.was, got); n != test.news {
				t.Errorf("news: got %t, want %t", n, test.news)
			}
		})
	}
}

// TestOutbox: heads come in the order of their refs' first news, and of each ref
// the newest; what was forgotten doesn't come.
func TestOutbox(t *testing.T) {
	t.Parallel()
	o := NewOutbox()
	put := func(branch, commit string) {
		o.Put(Head{Ref: Ref{Branch: branch}, Revision: release.Revision{Commit: commit}})
	}
	put("a", "1")
	put("b", "1")
	put("c", "1")
	put("a", "2")
	o.Forget([]Ref{{Branch: "b"}, {Branch: "unknown"}})
	go o.Run(t.Context().Done())
	for _, want := range []string{"a2", "c1"} {
		h := <-o.out
		if got := h.Ref.Branch + h.Revision.Commit; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	put("a", "3")
	if h := <-o.out; h.Revision.Commit != "3" {
		t.Errorf("got %v, want a3", h)
	}
}

// TestOutboxKeepsWhatCameWhileSending: a head that is replaced as it is taken
// doesn't take its replacement along.
func TestOutboxKeepsWhatCameWhileSending(t *testing.T) {
	t.Parallel()
	o := NewOutbox()
	old := Head{Revision: release.Revision{Commit: "1"}}
	o.Put(old)
	o.Put(Head{Revision: release.Revision{Commit: "2"}})
	o.sent(old)
	if h, out := o.first(); out == nil || h.Revision.Commit != "2" {
		t.Errorf("got %v, want the one that came last", h)
	}
}
