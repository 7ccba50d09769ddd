package target

import "context"

// Looker answers what templates ask of a target. Objects one by one are
// Reader's to answer.
type Looker interface {
	// Capabilities are the version of the target, and what it serves: each
	// GROUP/VERSION and GROUP/VERSION/KIND. They must not be changed.
	Capabilities(ctx context.Context) (version string, apis []string, err error)
	// Served is what was served when that was asked for last; nil where it isn't
	// known by now. It asks nobody.
	Served() []string
	// List lists the objects of a kind, with the actor's rights.
	List(ctx context.Context, as Actor, q Query) ([]map[string]any, error)
}

// Query says which objects are listed.
type Query struct {
	APIVersion, Kind string
	Namespace        string // empty for all
	Labels           string // a selector; empty for all
	Most             int    // an error where there are more
}
