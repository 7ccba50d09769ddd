package yamledit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	yamlv2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"
)

// errValues is that a document is too large with its aliases written out.
var errValues = fmt.Errorf("the aliases of the document make it larger than %d values, or loop", MaxValues)

// weigh counts the values of a document whose aliases are written out. It
// visits each value once, and refuses a loop.
func weigh(n *yaml.Node, known map[*yaml.Node]int) (int, error) {
	const underway = -1
	if n.Kind == yaml.AliasNode {
		return weigh(n.Alias, known)
	}
	if sum, ok := known[n]; ok {
		if sum == underway {
			return 0, errValues
		}
		return sum, nil
	}
	known[n] = underway
	sum := 1
	for _, below := range n.Content {
		more, err := weigh(below, known)
		if err != nil {
			return 0, err
		}
		if sum += more; sum > MaxValues {
			return 0, errValues
		}
	}
	known[n] = sum
	return sum, nil
}

// decodeNode is a value as kustomize would read it, with aliases written out.
func decodeNode(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.AliasNode:
		return decodeNode(n.Alias)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, below := range n.Content {
			var err error
			if list[i], err = decodeNode(below); err != nil {
				return nil, err
			}
		}
		return list, nil
	case yaml.MappingNode:
		return decodeMapping(n)
	}
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, errors.New("a value doesn't fit its tag")
	}
	if _, isTime := v.(time.Time); isTime {
		return n.Value, nil
	}
	return normal(v)
}

func decodeMapping(n *yaml.Node) (any, error) {
	m := make(map[string]any, len(n.Content)/2)
	var taken []map[string]any
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		v, err := decodeNode(n.Content[i+1])
		switch {
		case err != nil:
			return nil, err
		case key.Tag == "!!merge":
			taken = append(taken, mergeable(v)...)
			continue
		}
		if key = resolved(key); key.Kind != yaml.ScalarNode {
			return nil, errors.New("a key is not text")
		}
		if _, twice := m[key.Value]; twice {
			return nil, errors.New("a key is given twice")
		}
		m[key.Value] = v
	}
	for _, from := range taken {
		for k, v := range from {
			if _, own := m[k]; !own {
				m[k] = v
			}
		}
	}
	return m, nil
}

// mergeable are the mappings that a merge key's value stands for.
func mergeable(v any) []map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return []map[string]any{v}
	case []any:
		var all []map[string]any
		for _, one := range v {
			all = append(all, mergeable(one)...)
		}
		return all
	}
	return nil
}

// decodeText is a document as kubectl reads it.
func decodeText(text []byte, isJSON bool) (any, error) {
	var v any
	if !isJSON {
		if err := yamlv2.Unmarshal(text, &v); err != nil {
			return nil, errors.New("is not valid YAML")
		}
		return normal(v)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, errors.New("is not valid JSON")
	}
	return normal(v)
}

// normal is a value in the types that Place.Value has. Numbers that are equal
// come out equal.
func normal(v any) (any, error) {
	switch v := v.(type) {
	case nil, string, bool, int64:
		return v, nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint64:
		return number(float64(v)), nil
	case float64:
		return number(v), nil
	case json.Number:
		return jsonNumber(v)
	case []any:
		return normalList(v)
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, below := range v {
			var err error
			if m[k], err = normal(below); err != nil {
				return nil, err
			}
		}
		return m, nil
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, below := range v {
			var err error
			if m[fmt.Sprint(k)], err = normal(below); err != nil {
				return nil, err
			}
		}
		return m, nil
	}
	return nil, fmt.Errorf("a %T can't be written as YAML", v)
}

func normalList(v []any) (any, error) {
	list := make([]any, len(v))
	for i, below := range v {
		var err error
		if list[i], err = normal(below); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func jsonNumber(n json.Number) (any, error) {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i, nil
	}
	f, err := n.Float64()
	return number(f), err
}

// number is a float, or the whole number that it is.
func number(f float64) any {
	const limit = 1 << 63
	if f == math.Trunc(f) && f >= -limit && f < limit {
		return int64(f)
	}
	return f
}

// equal compares normal values.
func equal(a, b any) bool { return reflect.DeepEqual(a, b) }

// verb is what is done to the value at a path.
type verb int

const (
	put    verb = iota // set it, or add it to its mapping
	insert             // add it to its list, before the element that is there
	drop               // take it away
)

// change is one small edit: of one value, addressed by keys and indexes from
// the top of the document's text.
type change struct {
	verb  verb
	at    Path
	value any
}

// on is what a value is after the change. It shares what stays the same.
func (c change) on(v any) (any, error) {
	if len(c.at) == 0 {
		return c.value, nil
	}
	rest := c
	rest.at = c.at[1:]
	if list, isList := v.([]any); isList {
		return rest.onList(list, c.at[0])
	}
	m, isMap := v.(map[string]any)
	if v != nil && !isMap {
		return nil, errPlace
	}
	out := maps.Clone(m)
	if out == nil {
		out = map[string]any{}
	}
	key := c.at[0].Key
	if len(rest.at) == 0 && c.verb == drop {
		delete(out, key)
		return out, nil
	}
	below, err := rest.on(m[key])
	out[key] = below
	return out, err
}

func (c change) onList(list []any, s Step) (any, error) {
	i, ok := s.index(len(list))
	isLast := len(c.at) == 0
	switch {
	case !ok || i > len(list) || i == len(list) && c.verb == drop:
		return nil, errPlace
	case isLast && c.verb == drop:
		return slices.Delete(slices.Clone(list), i, i+1), nil
	case isLast && (c.verb == insert || i == len(list)):
		return slices.Insert(slices.Clone(list), i, c.value), nil
	case i == len(list):
		return nil, errPlace
	}
	below, err := c.on(list[i])
	out := slices.Clone(list)
	out[i] = below
	return out, err
}
