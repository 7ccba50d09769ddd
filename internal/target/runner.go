package target

import (
	"context"
	"errors"

	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// Runner makes objects that are made once, as hooks are: never changed, never
// compared, and deleted by their own rules.
type Runner interface {
	// Make creates an object. Where there is one of its name already, the error
	// is ErrThere, and the outcome has that one's record.
	Make(ctx context.Context, as Actor, d plan.Desired) Outcome
	// Remove deletes an object, if it still is this one. That it is gone already
	// is no error.
	Remove(ctx context.Context, as Actor, live plan.Live) error
	// Hooked is what the view knows of such an object; of one that ended and is gone,
	// what it knew last.
	Hooked(key object.Key) (plan.Live, bool)
	// Log is the end of what the containers of an object printed; of one that
	// prints nothing there are none.
	Log(ctx context.Context, as Actor, live plan.Live) ([]hooks.Printed, error)
}

// ErrThere marks what can't be made because there is one of its name.
var ErrThere = errors.New("is there already")
