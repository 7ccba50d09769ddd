package history

import (
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/release"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	for _, q := range []Query{
		{}, {App: "team/shop", Commit: "1d68", Author: "Ana Björk <ana@", Object: "Deployment.apps/shop/web", Limit: MaxLimit, Before: 1},
		{Outcome: release.Superseded, Trigger: release.TriggerRemoval, Since: now, Until: now.Add(1)}, {Until: now}, {Commit: "ABCDEF0123456789"},
	} {
		if err := q.Validate(); err != nil {
			t.Errorf("%+v: %v", q, err)
		}
	}
	for says, q := range map[string]Query{
		"too short":          {Commit: "1d6"},
		"not a hash":         {Commit: "main"},
		"give 1 to 500":      {Limit: MaxLimit + 1},
		"out of range":       {Limit: -1},
		"not the id":         {Before: -1},
		"one of [Running":    {Outcome: "succeeded"},
		"one of [commit":     {Trigger: "drifted"},
		"is not before":      {Since: now, Until: now},
		"between the years":  {Until: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)},
		"author is too long": {Author: strings.Repeat("x", MaxText+1)},
		"control characters": {App: "a\x00"},
		"KIND/NAME":          {Object: "web"},
	} {
		if err := q.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v; want an error that says %q", q, err, says)
		}
	}
}
