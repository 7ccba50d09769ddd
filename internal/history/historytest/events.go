package historytest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
)

// RunEvents tests Events. open returns an empty one.
func RunEvents(t *testing.T, open func(t *testing.T) history.Events) {
	for name, test := range map[string]func(*testing.T, history.Events){
		"an event comes back whole":         wholeEvent,
		"asked by app and kind":             eventFilters,
		"the newest, or on from one":        eventPages,
		"only the newest are kept":          newestEvents,
		"a query that can't be meant":       badEventQueries,
		"many at once get ids of their own": concurrentEvents,
		"no events are nothing to write":    noEvents,
		"an ended context does nothing":     eventsOfEndedContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// add adds events and returns them with their IDs.
func add(t *testing.T, s history.Events, events ...event.Event) []event.Event {
	t.Helper()
	added, err := s.AddEvents(t.Context(), events)
	if err != nil {
		t.Fatalf("add: %v", err)
	}
	if len(added) != len(events) {
		t.Fatalf("%d events were added and %d came back", len(events), len(added))
	}
	return added
}

// messages returns what the events of a query say.
func messages(t *testing.T, s history.Events, q event.Query) []string {
	t.Helper()
	events, err := s.ListEvents(t.Context(), q)
	if err != nil {
		t.Fatalf("list %+v: %v", q, err)
	}
	said := make([]string, len(events))
	for i, e := range events {
		said[i] = e.Message
		if i > 0 && e.ID <= events[i-1].ID {
			t.Errorf("%+v: event %d comes after %d", q, e.ID, events[i-1].ID)
		}
	}
	return said
}

func wholeEvent(t *testing.T, s history.Events) {
	full := event.Event{
		Time: day, Kind: event.PlanApproved, App: "team-a/shop", Actor: "Ana Björk <ana@example.com>", Message: "it's <fine> & \"good\" ✓",
		Object:  &object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"},
		Release: 7, Plan: "9f86d081884c", Revision: "1d687d61fe5a1d687d61fe5a1d687d61fe5a1d68",
	}
	given := []event.Event{full, {Kind: event.Paused}}
	added := add(t, s, given...)
	if given[0].ID != 0 || added[0].ID <= 0 || added[1].ID <= added[0].ID {
		t.Errorf("%d and %d became %d and %d; want the given left alone, and ids that grow", given[0].ID, given[1].ID, added[0].ID, added[1].ID)
	}
	full.ID = added[0].ID
	got, err := s.ListEvents(t.Context(), event.Query{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]event.Event{full, {ID: added[1].ID, Kind: event.Paused}}, got); diff != "" {
		t.Errorf("(-given +got):\n%s", diff)
	}
}

func eventFilters(t *testing.T, s history.Events) {
	one := add(t, s, event.Event{App: "a/one", Kind: event.Paused, Message: "1"})[0].ID
	add(t, s, event.Event{App: "a/two", Kind: event.Paused, Message: "2"}, event.Event{App: "a/one", Kind: event.Resumed, Message: "3"},
		event.Event{Kind: event.Paused, Message: "4"}, event.Event{App: "a/one", Kind: event.Paused, Message: "5"})
	for _, test := range []struct {
		query event.Query
		want  []string
	}{
		{event.Query{}, []string{"1", "2", "3", "4", "5"}},
		{event.Query{App: "a/one"}, []string{"1", "3", "5"}},
		{event.Query{App: "a/on"}, []string{}},
		{event.Query{Kind: event.Paused}, []string{"1", "2", "4", "5"}},
		{event.Query{App: "a/one", Kind: event.Paused, After: one}, []string{"5"}},
		{event.Query{App: "a/one", Kind: event.Paused, Limit: 1}, []string{"5"}},
	} {
		if diff := cmp.Diff(test.want, messages(t, s, test.query)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.query, diff)
		}
	}
}

// numbered are n events that say their number.
func numbered(from, n int) []event.Event {
	events := make([]event.Event, n)
	for i := range events {
		events[i].Message = fmt.Sprint(from + i)
	}
	return events
}

func eventPages(t *testing.T, s history.Events) {
	const total = event.DefaultLimit + 20
	added := add(t, s, numbered(0, total)...)
	newest := messages(t, s, event.Query{})
	if len(newest) != event.DefaultLimit || newest[0] != "20" || newest[len(newest)-1] != fmt.Sprint(total-1) {
		t.Errorf("without a limit come %d, from %s to %s", len(newest), newest[0], newest[len(newest)-1])
	}
	if diff := cmp.Diff([]string{"117", "118", "119"}, messages(t, s, event.Query{Limit: 3})); diff != "" {
		t.Errorf("the newest three (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"5", "6", "7"}, messages(t, s, event.Query{After: added[4].ID, Limit: 3})); diff != "" {
		t.Errorf("three on from the fifth (-want +got):\n%s", diff)
	}
	if got := messages(t, s, event.Query{After: added[total-1].ID}); len(got) != 0 {
		t.Errorf("after the last there are %v", got)
	}
}

func newestEvents(t *testing.T, s history.Events) {
	first := add(t, s, numbered(0, history.MaxEvents)...)
	add(t, s, numbered(history.MaxEvents, 3)...)
	if got := messages(t, s, event.Query{After: 1, Limit: 1}); !cmp.Equal(got, []string{"3"}) {
		t.Errorf("the oldest that is kept is %v; want 3", got)
	}
	if got := messages(t, s, event.Query{After: first[history.MaxEvents-1].ID}); !cmp.Equal(got, []string{"10000", "10001", "10002"}) {
		t.Errorf("the newest are %v", got)
	}
}

func badEventQueries(t *testing.T, s history.Events) {
	for _, q := range []event.Query{{Limit: -1}, {Limit: event.MaxLimit + 1}, {After: -1}} {
		if _, err := s.ListEvents(t.Context(), q); err == nil {
			t.Errorf("%+v was answered", q)
		}
	}
}

func concurrentEvents(t *testing.T, s history.Events) {
	const writers, each = 8, 20
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		ids = map[int64]bool{}
	)
	for range writers {
		wg.Go(func() {
			for range each {
				added, err := s.AddEvents(t.Context(), numbered(0, 2))
				if err != nil {
					t.Errorf("add: %v", err)
					return
				}
				if _, err := s.ListEvents(t.Context(), event.Query{}); err != nil {
					t.Errorf("list: %v", err)
				}
				mu.Lock()
				for _, e := range added {
					ids[e.ID] = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(ids) != 2*writers*each {
		t.Errorf("%d events got %d ids", 2*writers*each, len(ids))
	}
}

func noEvents(t *testing.T, s history.Events) {
	if added, err := s.AddEvents(t.Context(), nil); err != nil || len(added) != 0 {
		t.Errorf("adding none: %v, %v", added, err)
	}
	if got, err := s.ListEvents(t.Context(), event.Query{}); err != nil || got == nil || len(got) != 0 {
		t.Errorf("list: %v, %v; want an empty list", got, err)
	}
}

func eventsOfEndedContext(t *testing.T, s history.Events) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.AddEvents(ctx, numbered(0, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("add: %v; want context.Canceled", err)
	}
	if _, err := s.ListEvents(ctx, event.Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("list: %v; want context.Canceled", err)
	}
	if got := messages(t, s, event.Query{}); len(got) != 0 {
		t.Errorf("written all the same: %v", got)
	}
}
