package pipeline

import (
	"testing"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

func planned(name string, fields ...string) plan.Change {
	c := plan.Change{Action: plan.Update, Key: object.Key{Kind: "ConfigMap", Namespace: "shop", Name: name}}
	for _, f := range fields {
		c.Fields = append(c.Fields, plan.Field{Path: f, Owner: "ada"})
	}
	return c
}

func TestDriftIsToldWithWhoAndWhat(t *testing.T) {
	t.Parallel()
	field := func(path, owner string) plan.Field { return plan.Field{Path: path, Owner: owner} }
	for want, f := range map[string]target.Finding{
		"was deleted outside Git":                          {},
		"was changed outside Git":                          {Exists: true},
		"spec.replicas was changed by ada":                 {Exists: true, Fields: []plan.Field{field("spec.replicas", "ada")}},
		"spec.replicas was changed outside Git":            {Exists: true, Fields: []plan.Field{field("spec.replicas", "")}},
		"spec.replicas and 2 more was changed by ada":      {Exists: true, Fields: []plan.Field{field("spec.replicas", "ada"), field("a", "x"), field("b", "")}},
		"spec.replicas and 1 more was changed outside Git": {Exists: true, Fields: []plan.Field{field("spec.replicas", ""), field("a", "x")}},
	} {
		if got := DriftReason(f); got != want {
			t.Errorf("%+v is told as %q, want %q", f, got, want)
		}
	}
	for want, drifted := range map[string][]plan.Change{
		"unknown": {planned("a")},
		"ada":     {planned("a"), {Fields: []plan.Field{field("x", "")}}, planned("b", "x")},
	} {
		if got := Owners(drifted); got != want {
			t.Errorf("%+v is the doing of %q, want %q", drifted, got, want)
		}
	}
}
