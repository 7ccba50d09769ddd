package given

import (
	"cmp"
	"fmt"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
)

// The kinds that values are taken from.
const (
	ConfigMap = "ConfigMap"
	Secret    = "Secret"
)

// DefaultKey is the key of a file of values where none is named.
const DefaultKey = "values.yaml"

// Ask is one place of an App where values are asked for.
type Ask struct {
	Field    string // of the App, for messages
	Key      object.Key
	Entry    string // the key in the object; empty means all that it has
	Optional bool
}

// Asked lists where an App asks for values, in the order they count.
func Asked(app v1alpha1.App) []Ask {
	var asks []Ask
	add := func(field string, from []v1alpha1.Given, entry func(v1alpha1.Given) string) {
		for i, g := range from {
			asks = append(asks, Ask{
				Field: fmt.Sprintf("%s[%d]", field, i), Entry: entry(g), Optional: g.Optional,
				Key: object.Key{Kind: g.Kind, Namespace: app.Spec.Target.Namespace, Name: g.Name},
			})
		}
	}
	if h := app.Spec.Render.Helm; h != nil {
		add("spec.render.helm.valuesFrom", h.ValuesFrom, func(g v1alpha1.Given) string { return cmp.Or(g.Key, DefaultKey) })
	}
	if s := app.Spec.Render.Substitute; s != nil {
		add("spec.render.substitute.from", s.From, func(v1alpha1.Given) string { return "" })
	}
	return asks
}

// Keys are the objects that are asked for, each once.
func Keys(asks []Ask) []object.Key {
	var keys []object.Key
	seen := map[object.Key]bool{}
	for _, a := range asks {
		if !seen[a.Key] {
			seen[a.Key] = true
			keys = append(keys, a.Key)
		}
	}
	return keys
}
