package target

import "context"

// Secrets keeps Secrets in an actor's namespace that no App declares, with the
// actor's rights.
type Secrets interface {
	// SecretsWith lists those with all of these labels; for an actor without a
	// namespace, in all.
	SecretsWith(ctx context.Context, as Actor, labels map[string]string) ([]Secret, error)
	// PutSecret makes a Secret, or writes over the one that is there.
	PutSecret(ctx context.Context, as Actor, s Secret) error
	// DropSecret deletes a Secret, if it is there.
	DropSecret(ctx context.Context, as Actor, name string) error
}

// Secret is a Secret without what only a server needs.
type Secret struct {
	Namespace string // where it was found
	Name      string
	Type      string
	Labels    map[string]string
	Data      map[string][]byte
}
