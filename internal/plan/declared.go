package plan

// AsDeclared is what the server made of something declared, without what it
// adds: its defaults would hide what people wrote.
func AsDeclared(declared, made any) any {
	switch d := declared.(type) {
	case map[string]any:
		m, ok := made.(map[string]any)
		if !ok {
			return made
		}
		out := make(map[string]any, len(d))
		for name, value := range d {
			if of, there := m[name]; there {
				out[name] = AsDeclared(value, of)
			}
		}
		return out
	case []any:
		list, ok := made.([]any)
		if !ok || len(list) != len(d) {
			return made
		}
		out := make([]any, len(d))
		for i := range d {
			out[i] = AsDeclared(d[i], list[i])
		}
		return out
	default:
		return made
	}
}
