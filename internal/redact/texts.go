package redact

import (
	"encoding/base64"
	"strconv"
)

// Texts are the texts of an object that must not be shown, as a program that is
// given them would print them: for NewValues.
func (m Mask) Texts(o map[string]any) (texts []string) {
	if isSecret(o) {
		texts = textsOf(o["stringData"], texts)
		data, _ := o["data"].(map[string]any)
		for _, value := range data {
			text, _ := value.(string)
			if plain, err := base64.StdEncoding.DecodeString(text); err == nil {
				texts = append(texts, string(plain), text)
			}
		}
	}
	for _, steps := range m.pointers {
		texts = textsAt(o, steps, texts)
	}
	return texts
}

// textsAt adds the texts that a pointer leads to.
func textsAt(value any, steps, texts []string) []string {
	if len(steps) == 0 {
		return textsOf(value, texts)
	}
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if steps[0] == name || steps[0] == "*" {
				texts = textsAt(inner, steps[1:], texts)
			}
		}
	case []any:
		for i, inner := range v {
			if steps[0] == strconv.Itoa(i) || steps[0] == "*" {
				texts = textsAt(inner, steps[1:], texts)
			}
		}
	}
	return texts
}

// textsOf adds all texts of a value.
func textsOf(value any, texts []string) []string {
	switch v := value.(type) {
	case string:
		return append(texts, v)
	case map[string]any:
		for _, inner := range v {
			texts = textsOf(inner, texts)
		}
	case []any:
		for _, inner := range v {
			texts = textsOf(inner, texts)
		}
	}
	return texts
}
