package origin

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"

	"plumb.dev/plumb/internal/yamledit"
)

// Lookup is the value that a path leads to in an object's content, with the
// path as plain keys and indexes.
func Lookup(content any, path yamledit.Path) (value any, keys []string, found bool) {
	for _, s := range path {
		key, next, ok := step(content, s)
		if !ok {
			return nil, nil, false
		}
		content, keys = next, append(keys, key)
	}
	return content, keys, true
}

// step is one step of a Lookup.
func step(v any, s yamledit.Step) (key string, next any, found bool) {
	switch v := v.(type) {
	case map[string]any:
		next, found = v[s.Key]
		return s.Key, next, found && s.Match == nil
	case []any:
		i, err := strconv.Atoi(s.Key)
		if s.Match != nil {
			i, err = slices.IndexFunc(v, func(e any) bool { return matches(e, s.Match) }), nil
		}
		if err != nil || i < 0 || i >= len(v) {
			return "", nil, false
		}
		return strconv.Itoa(i), v[i], true
	}
	return "", nil, false
}

// matches says whether a list's element is the one that is looked for. API
// servers give a port the protocol TCP where none is written.
func matches(element any, known []yamledit.Match) bool {
	fields, isMap := element.(map[string]any)
	for _, m := range known {
		have := element
		if m.Field != "" {
			have = fields[m.Field]
		}
		switch {
		case m.Field != "" && !isMap:
			return false
		case have == nil && m.Field == "protocol" && m.Value == "TCP":
		case fmt.Sprint(have) != fmt.Sprint(m.Value):
			return false
		}
	}
	return true
}

// Put is content with a value at a path; what leads there is made. The absence
// of a value takes it away. Content itself isn't changed.
func Put(content any, path yamledit.Path, value any, present bool) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	last := len(path) == 1
	if list, isList := content.([]any); isList {
		key, below, found := step(list, path[0])
		i, _ := strconv.Atoi(key)
		switch {
		case !found && present && path[0].Match != nil:
			return append(slices.Clone(list), element(path[0], value)), nil
		case !found:
			return nil, fmt.Errorf("%s isn't there", path)
		case last && !present:
			return slices.Delete(slices.Clone(list), i, i+1), nil
		}
		made, err := Put(below, path[1:], value, present)
		out := slices.Clone(list)
		out[i] = made
		return out, err
	}
	fields, isMap := content.(map[string]any)
	if content != nil && !isMap || path[0].Match != nil {
		return nil, fmt.Errorf("%s can't be there", path)
	}
	out := maps.Clone(fields)
	if out == nil {
		out = map[string]any{}
	}
	if last && !present {
		delete(out, path[0].Key)
		return out, nil
	}
	made, err := Put(out[path[0].Key], path[1:], value, present)
	out[path[0].Key] = made
	return out, err
}

// element is what is added for an element that isn't there.
func element(s yamledit.Step, value any) any {
	fields, isMap := value.(map[string]any)
	if !isMap {
		return value
	}
	out := maps.Clone(fields)
	for _, m := range s.Match {
		if m.Field != "" && out[m.Field] == nil && !(m.Field == "protocol" && m.Value == "TCP") {
			out[m.Field] = m.Value
		}
	}
	return out
}

// Equal says whether two values are the same, whatever types their numbers have.
func Equal(a, b any) bool { return reflect.DeepEqual(plain(a), plain(b)) }

// plain is a value with one type for each number.
func plain(v any) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int32:
		return int64(v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<62 {
			return int64(v)
		}
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case []any:
		out := make([]any, len(v))
		for i, below := range v {
			out[i] = plain(below)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, below := range v {
			out[k] = plain(below)
		}
		return out
	}
	return v
}
