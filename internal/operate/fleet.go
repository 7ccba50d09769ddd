package operate

import (
	"context"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/pipeline"
)

// Fleet is what the engine knows.
type Fleet interface {
	// Known returns what is known of one App (NAMESPACE/NAME).
	Known(ctx context.Context, id string) (pipeline.Known, error)
	// AllKnown returns what is known of every App, without their objects: with
	// no Desired, Differ, Prunes, Kept and Broken.
	AllKnown(ctx context.Context) ([]pipeline.Known, error)
	// Claims lists who declares the objects that a key, as someone wrote it, names.
	Claims(ctx context.Context, wrote object.Key) ([]Claim, error)
}

// Claim is an object, and the App that declares it.
type Claim = pipeline.Claim
