package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	kjson "sigs.k8s.io/json"
)

// splitJSON cuts a file of one or more JSON values into them. It says false
// where the file isn't JSON; then it may still be YAML, which can look alike.
func splitJSON(file string, data []byte) ([]chunk, bool) {
	if first := bytes.TrimLeft(data, " \t\r\n"); len(first) == 0 || first[0] != '{' {
		return nil, false
	}
	var chunks []chunk
	d := json.NewDecoder(bytes.NewReader(data))
	line, counted := 1, 0
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, false
		}
		start := int(d.InputOffset()) - len(raw)
		line += bytes.Count(data[counted:start], []byte("\n"))
		counted = start
		chunks = append(chunks, chunk{file: file, line: line, text: raw})
	}
	return chunks, len(bytes.TrimSpace(data[d.InputOffset():])) == 0
}

// decodeJSON reads one JSON value, which is valid JSON.
func decodeJSON(c chunk) (map[string]any, error) {
	fail := func(line int, what, do string) error {
		return &Error{Origin: c.origin(line), What: what, Do: do}
	}
	if depth(c.text) > MaxDepth {
		return nil, fail(1, fmt.Sprintf("values nest more than %d deep", MaxDepth), "keep the file out of the folder")
	}
	var m map[string]any
	strict, err := kjson.UnmarshalStrict(c.text, &m, kjson.DisallowDuplicateFields)
	if err != nil {
		return nil, fail(1, "is not a JSON object: "+err.Error(), "make it a Kubernetes object, or keep the file out of the folder")
	}
	if len(strict) > 0 {
		return nil, fail(duplicateLine(c, strict[0]), strict[0].Error(), "keep one of them")
	}
	return m, nil
}

// duplicateLine is the line, in the chunk, of a key that is given twice.
func duplicateLine(c chunk, err error) int {
	var field kjson.FieldError
	if !errors.As(err, &field) {
		return 1
	}
	return locate(c.text, fieldKeys(field.FieldPath()))
}

// fieldKeys are the keys and indexes of a path such as spec.ports[1].name. Keys
// with dots in them come out apart, so it is for finding a line only.
func fieldKeys(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' || r == '"' })
}

// depth is how deep the brackets of valid JSON nest.
func depth(text []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{' || b == '[':
			now++
			deepest = max(deepest, now)
		case b == '}' || b == ']':
			now--
		}
	}
	return deepest
}
