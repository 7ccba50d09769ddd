package declare

import (
	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/status"
)

// Declaration is one App and where it is declared.
type Declaration struct {
	// App is complete: defaults are set and its source is named.
	App    v1alpha1.App
	Origin object.Origin
	// Held says why the App stays as it was declared before, although the root
	// doesn't say so any more. It is nil for an App that is as declared now.
	Held error
}

// Broken is a declaration that can't be used.
type Broken struct {
	// ID is NAMESPACE/NAME of what it declares; empty where that can't be told.
	ID     string
	Origin object.Origin
	Err    error
}

// Scan is what one revision of the root says, whatever it said before.
type Scan struct {
	// Apps are sound, each by itself; two may have the same ID.
	Apps []Declaration
	// Broken are those that can't be used.
	Broken []Broken
}

// State is what is declared, all told. The zero value is that of a root that
// was never read.
type State struct {
	// Apps by ID.
	Apps map[string]Declaration
	// Problems are what people should mend in the root.
	Problems []status.Problem
	// Settled says that an App which is not in Apps is not declared: no problem
	// hides one. Only then may objects of unknown Apps be taken for left-overs.
	Settled bool
}

// Policy says how much a root may take away at once.
type Policy struct {
	// AllowEmpty lets a root that declares no App remove all that it declared.
	AllowEmpty bool
}

// Next decides what is declared now, from what was and what a scan found.
func Next(prev State, scan Scan, policy Policy) State {
	return prev
}
