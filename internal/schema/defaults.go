package schema

import "maps"

// filled is a value with the defaults of its schema where it has nothing, as the
// server fills them in before it looks at anything else. The value isn't changed.
func filled(open map[string]any, v any) any {
	switch x := v.(type) {
	case map[string]any:
		return filledFields(open, x)
	case []any:
		items, _ := open["items"].(map[string]any)
		if items == nil {
			return x
		}
		out := make([]any, len(x))
		for i := range x {
			out[i] = filled(items, x[i])
		}
		return out
	}
	return v
}

func filledFields(open, x map[string]any) map[string]any {
	out := maps.Clone(x)
	properties, _ := open["properties"].(map[string]any)
	others, _ := open["additionalProperties"].(map[string]any)
	for name, value := range x {
		below, is := properties[name].(map[string]any)
		if !is {
			below = others
		}
		out[name] = filled(below, value)
	}
	for name, one := range properties {
		below, _ := one.(map[string]any)
		if _, has := x[name]; !has && below["default"] != nil {
			out[name] = filled(below, below["default"])
		}
	}
	return out
}
