package redact

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"plumb.dev/plumb/internal/object"
)

// Mask knows what of one object is hidden.
type Mask struct {
	redactor Redactor
	place    string // which object, for the codes of its hidden values
	secret   bool
	pointers [][]string
}

// Hides says whether the object has fields that are hidden whatever they hold.
// Then nobody's message that quotes it may be shown either.
func (m Mask) Hides() bool { return m.secret || len(m.pointers) > 0 }

// Show is a copy of an object in which each value that must not be shown is
// Hidden, or a text in which it is blanked. A Secret's stringData is shown as
// data, which is where the API server puts it.
func (m Mask) Show(o map[string]any) map[string]any {
	if o == nil {
		return nil
	}
	if m.secret {
		o = m.showSecret(o)
	}
	shown, _ := m.show("", o, m.pointers).(map[string]any)
	return shown
}

// Text is a text about the object, less credentials in it.
func (m Mask) Text(s string) string { return m.text("", s) }

// Digest binds content of the object without telling it: equal content has
// equal digests. It is keyed where something is hidden, so that nobody finds a
// hidden value by trying which one gives the digest; else it is the same in
// every process.
func (m Mask) Digest(content any) string {
	r := m.redactor
	if !m.Hides() && !holdsHidden(m.show("", content, nil)) {
		r.key = nil
	}
	return r.code("digest", m.place, content)
}

// holdsHidden says whether something in a value that may be shown was hidden.
func holdsHidden(shown any) bool {
	switch v := shown.(type) {
	case Hidden:
		return true
	case string:
		return strings.Contains(v, hiddenIs)
	case []any:
		return slices.ContainsFunc(v, holdsHidden)
	case map[string]any:
		for name, inner := range v {
			if holdsHidden(name) || holdsHidden(inner) {
				return true
			}
		}
	}
	return false
}

// show copies a value. steps are the rest of the pointers that lead below it.
func (m Mask) show(at string, value any, steps [][]string) any {
	switch v := value.(type) {
	case Hidden:
		return v
	case string:
		text := m.text(at, v)
		if at == lastApplied || text != v && isWhole(text) {
			return m.hide(at, v)
		}
		return text
	case map[string]any:
		shown := make(map[string]any, len(v))
		for name, inner := range v {
			shown[m.text(at, name)] = m.showBelow(at+"/"+escape(name), name, inner, steps)
		}
		return shown
	case []any:
		shown := make([]any, len(v))
		for i, inner := range v {
			// Without its place: an element that only moves keeps its text.
			shown[i] = m.showBelow(at+"/*", strconv.Itoa(i), inner, steps)
		}
		return shown
	default:
		return value
	}
}

// showBelow copies what is one step down, or hides it if a pointer ends there.
func (m Mask) showBelow(at, step string, value any, steps [][]string) any {
	var below [][]string
	for _, s := range steps {
		if s[0] != step && s[0] != "*" {
			continue
		}
		if len(s) == 1 {
			return m.hide(at, value)
		}
		below = append(below, s[1:])
	}
	return m.show(at, value, below)
}

func (m Mask) hide(at string, value any) any {
	if h, ok := value.(Hidden); ok {
		return h
	}
	return m.redactor.hide(m.place+at, value)
}

// lastApplied is where kubectl keeps a copy of the object as it once was.
// Nobody can tell any more what was to be hidden then.
const lastApplied = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"

func escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// isWhole says whether nothing of a text is left but what stands for a hidden value.
func isWhole(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, hiddenIs) && strings.IndexByte(text, '>') == len(text)-1
}

// plainFields are the fields of a Secret that hold no value of it.
var plainFields = []string{"apiVersion", "kind", "type", "immutable"}

// showSecret shows what a Secret is and which values it has. What else there
// is, such as a misspelt field or an annotation with a copy, is told by its
// name alone.
func (m Mask) showSecret(o map[string]any) map[string]any {
	shown, data := map[string]any{}, map[string]any{}
	for field, content := range o {
		switch {
		case slices.Contains(plainFields, field):
			shown[field] = m.plain("/"+field, content)
		case field == "metadata":
			shown[field] = m.secretMetadata(content)
		case field == "data" || field == "stringData":
		default:
			shown[field] = m.hide("/"+field, content)
		}
	}
	m.hideValues(data, o["data"], func(v any) any { return v })
	m.hideValues(data, o["stringData"], encoded) // which wins, as at the server
	if len(data) > 0 {
		shown["data"] = data
	}
	return shown
}

// plain shows what is no more than a word or a switch, as these fields are.
func (m Mask) plain(at string, value any) any {
	switch v := value.(type) {
	case string:
		return m.text(at, v)
	case bool, nil:
		return v
	default:
		return m.hide(at, v)
	}
}

// hideValues hides the values of a Secret one by one, each as it would be stored.
func (m Mask) hideValues(shown map[string]any, content any, stored func(any) any) {
	values, ok := content.(map[string]any)
	if !ok && content != nil {
		shown[Hidden("").String()] = m.hide("/data", content) // not even a map: nothing of it is shown
	}
	for name, value := range values {
		shown[name] = m.hide("/data/"+escape(name), stored(value))
	}
}

func encoded(value any) any {
	if text, ok := value.(string); ok {
		return base64.StdEncoding.EncodeToString([]byte(text))
	}
	return value
}

// secretMetadata shows a Secret's names and labels, and of the annotations ours.
func (m Mask) secretMetadata(content any) any {
	const at = "/metadata"
	metadata, ok := content.(map[string]any)
	if !ok {
		return m.hide(at, content)
	}
	shown := map[string]any{}
	for field, value := range metadata {
		switch field {
		case "name", "namespace":
			shown[field] = m.plain(at+"/"+field, value)
		case "labels":
			shown[field] = m.secretMarks(at+"/labels", value, func(string) bool { return true })
		case "annotations":
			shown[field] = m.secretMarks(at+"/annotations", value, func(name string) bool { return strings.HasPrefix(name, object.Domain+"/") })
		default:
			shown[field] = m.hide(at+"/"+field, value)
		}
	}
	return shown
}

// secretMarks shows those of a Secret's labels or annotations that may be.
func (m Mask) secretMarks(at string, content any, may func(name string) bool) any {
	marks, ok := content.(map[string]any)
	if !ok {
		return m.hide(at, content)
	}
	shown := map[string]any{}
	for name, value := range marks {
		if text, isText := value.(string); isText && may(name) {
			shown[name] = m.text(at+"/"+escape(name), text)
		} else {
			shown[name] = m.hide(at+"/"+escape(name), value)
		}
	}
	return shown
}
