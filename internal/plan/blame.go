package plan

import (
	"time"

	"plumb.dev/plumb/internal/object"
)

// Blame tells of a live object where each of its fields comes from.
type Blame struct {
	Key      object.Key `json:"object" doc:"Which object."`
	App      string     `json:"app" doc:"The App (NAMESPACE/NAME) that declares it; empty when none does."`
	Revision string     `json:"revision" doc:"The commit that this was told for."`
	Fields   []Blamed   `json:"fields" nullable:"false" doc:"Its fields, sorted by path."`
}

// Blamed is where one field comes from: a line in Git if it is ours, or else
// the program that wrote it.
type Blamed struct {
	Path        string      `json:"path" doc:"Which field."`
	Value       *Value      `json:"value,omitempty" doc:"What is live; absent where nothing is."`
	Manager     string      `json:"manager" doc:"The field manager that wrote it."`
	Ours        bool        `json:"ours" doc:"True when it is Plumb's, and so comes from Git."`
	Operation   string      `json:"operation,omitempty" doc:"How it wrote: Apply or Update."`
	Subresource string      `json:"subresource,omitempty" doc:"By which way in, such as status or scale; absent for the object itself."`
	Time        time.Time   `json:"time,omitzero" doc:"When that manager wrote to the object last."`
	Line        *BlamedLine `json:"line,omitempty" doc:"The line in Git; absent for what isn't ours or where it can't be told."`
}

// BlamedLine is the line of a file that a field comes from, and who wrote it.
type BlamedLine struct {
	Origin  object.Origin `json:"origin" doc:"The file and line."`
	Exact   bool          `json:"exact" doc:"True when it is the very line; otherwise it is where the object begins."`
	Commit  string        `json:"commit" doc:"The commit that wrote the line last."`
	Author  string        `json:"author" doc:"Who made it."`
	Date    time.Time     `json:"date" doc:"When."`
	Subject string        `json:"subject" doc:"The first line of its message."`
}
