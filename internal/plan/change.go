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
	// Replace deletes the object and makes it anew: fields of it have to change
	// that can't be changed in place.
	Replace Action = "replace"
	// Conflict is what can't be done: another App has the object, or the server refuses it.
	Conflict Action = "conflict"
)

// Change is what is to be done with one object, and why.
type Change struct {
	Action Action        `json:"action" enum:"create,update,replace,prune,check,conflict" doc:"What would be done."`
	Key    object.Key    `json:"object" doc:"Which object."`
	Origin object.Origin `json:"origin,omitzero" doc:"Where it is declared; absent for what isn't declared any more."`
	Reason string        `json:"reason" doc:"Why, for people."`
	Wave   int           `json:"wave,omitempty" doc:"Its wave: it waits until all of the lower ones is applied and healthy; 0 is absent."`
	Fields []Field       `json:"fields,omitempty" doc:"The fields that differ, where they are known."`
	More   int           `json:"more,omitempty" doc:"How many more fields differ than are listed."`

	// Digest binds what is desired and all that differs, also what isn't listed;
	// where it is empty, what is listed counts.
	Digest string `json:"-"`
	// Desired is what to apply; unused by Prune.
	Desired Desired `json:"-"`
	// Live is the object as it was when the change was planned.
	Live Live `json:"-"`
	// Repair is what has to be done to the live object before Desired can be
	// applied, in the target's own terms; nil is nothing.
	Repair []byte `json:"-"`
	// Renew makes the generated values of a Secret anew.
	Renew bool `json:"-"`
}

// Field is one field that differs.
type Field struct {
	Path    string `json:"path" doc:"Which field, such as spec.template.spec.containers[name=\"web\"].image."`
	Pointer string `json:"pointer,omitempty" doc:"The same for a rule of what to ignore, such as /spec/replicas."`
	Owner   string `json:"owner,omitempty" doc:"The field manager that wrote what is live; absent when unknown."`
	Before  *Value `json:"before,omitempty" doc:"What is live; absent where nothing is."`
	After   *Value `json:"after,omitempty" doc:"What would be; absent where nothing would."`
}

// Value is one field's value as it may be shown. Where it must not be, it holds
// a keyed fingerprint in its place: equal values have equal ones, and nobody
// who lacks the key can find the value by trying.
type Value struct {
	Content any    `json:"content,omitempty" doc:"The value, as JSON."`
	Hidden  string `json:"hidden,omitempty" doc:"Stands for a value that isn't shown: the same value, the same text."`
	Cut     int    `json:"cut,omitempty" doc:"How many bytes of a long value were left out."`
}
