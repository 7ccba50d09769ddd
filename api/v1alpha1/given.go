package v1alpha1

// Given names values that are in the target: those of a ConfigMap or Secret in
// the App's target namespace.
type Given struct {
	// Kind is ConfigMap or Secret.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Key is the one that holds a file of values. Default values.yaml. Where
	// single values are asked for, it is none.
	Key string `json:"key,omitempty"`
	// At is the value that the content becomes, such as image.tag, in place of a
	// file of values.
	At string `json:"at,omitempty"`
	// Optional lets it be absent.
	Optional bool `json:"optional,omitempty"`
}

// Substitute replaces ${NAME} in rendered objects. Without one, nothing is.
type Substitute struct {
	// Values are over those of From.
	Values map[string]string `json:"values,omitempty"`
	// From takes each key of a ConfigMap or Secret as a value, later ones over
	// those before.
	From []Given `json:"from,omitempty"`
	// Strict makes a name that has neither value nor default an error; else it
	// is left as it stands. Default true.
	Strict *bool `json:"strict,omitempty"`
}
