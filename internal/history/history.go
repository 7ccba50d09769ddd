// Package history is what keeps releases: the interface and its shared values.
//
// Losing a history loses what happened, and nothing else: desired state is
// never read from it. Variants stand below; historytest holds what each must pass.
package history

import (
	"context"
	"errors"
	"time"

	"plumb.dev/plumb/internal/release"
)

// Store keeps releases. It is safe for concurrent use.
type Store interface {
	// Save writes a release whole, and gives a new one its ID.
	Save(ctx context.Context, r release.Release) (release.Release, error)
	// Get returns one release, or ErrNotFound.
	Get(ctx context.Context, id int64) (release.Release, error)
	// List returns releases, newest first.
	List(ctx context.Context, q Query) ([]release.Release, error)
	// Trim removes what is beyond the bounds, never a running release and
	// never an App's newest success, and says how many.
	Trim(ctx context.Context, b Bounds, now time.Time) (int, error)
	// Close ends the use of the store.
	Close() error
}

// Query selects releases. A zero field selects all.
type Query struct {
	App     string // NAMESPACE/NAME
	Commit  string // a prefix of at least four characters
	Outcome release.Outcome
	Before  int64 // only releases with a smaller ID: the next page
	Limit   int   // at most this many; 0 means DefaultLimit
}

// DefaultLimit is how many releases a List returns when not told.
const DefaultLimit = 50

// Bounds says how much history is kept: releases younger than Age, and at most
// Count of each App. A zero field sets no bound.
type Bounds struct {
	Age   time.Duration
	Count int
}

// ErrNotFound is returned where there is no such release.
var ErrNotFound = errors.New("no such release")
