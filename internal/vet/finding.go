package vet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/object"
)

// Level is how bad a finding is.
type Level string

// The levels.
const (
	Error   Level = "error"   // the daemon or the API server would refuse it
	Warning Level = "warning" // it could not be checked, or is likely a mistake
)

// Rule is what a finding is about.
type Rule string

// The rules.
const (
	Declaration Rule = "declaration"  // a declaration can't be used
	Render      Rule = "render"       // an App can't be rendered
	Secret      Rule = "secret"       // an encrypted file can't be opened
	Schema      Rule = "schema"       // an object doesn't fit the schema of its kind
	UnknownKind Rule = "unknown-kind" // there is no schema for a kind
	Duplicate   Rule = "duplicate"    // two Apps declare one object, or one Helm release
	Fetch       Rule = "fetch"        // something from elsewhere would be needed
	Cluster     Rule = "cluster"      // something of the cluster would be needed
	Notice      Rule = "notice"       // what rendering has to say
)

// Rules are all that there are, with what each is about.
func Rules() map[Rule]string {
	return map[Rule]string{
		Declaration: "A declaration can't be used.",
		Render:      "An App or folder can't be rendered.",
		Secret:      "An encrypted file can't be opened.",
		Schema:      "An object doesn't fit the schema of its kind.",
		UnknownKind: "There is no schema for a kind, so its fields are not checked.",
		Duplicate:   "Two Apps declare one object, or one Helm release.",
		Fetch:       "It is made from something that lies elsewhere, which was not fetched.",
		Cluster:     "It is made with something that only the cluster knows.",
		Notice:      "Rendering it has something to say.",
	}
}

// Finding is one thing that people should know.
type Finding struct {
	Level   Level       `json:"level" enum:"error,warning"`
	Rule    Rule        `json:"rule"`
	File    string      `json:"file,omitempty"`
	Line    int         `json:"line,omitempty"` // counting from 1; 0 is unknown
	App     string      `json:"app,omitempty"`  // NAMESPACE/NAME
	Object  *object.Key `json:"object,omitempty"`
	Field   string      `json:"field,omitempty"`
	Message string      `json:"message"`
}

// String is the finding as one line.
func (f Finding) String() string {
	var b strings.Builder
	if at := (object.Origin{File: f.File, Line: f.Line}); f.File != "" {
		b.WriteString(at.String() + ": ")
	}
	fmt.Fprintf(&b, "%s: %s", f.Level, f.text())
	return b.String()
}

// text is what is wrong, without where.
func (f Finding) text() string {
	var b strings.Builder
	if f.Object != nil {
		b.WriteString(f.Object.String() + ": ")
	}
	if f.Field != "" {
		b.WriteString(f.Field + ": ")
	}
	b.WriteString(f.Message)
	if f.App != "" {
		b.WriteString(" (App " + f.App + ")")
	}
	return b.String()
}

// Report is what came of looking.
type Report struct {
	Findings []Finding `json:"findings"`
	Apps     int       `json:"apps"`    // that were rendered, or tried to
	Objects  int       `json:"objects"` // that came of it
	// Unchecked counts objects whose kind has no schema.
	Unchecked int `json:"unchecked"`
}

// Count is how many findings have a level.
func (r Report) Count(l Level) (n int) {
	for _, f := range r.Findings {
		if f.Level == l {
			n++
		}
	}
	return n
}

// sorted are findings by place, each once.
func sorted(all []Finding) []Finding {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.String(), b.String()))
	})
	return slices.CompactFunc(all, func(a, b Finding) bool { return a.String() == b.String() })
}
