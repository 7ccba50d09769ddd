package plan

import (
	"fmt"
	"strings"

	"plumb.dev/plumb/internal/object"
)

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
	// Keep is a prune that a guard held back; the reason says which.
	Keep Action = "keep"
	// Refuse is an object that another App claims too.
	Refuse Action = "refuse"
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
}

// Field is one field that differs. Values are left out where they are secret.
type Field struct {
	Path    string // such as spec.template.spec.containers[name="web"].image
	Pointer string // the same for a rule of what to ignore: /spec/template/spec/containers/*/image
	Owner   string // the field manager that wrote what is live; empty when unknown
}

// Summary counts changes.
type Summary struct {
	Create, Update, Prune, Keep, Refuse int
}

// Count summarises changes.
func Count(changes []Change) Summary {
	var s Summary
	for _, c := range changes {
		switch c.Action {
		case Create:
			s.Create++
		case Update, Check:
			s.Update++
		case Prune:
			s.Prune++
		case Keep:
			s.Keep++
		case Refuse:
			s.Refuse++
		}
	}
	return s
}

// String is +CREATED ~UPDATED -PRUNED, without what is zero.
func (s Summary) String() string {
	var parts []string
	for _, p := range []struct {
		sign string
		n    int
	}{{"+", s.Create}, {"~", s.Update}, {"-", s.Prune}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%s%d", p.sign, p.n))
		}
	}
	return strings.Join(parts, " ")
}
