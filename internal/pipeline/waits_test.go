package pipeline

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"plumb.dev/plumb/internal/target"
)

func TestWhatOnlyWaitsIsNoFailure(t *testing.T) {
	t.Parallel()
	waits, refused := fmt.Errorf("%w: not yet", target.ErrSkipped), errors.New("refused")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	before, never := now.Add(-time.Minute), time.Time{}
	for _, tc := range []struct {
		name     string
		outcomes []error
		failed   error
		before   time.Time
		want     time.Time
	}{
		{"all went well", []error{nil, nil}, nil, before, never},
		{"one waits", []error{nil, waits}, target.ObjectError{Err: waits}, never, now},
		{"one still waits", []error{nil, waits}, target.ObjectError{Err: waits}, before, before},
		{"all wait", []error{waits, waits}, target.ObjectError{Err: waits}, never, now},
		{"one waits and one is refused", []error{waits, refused}, target.ObjectError{Err: waits}, before, never},
		{"one is refused", []error{refused}, target.ObjectError{Err: refused}, before, never},
		{"nothing was tried, and something else failed", nil, refused, before, never},
	} {
		var d Carried
		for _, err := range tc.outcomes {
			d.Outcomes = append(d.Outcomes, target.Outcome{Err: err})
		}
		if got := d.Waits(tc.failed, tc.before, now); !got.Equal(tc.want) {
			t.Errorf("%s: it waits since %s, want %s", tc.name, got, tc.want)
		}
	}
}
