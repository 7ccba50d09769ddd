package sight

import "plumb.dev/plumb/internal/object"

// Event says what changed. Deliveries are merged while nobody takes them.
type Event struct {
	// Objects whose record changed, with the App labels that they had and have.
	Objects map[object.Key][]string
	// Kinds is set when a kind became known to the view, or the cluster's
	// kinds changed, or the connection was lost or came back.
	Kinds bool
	// Noted are the objects followed by a Noter whose version changed.
	Noted map[object.Key]struct{}
}
