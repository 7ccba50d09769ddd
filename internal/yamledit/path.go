package yamledit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Path leads from the top of a document to a value in it.
type Path []Step

// Step leads to a value directly below another. One of its forms is used: an
// element's Match, or a Key, or an index.
type Step struct {
	// Key is the key of a mapping. In a list, a number is an index.
	Key string
	// Match tells the element of a list by what it holds.
	Match []Match
}

// Match is what an element is known by: one of its fields, or, where no field
// is named, all of it.
type Match struct {
	Field string
	Value any
}

// Keys is the path of these keys and indexes.
func Keys(keys ...string) Path {
	p := make(Path, len(keys))
	for i, k := range keys {
		p[i] = Step{Key: k}
	}
	return p
}

// Element is the step to the element of a list whose field has this value, such
// as the container whose name is web.
func Element(field string, value any) Step {
	return Step{Match: []Match{{Field: field, Value: value}}}
}

// Pointer reads a JSON pointer, such as /spec/template/spec/containers/0/image.
func Pointer(p string) (Path, error) {
	if p == "" {
		return nil, nil
	}
	if !strings.HasPrefix(p, "/") {
		return nil, fmt.Errorf("%q is no JSON pointer: it has to begin with /", p)
	}
	var path Path
	for key := range strings.SplitSeq(p[1:], "/") {
		path = append(path, Step{Key: strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")})
	}
	return path, nil
}

// Then is the path with more steps behind it. It shares nothing with p.
func (p Path) Then(steps ...Step) Path { return append(slices.Clip(slices.Clone(p)), steps...) }

// String is the path as people write it, and as field managers' entries do:
// spec.template.spec.containers[name="web"].image.
func (p Path) String() string {
	var b strings.Builder
	for _, s := range p {
		b.WriteString(s.String())
	}
	return strings.TrimPrefix(b.String(), ".")
}

// String is the step as part of a path.
func (s Step) String() string {
	if s.Match == nil {
		return "." + s.Key
	}
	parts := make([]string, len(s.Match))
	for i, m := range s.Match {
		v, err := json.Marshal(m.Value)
		if err != nil {
			v = fmt.Append(nil, m.Value)
		}
		parts[i] = m.Field + "=" + string(v)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// index is the step as an index into a list of n elements, or false. A dash is
// the place behind the last one, as in JSON patches.
func (s Step) index(n int) (int, bool) {
	if s.Match != nil {
		return 0, false
	}
	if s.Key == "-" {
		return n, true
	}
	i, err := strconv.Atoi(s.Key)
	return i, err == nil && i >= 0
}

// matches says whether an element, with aliases resolved, is the one.
func (s Step) matches(element *yaml.Node) bool {
	found := false
	for _, m := range s.Match {
		if m.Field == "" {
			return element.Kind == yaml.ScalarNode && element.Value == fmt.Sprint(m.Value)
		}
		_, v := entry(element, m.Field)
		v = resolved(v)
		switch {
		case v == nil && isDefault(m):
		case v == nil || v.Kind != yaml.ScalarNode || v.Value != fmt.Sprint(m.Value):
			return false
		default:
			found = true
		}
	}
	return found
}

// isDefault says whether API servers give a field that elements are known by
// this value where none is written, as they do for the protocol of a port.
func isDefault(m Match) bool { return m.Field == "protocol" && m.Value == "TCP" }

// made is the element that the step looks for, as it has to be added.
func (s Step) made() any {
	element := map[string]any{}
	for _, m := range s.Match {
		if m.Field == "" {
			return m.Value
		}
		if !isDefault(m) {
			element[m.Field] = m.Value
		}
	}
	return element
}
