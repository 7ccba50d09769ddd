// Package history is what keeps releases, events, and what people said that
// still holds (Desk): the interfaces and their shared values. A Recorder writes
// them beside those who decide, and tells events to those who listen.
//
// Losing a history loses what happened and what was said, and nothing else:
// desired state is never read from it. The same place keeps two small memories
// that make a restart cheap (Applied, Apps); losing those costs work, not truth.
//
// Variants stand below; historytest holds what each must pass.
package history

import (
	"context"
	"errors"
	"time"

	"plumb.dev/plumb/internal/release"
)

// Reader tells of releases. It is safe for concurrent use.
type Reader interface {
	// Get returns one release, or ErrNotFound.
	Get(ctx context.Context, id int64) (release.Release, error)
	// List returns releases, newest first.
	List(ctx context.Context, q Query) ([]release.Release, error)
}

// Store keeps releases. It is safe for concurrent use.
type Store interface {
	Reader
	// Save writes a release whole, and gives a new one its ID.
	Save(ctx context.Context, r release.Release) (release.Release, error)
	// Trim removes what is beyond the bounds, never a running release and
	// never an App's newest success, and says how many.
	Trim(ctx context.Context, b Bounds, now time.Time) (int, error)
	// Close ends the use of the store.
	Close() error
}

// Bounds says how much history is kept: releases seen within Age, and at most
// Count of each App. A zero field sets no bound.
type Bounds struct {
	Age   time.Duration
	Count int
}

var (
	// ErrNotFound is returned where there is no such release.
	ErrNotFound = errors.New("no such release")
	// ErrFull is returned where there is no room to write. Nothing is damaged,
	// and writing works again once there is room.
	ErrFull = errors.New("no room left")
)
