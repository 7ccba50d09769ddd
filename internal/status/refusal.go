package status

import "fmt"

// Refusal is an error that says that what someone asked for isn't done, and
// why. Every other error means that it could not be done.
type Refusal struct {
	Kind   RefusalKind
	Reason string // what, why, and what to do
}

// RefusalKind is in what way something is refused.
type RefusalKind int

// The ways.
const (
	NotThere RefusalKind = iota + 1 // what was named isn't there
	Invalid                         // what was asked for makes no sense
	Denied                          // a rule forbids it to who asks
	Moved                           // it doesn't go with how things stand now
)

func (r *Refusal) Error() string { return r.Reason }

// Refuse is a Refusal with a reason.
func Refuse(kind RefusalKind, format string, args ...any) error {
	return &Refusal{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}
