package push

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Leader is where it is written who holds a root. It calls told each time that
// changes, until ctx is done.
type Leader interface {
	Lead(ctx context.Context, root, name string, told func(leads bool, holder string)) error
}

// yieldWithin is how long a holder that doesn't answer is waited for.
const yieldWithin = 8 * time.Second

// alone does something while this process holds a root, so that no daemon works
// on the same. A daemon that holds it keeps it.
func alone(ctx context.Context, l Leader, root, name string, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan error, 1)
	defer func() { cancel(nil); <-ended }() // it gives the root back
	type standing struct {
		leads  bool
		holder string
	}
	news := make(chan standing, 1)
	go func() {
		ended <- l.Lead(ctx, root, name, func(leads bool, holder string) {
			select {
			case <-news: // only how it is now counts
			default:
			}
			news <- standing{leads, holder}
		})
	}()
	patience := time.NewTimer(yieldWithin)
	defer patience.Stop()
	last := standing{holder: "unknown"}
	for !last.leads {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-patience.C:
			return fmt.Errorf("%w: %s holds the root %s and delivers what it declares; let it (`plumb sync`), or stop it first", ErrHeld, last.holder, root)
		case last = <-news:
		}
	}
	go func() {
		select {
		case <-ctx.Done():
		case now := <-news:
			if !now.leads {
				cancel(errors.New(now.holder + " took the root over"))
			}
		}
	}()
	return do(ctx)
}
