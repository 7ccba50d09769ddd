package queue

import (
	"context"
	"testing"
)

func TestGetGivesNoMoreWorkOnceItsContextIsDone(t *testing.T) {
	t.Parallel()
	q := New[string]()
	q.Add("a", "f")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if key, ok := q.Get(ctx); ok {
		t.Errorf("%s is handed to a worker that is to stop", key)
	}
	if q.Len() != 1 {
		t.Errorf("%d keys wait, want the one that nobody took", q.Len())
	}
}
