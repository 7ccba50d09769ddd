package plan

import "plumb.dev/plumb/internal/object"

// Action is what is to be done with one object.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	// Check asks the server whether there is a difference at all; it becomes
	// one of the others, or nothing.
	Check Action = "check"
	Prune Action = "prune"
)

// Change is what is to be done with one object, and why.
type Change struct {
	Action Action
	Key    object.Key
	// Desired is what to apply; unused by Prune and Keep.
	Desired Desired
	// Live is the object as it was when the change was planned.
	Live   Live
	Reason string
	Fields []Field
	// Repair is what has to be done to the live object before Desired can be
	// applied, in the target's own terms; nil is nothing.
	Repair []byte
}

// Field is one field that differs. Values are left out where they are secret.
type Field struct {
	Path    string // such as spec.template.spec.containers[name="web"].image
	Pointer string // the same for a rule of what to ignore: /spec/template/spec/containers/*/image
	Owner   string // the field manager that wrote what is live; empty when unknown
}
