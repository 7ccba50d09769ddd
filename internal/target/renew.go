package target

import (
	"context"
	"time"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// Renewer knows which Secrets' generated values are to be made anew, and restarts
// those who use them.
type Renewer interface {
	// Renewals are the live objects about which there is anything to do, now or later.
	Renewals() map[object.Key]plan.Renewal
	// RenewalsChanged delivers when they may have changed since the last delivery.
	RenewalsChanged() <-chan struct{}
	// Restart has a workload's pods made anew, once for what it is named for. It
	// is no change of what is declared. ErrGone is that there is none.
	Restart(ctx context.Context, as Actor, workload object.Key, cause string) error
	// Restarted notes at a Secret that all were restarted who were to be since a time.
	Restarted(ctx context.Context, as Actor, secret object.Key, since time.Time) error
}
