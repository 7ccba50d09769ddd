package plan

import (
	"time"

	"plumb.dev/plumb/internal/object"
)

// Version is of the JSON form of a Plan; it changes when a field's meaning does.
const Version = "plumb.dev/plan/v1"

// Plan is what would be done to bring an App in line, as everyone is shown it
// and as it is approved. What must not be shown is not in it.
type Plan struct {
	Version   string    `json:"version" doc:"The version of this shape: plumb.dev/plan/v1."`
	App       string    `json:"app" doc:"The App, NAMESPACE/NAME; or the folder that was compared."`
	Hash      string    `json:"hash" doc:"Names the plan: of what is desired and what is live. Approve this."`
	Revision  string    `json:"revision,omitempty" doc:"The commit that is desired."`
	Author    string    `json:"author,omitempty" doc:"Who made that commit."`
	Subject   string    `json:"subject,omitempty" doc:"The first line of its message."`
	Cluster   string    `json:"cluster,omitempty" doc:"The API server's address."`
	Namespace string    `json:"namespace,omitempty" doc:"The namespace for objects that name none."`
	MadeAt    time.Time `json:"madeAt,omitzero" doc:"When it was made."`

	Changes   []Change `json:"changes" nullable:"false" doc:"What would be done, in the order it would be."`
	Hooks     []Hook   `json:"hooks,omitempty" doc:"The hooks that would run with it, in their order; those for failure are not among them."`
	Unchanged int      `json:"unchanged" doc:"How many objects are as declared."`
	// Problems make it incomplete: what they are about could not be told.
	Problems []Problem `json:"problems,omitempty" doc:"What could not be compared, and why."`
	Extra    []Extra   `json:"extra,omitempty" doc:"Objects that this plan leaves alone though nothing declares them."`

	Complete   bool `json:"complete" doc:"True when every object could be compared."`
	Applicable bool `json:"applicable" doc:"True when nothing is known that would keep it from being applied."`
	Stale      bool `json:"stale,omitempty" doc:"True when what it was made from has changed since."`
}

// Problem is what could not be compared.
type Problem struct {
	Key     object.Key    `json:"object,omitzero" doc:"The object; absent where it is about the whole."`
	Origin  object.Origin `json:"origin,omitzero" doc:"Where it is declared."`
	Message string        `json:"message" doc:"What is wrong and what to do."`
}

// Extra is an object that is there and isn't declared.
type Extra struct {
	Key    object.Key `json:"object" doc:"Which object."`
	Reason string     `json:"reason" doc:"Why it is left alone: a guard keeps it, or nobody declares it."`
}

// Counts says how many changes there are of each action.
func (p Plan) Counts() map[Action]int {
	counts := map[Action]int{}
	for _, c := range p.Changes {
		counts[c.Action]++
	}
	return counts
}

// InLine says whether nothing differs and everything could be compared.
func (p Plan) InLine() bool { return len(p.Changes)+len(p.Hooks) == 0 && p.Complete }
