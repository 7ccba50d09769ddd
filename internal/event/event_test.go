package event

import (
	"strings"
	"testing"
)

func TestQueryValidate(t *testing.T) {
	t.Parallel()
	for _, q := range []Query{{}, {App: "a/b", Kind: Paused, After: 7, Limit: MaxLimit}} {
		if err := q.Validate(); err != nil {
			t.Errorf("%+v: %v", q, err)
		}
	}
	for says, q := range map[string]Query{"limit -1": {Limit: -1}, "limit 1001": {Limit: MaxLimit + 1}, "after -1": {After: -1}} {
		if err := q.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v; want an error that says %q", q, err, says)
		}
	}
}

func TestQuerySelects(t *testing.T) {
	t.Parallel()
	e := Event{ID: 5, App: "a/b", Kind: Paused}
	unkept := Event{App: "a/b", Kind: Paused} // it couldn't be written yet, and so is newer than all that could
	for _, tc := range []struct {
		query Query
		event Event
		want  bool
	}{
		{Query{}, e, true},
		{Query{App: "a/b", Kind: Paused, After: 4}, e, true},
		{Query{App: "a/c"}, e, false},
		{Query{Kind: Resumed}, e, false},
		{Query{After: 5}, e, false},
		{Query{After: 5}, unkept, true},
		{Query{App: "a/c", After: 5}, unkept, false},
	} {
		if got := tc.query.Selects(tc.event); got != tc.want {
			t.Errorf("%+v selects %+v: %v, want %v", tc.query, tc.event, got, tc.want)
		}
	}
}
