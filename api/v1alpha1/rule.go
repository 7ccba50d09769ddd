package v1alpha1

// HealthRule judges the objects of one kind by CEL expressions over the object,
// which they know as `object`. The first that is true, in the order of the
// fields, decides; none means unknown.
type HealthRule struct {
	// Kind and Group select objects. An empty Group is the core one.
	Kind  string `json:"kind"`
	Group string `json:"group,omitempty"`
	// Each is a CEL expression that is true or false.
	Suspended   string `json:"suspended,omitempty"`
	Degraded    string `json:"degraded,omitempty"`
	Progressing string `json:"progressing,omitempty"`
	Healthy     string `json:"healthy,omitempty"`
	// Message is a CEL expression for a text that says why.
	Message string `json:"message,omitempty"`
}
