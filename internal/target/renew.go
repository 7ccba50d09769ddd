package target

import (
	"context"
	"time"

	"plumb.dev/plumb/internal/object"
)

// Renewer knows which Secrets' generated values are to be made anew, and restarts
// those who use them.
type Renewer interface {
	// Renewals are the live objects that have such a time.
	Renewals() map[object.Key]time.Time
	// RenewalsChanged delivers when they may have changed since the last delivery.
	RenewalsChanged() <-chan struct{}
	// Restart has a workload's pods made anew. It is no change of what is declared.
	Restart(ctx context.Context, as Actor, workload object.Key, at time.Time) error
}
