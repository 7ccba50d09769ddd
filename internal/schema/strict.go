package schema

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// dropped are the words of OpenAPI that JSON Schema has no use for, and those
// that can't be held to without a server.
var dropped = []string{"description", "default", "example", "externalDocs", "format", "nullable", "title", "$schema", "$id", "id"}

// strict is a schema of OpenAPI as one of JSON Schema that allows no fields but
// those it names, as the server does. The schema itself is not changed.
func strict(open map[string]any) map[string]any {
	out := make(map[string]any, len(open)+1)
	for word, value := range open {
		switch word {
		case "properties", "patternProperties", "definitions":
			out[word] = each(value)
		case "items", "additionalProperties", "not":
			out[word] = below(value)
		case "allOf", "anyOf", "oneOf":
			out[word] = combined(value, open)
		case "$ref":
			name, _ := value.(string)
			out[word] = "#/$defs/" + name[strings.LastIndexByte(name, '/')+1:]
		case "exclusiveMinimum", "exclusiveMaximum":
			exclusive(out, open, word)
		default:
			out[word] = value
		}
	}
	for _, word := range dropped {
		delete(out, word)
	}
	for word := range out {
		if strings.HasPrefix(word, "x-") {
			delete(out, word)
		}
	}
	shut(out, open)
	return out
}

// shut lets no other fields in than those that are named.
func shut(out, open map[string]any) {
	if open["x-kubernetes-int-or-string"] == true {
		delete(out, "type")
		out["type"] = []any{"integer", "string"}
		delete(out, "anyOf")
	}
	if open["x-kubernetes-preserve-unknown-fields"] == true || open["x-kubernetes-embedded-resource"] == true {
		return
	}
	_, named := open["properties"]
	_, more := open["additionalProperties"]
	if named && !more {
		out["additionalProperties"] = false
	}
}

func each(value any) any {
	m, ok := value.(map[string]any)
	if !ok {
		return value
	}
	out := make(map[string]any, len(m))
	for name, one := range m {
		out[name] = below(one)
	}
	return out
}

func below(value any) any {
	if m, ok := value.(map[string]any); ok {
		return strict(m)
	}
	return value
}

// combined are alternatives. They say more about the same fields, so what they
// don't name isn't forbidden by them; what an only one refers to is.
func combined(value any, open map[string]any) any {
	list, ok := value.([]any)
	if !ok {
		return value
	}
	_, alone := open["properties"]
	out := make([]any, 0, len(list))
	for _, one := range list {
		b := below(one)
		if m, is := b.(map[string]any); is && (alone || len(list) > 1) {
			delete(m, "additionalProperties")
		}
		out = append(out, b)
	}
	return out
}

// exclusive turns the flag of OpenAPI 3.0 into the bound of JSON Schema.
func exclusive(out, open map[string]any, word string) {
	flag, isFlag := open[word].(bool)
	if !isFlag {
		out[word] = open[word]
		return
	}
	bound := map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}[word]
	if flag {
		out[word] = open[bound]
	}
}

// whole lets the schema of a CRD have what every object has.
func whole(s map[string]any) map[string]any {
	properties, ok := s["properties"].(map[string]any)
	if !ok {
		return s
	}
	for name, what := range map[string]any{
		"apiVersion": map[string]any{"type": "string"}, "kind": map[string]any{"type": "string"}, "metadata": map[string]any{"type": "object"},
	} {
		if name == "metadata" || properties[name] == nil {
			properties[name] = what
		}
	}
	return s
}

// plain is a value as the library wants it: as it would read it from JSON.
func plain(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(b))
}
