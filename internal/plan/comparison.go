package plan

import "plumb.dev/plumb/internal/object"

// Comparison tells in what two Apps differ as they are declared: most often the
// same thing in two environments. Objects are matched by group, kind and name,
// for their namespaces differ by nature.
type Comparison struct {
	A      string       `json:"a" doc:"The one App, NAMESPACE/NAME."`
	B      string       `json:"b" doc:"The other."`
	Images []Difference `json:"images" nullable:"false" doc:"Container images that differ."`
	Charts []Difference `json:"charts" nullable:"false" doc:"Versions of charts that differ."`
	Fields []Difference `json:"fields" nullable:"false" doc:"All other fields that differ."`
	OnlyA  []object.Key `json:"onlyA" nullable:"false" doc:"Objects that only the one declares."`
	OnlyB  []object.Key `json:"onlyB" nullable:"false" doc:"Objects that only the other declares."`
	More   int          `json:"more,omitempty" doc:"How many more fields differ than are listed."`
}

// Difference is one thing that two Apps declare differently.
type Difference struct {
	Key  object.Key `json:"object" doc:"Which object, as the one App has it."`
	Path string     `json:"path,omitempty" doc:"Which field; absent where it is about the whole."`
	Name string     `json:"name,omitempty" doc:"The container's or the chart's name."`
	A    *Value     `json:"a,omitempty" doc:"What the one declares; absent where it declares none."`
	B    *Value     `json:"b,omitempty" doc:"What the other declares; absent where it declares none."`
}

// Same says whether nothing differs.
func (c Comparison) Same() bool {
	return len(c.Images)+len(c.Charts)+len(c.Fields)+len(c.OnlyA)+len(c.OnlyB)+c.More == 0
}
