package history

import (
	"context"

	"plumb.dev/plumb/internal/event"
)

// Events keeps what happened, for those who ask later.
type Events interface {
	// AddEvents writes events, and gives each its ID. They outlive a restart;
	// only the newest are kept.
	AddEvents(ctx context.Context, events []event.Event) ([]event.Event, error)
	// ListEvents returns events, oldest first.
	ListEvents(ctx context.Context, q event.Query) ([]event.Event, error)
}

// Desk keeps what people said that still holds: pauses, approvals, plans that
// wait. Each is a JSON value under a kind and a key. Losing it loses what they
// said, never what is declared.
type Desk interface {
	// Put writes one value whole.
	Put(ctx context.Context, kind DeskKind, key string, value []byte) error
	// Drop forgets one; of one that isn't there it is no error.
	Drop(ctx context.Context, kind DeskKind, key string) error
	// Kept returns all values of a kind, by key.
	Kept(ctx context.Context, kind DeskKind) (map[string][]byte, error)
}

// MaxEvents is how many events are kept.
const MaxEvents = 10_000

// DeskKind is what sort of thing is kept.
type DeskKind string

// The kinds of things kept.
const (
	DeskPause    DeskKind = "pause"    // gate.Pause, by its ID
	DeskApproval DeskKind = "approval" // gate.Approval, by App
	DeskPlan     DeskKind = "plan"     // plan.Plan that waits for approval, by App
	DeskSync     DeskKind = "sync"     // v1alpha1.Sync of an App that isn't applied by itself, by App
	DeskFailure  DeskKind = "failure"  // the release that an App is held after, by App
	DeskHooks    DeskKind = "hooks"    // hooks.Memory, by App
)
