package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v2"
)

// decodeYAML reads one YAML document. It is nil where the document is null.
//
// The library and its version are those that kubectl uses: it takes yes and on
// for booleans and 0644 for an octal number, as YAML 1.1 says.
func decodeYAML(c chunk) (map[string]any, error) {
	if err := checkExpansion(c); err != nil {
		return nil, err
	}
	// Merged keys may be given again, which the library's strictness refuses.
	merges := bytes.Contains(c.text, []byte("<<"))
	d := yaml.NewDecoder(bytes.NewReader(c.text))
	d.SetStrict(!merges)
	var v any
	if err := d.Decode(&v); err != nil && !errors.Is(err, io.EOF) {
		return nil, yamlError(c, err)
	}
	if merges {
		if err := checkKeys(c); err != nil {
			return nil, err
		}
	}
	if err := checkEnd(c, d); err != nil {
		return nil, err
	}
	return mapping(c, v)
}

// checkEnd refuses what follows the end of a document without parting from it.
func checkEnd(c chunk, d *yaml.Decoder) error {
	var rest any
	err := d.Decode(&rest)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		err = errors.New("the document ends, and something else follows")
	}
	e := yamlError(c, err)
	e.Do = "check the indentation, and put --- between documents"
	return e
}

// mapping is a decoded document as a mapping of strings.
func mapping(c chunk, v any) (map[string]any, error) {
	if v == nil {
		return nil, nil
	}
	converted, err := convert(v, 1)
	if err != nil {
		return nil, &Error{Origin: c.origin(locate(c.text, err.keys())), What: err.what, Do: err.do}
	}
	m, isMap := converted.(map[string]any)
	if !isMap {
		return nil, &Error{
			Origin: c.origin(1),
			What:   "the document is " + kindOf(converted) + ", not a mapping with apiVersion and kind",
			Do:     "make it a Kubernetes object, or keep the file out of the folder",
		}
	}
	return m, nil
}

func kindOf(v any) string {
	switch v.(type) {
	case []any:
		return "a list"
	case string:
		return "a text"
	case bool:
		return "a boolean"
	}
	return "a number"
}

// valueError is a value that Kubernetes knows no form of.
type valueError struct {
	path     []string // the keys that lead to it, innermost first
	what, do string
}

// keys is the path, outermost first.
func (e *valueError) keys() []string {
	keys := make([]string, 0, len(e.path))
	for i := len(e.path) - 1; i >= 0; i-- {
		keys = append(keys, e.path[i])
	}
	return keys
}

// before orders the errors of one mapping by its keys.
func (e *valueError) before(other *valueError) bool {
	return slices.Compare(e.keys(), other.keys()) < 0
}

// under adds the key that an error was found below.
func under(key string, err *valueError) *valueError {
	err.path = append(err.path, key)
	return err
}

// convert turns what the YAML library yields into what unstructured objects
// hold, in the way that a detour through JSON would.
func convert(v any, depth int) (any, *valueError) {
	if depth > MaxDepth {
		return nil, &valueError{what: fmt.Sprintf("values nest more than %d deep", MaxDepth), do: "keep the file out of the folder"}
	}
	switch v := v.(type) {
	case nil, string, bool, int64:
		return v, nil
	case int:
		return int64(v), nil
	case uint64:
		return float64(v), nil // it is above what int64 holds, or it would be an int
	case float64:
		return number(v)
	case []any:
		return convertList(v, depth)
	case map[any]any:
		return convertMap(v, depth)
	}
	return nil, &valueError{what: fmt.Sprintf("%v is neither text, number, boolean, list nor mapping", v), do: "quote it"}
}

func convertList(v []any, depth int) (any, *valueError) {
	for i, item := range v {
		converted, err := convert(item, depth+1)
		if err != nil {
			return nil, under(strconv.Itoa(i), err)
		}
		v[i] = converted
	}
	return v, nil
}

func convertMap(v map[any]any, depth int) (any, *valueError) {
	out := make(map[string]any, len(v))
	var first *valueError // by key, for a message that stays the same
	for k, item := range v {
		name, err := key(k)
		if err == nil {
			if _, twice := out[name]; twice {
				err = &valueError{what: fmt.Sprintf("the key %q is given twice", name), do: "keep one of them"}
			} else {
				out[name], err = convert(item, depth+1)
			}
			if err != nil {
				err = under(name, err)
			}
		}
		if err != nil && (first == nil || err.before(first)) {
			first = err
		}
	}
	if first != nil {
		return nil, first
	}
	return out, nil
}

// key is a mapping's key as text. Numbers and booleans are taken for their
// text, as kubectl does: the keys of a ConfigMap are often written as numbers.
func key(k any) (string, *valueError) {
	switch k := k.(type) {
	case string:
		return k, nil
	case int:
		return strconv.Itoa(k), nil
	case int64:
		return strconv.FormatInt(k, 10), nil
	case uint64:
		return strconv.FormatUint(k, 10), nil
	case bool:
		return strconv.FormatBool(k), nil
	case float64:
		return floatKey(k), nil
	}
	return "", &valueError{what: fmt.Sprintf("the key %v is not text", shownKey(k)), do: "quote it"}
}

func floatKey(f float64) string {
	switch s := strconv.FormatFloat(f, 'g', -1, 32); s {
	case "+Inf":
		return ".inf"
	case "-Inf":
		return "-.inf"
	case "NaN":
		return ".nan"
	default:
		return s
	}
}

func shownKey(k any) any {
	if k == nil {
		return "null"
	}
	return k
}

// number is a float as JSON would carry it: a whole number that int64 holds
// becomes one.
func number(f float64) (any, *valueError) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, &valueError{what: fmt.Sprintf("the number %v can't be given to an API server", f), do: "quote it if it is meant as text"}
	}
	const limit = 1 << 63
	if f == math.Trunc(f) && f >= -limit && f < limit {
		return int64(f), nil
	}
	return f, nil
}
