package server

import (
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/redact"
)

// shown is an object's content as it may be shown. Hidden values all look
// alike here: there is nothing to tell them from.
func shown(o object.Object) manifest {
	content := o.Unstructured.Object
	return redact.Redactor{}.Of(content).Show(content)
}
