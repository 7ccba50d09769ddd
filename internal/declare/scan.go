package declare

import (
	"context"
	"errors"

	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/tree"
)

// Root is the repository that declares.
type Root struct {
	// Ref fills in what an App leaves out of its source: the repository, and
	// what is followed in it.
	Ref source.Ref
	// Path is the folder below which declarations count; empty is all of it.
	Path string
}

// Scanner finds declarations, and remembers what it found in which file. It is
// used by one caller at a time.
type Scanner struct {
	root Root
}

// NewScanner is a scanner of root that has seen nothing yet.
func NewScanner(root Root) *Scanner { return &Scanner{root: root} }

// All reads every file. It is for the first scan, and for when it isn't known
// what changed. After an error nothing is remembered otherwise than before.
func (s *Scanner) All(ctx context.Context, files tree.Tree) (Scan, error) {
	return Scan{}, errors.ErrUnsupported
}

// Changed reads what changed since the scan before, and yields the same as All
// would. After an error nothing is remembered otherwise than before.
func (s *Scanner) Changed(ctx context.Context, files tree.Tree, changes []tree.Change) (Scan, error) {
	return Scan{}, errors.ErrUnsupported
}
