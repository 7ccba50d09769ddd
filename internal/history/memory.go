package history

import "context"

// Applied remembers what was last applied to each object, so that after a
// restart an object that is in line is known as such without asking the server.
// It is a cache: an object that is missing from it costs one dry run.
type Applied interface {
	// SaveApplied writes upserts and forgets the objects removed (by their ID),
	// all or nothing. The App is remembered as declared (see Apps).
	SaveApplied(ctx context.Context, app string, upserts []AppliedObject, removed []string) error
	// LoadApplied calls fn with every object, App by App, until fn returns an
	// error, which it returns.
	LoadApplied(ctx context.Context, fn func(app string, o AppliedObject) error) error
}

// AppliedObject is what is remembered of one object.
type AppliedObject struct {
	ID          string // object.Key.ID
	UID         string // the server's name for this very object; another one after it was deleted and made again
	Digest      string // of what was declared
	Fingerprint string // of our entry in its managed fields, after the apply
}

// Apps remembers which Apps were declared, so that one whose declaration went
// while nobody watched is still recognised as removed.
type Apps interface {
	// SaveApps remembers the Apps declared (NAMESPACE/NAME) and forgets those
	// that are gone, with what was applied for them, all or nothing.
	SaveApps(ctx context.Context, declared, gone []string) error
	// LoadApps returns the remembered Apps in the order of their names.
	LoadApps(ctx context.Context) ([]string, error)
}
