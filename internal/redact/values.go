package redact

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// window is the shortest text that is looked for inside of others. Shorter ones
// would be found everywhere.
const window = 6

// shortest is the shortest text that counts as secret where it stands alone.
const shortest = 4

// Values are texts that are secret wherever they stand, such as what was
// decrypted for a render. The zero Values are none.
type Values struct {
	lines  map[string][]string // by how they begin: what may stand inside of a text
	wholes map[string]bool
}

// NewValues makes Values of secret texts. Of one with several lines each line
// is secret, and so is what base64 makes of them. What has fewer than four
// characters is not looked for: it is no secret that anyone could keep, and
// stands everywhere.
func NewValues(texts []string) Values {
	v := Values{lines: map[string][]string{}, wholes: map[string]bool{}}
	for _, text := range texts {
		for line := range strings.SplitSeq(text, "\n") {
			v.addForms(strings.TrimSpace(line))
		}
		v.addForms(strings.TrimSpace(text))
	}
	return v
}

// addForms adds a text and what it is in base64, wherever it stands in what is
// encoded.
func (v Values) addForms(text string) {
	if v.wholes[text] {
		return
	}
	v.add(text)
	if len(text) < window {
		return
	}
	v.add(base64.StdEncoding.EncodeToString([]byte(text)))
	for before := range 3 {
		v.add(encodedAfter(before, text))
	}
}

// encodedAfter is what of a text's base64 is the same whatever else is encoded
// with it, if so many bytes come before it.
func encodedAfter(before int, text string) string {
	const bits, bitsOfByte = 6, 8 // of a character of base64
	encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", before) + text))
	first := (before*bitsOfByte + bits - 1) / bits
	return encoded[first : (before+len(text))*bitsOfByte/bits]
}

func (v Values) add(text string) {
	if len(text) < shortest || v.wholes[text] {
		return
	}
	v.wholes[text] = true
	if len(text) < window {
		return
	}
	v.lines[text[:window]] = append(v.lines[text[:window]], text)
}

// Empty says whether nothing is secret.
func (v Values) Empty() bool { return len(v.wholes) == 0 }

// In says whether a text is secret, or has something secret in it.
func (v Values) In(text string) bool {
	if v.Empty() {
		return false
	}
	if v.wholes[strings.TrimSpace(text)] {
		return true
	}
	for i := 0; i+window <= len(text); i++ {
		for _, line := range v.lines[text[i:i+window]] {
			if strings.HasPrefix(text[i:], line) {
				return true
			}
		}
	}
	return false
}

// Text is a text without what is secret in it. It takes out parts of secrets as
// well, for libraries cut off what they quote.
func (v Values) Text(text string) string {
	if v.Empty() {
		return text
	}
	hide := v.secretIn(text)
	var out strings.Builder
	for i := range len(text) {
		switch {
		case !hide[i]:
			out.WriteByte(text[i])
		case i == 0 || !hide[i-1]:
			out.WriteString(Hidden("").String())
		}
	}
	return out.String()
}

// secretIn marks the bytes of a text that are part of something secret.
func (v Values) secretIn(text string) []bool {
	hide := make([]bool, len(text))
	at := map[string][]int{} // every part of the text that is window long
	for i := 0; i+window <= len(text); i++ {
		at[text[i:i+window]] = append(at[text[i:i+window]], i)
	}
	for secret := range v.wholes {
		for i := 0; i+window <= len(secret); i++ {
			for _, from := range at[secret[i:i+window]] {
				mark(hide[from : from+window])
			}
		}
		for from := 0; len(secret) < window; {
			i := strings.Index(text[from:], secret)
			if i < 0 {
				break
			}
			mark(hide[from+i : from+i+len(secret)])
			from += i + len(secret)
		}
	}
	return hide
}

func mark(hide []bool) {
	for i := range hide {
		hide[i] = true
	}
}

// maxPointers bounds how many fields are told apart; of more, what is above
// them is hidden.
const maxPointers = 100

// Pointers are the fields of an object that hold something secret, as the
// annotation plumb.dev/sensitive has them. In lists they mean every element:
// which one it is may differ in the cluster. What identifies the object is left
// out.
func (v Values) Pointers(o map[string]any) []string {
	if v.Empty() {
		return nil
	}
	found := map[string]bool{}
	for field, value := range o {
		switch field {
		case "apiVersion", "kind":
		case "metadata":
			metadata, _ := value.(map[string]any)
			for name, inner := range metadata {
				if name != "name" && name != "namespace" {
					v.find(found, "/metadata", name, inner)
				}
			}
		default:
			v.find(found, "", field, value)
		}
	}
	pointers := slices.Sorted(maps.Keys(found))
	if len(pointers) <= maxPointers {
		return pointers
	}
	for i, p := range pointers {
		steps := strings.SplitN(p, "/", 4)
		pointers[i] = strings.Join(steps[:min(len(steps), 2)], "/")
		if steps[1] == "metadata" {
			pointers[i] = strings.Join(steps[:3], "/")
		}
	}
	return slices.Compact(pointers)
}

// find notes where in what is below a key something secret stands.
func (v Values) find(found map[string]bool, at, key string, value any) {
	if v.In(key) || strings.ContainsAny(key, ", \t\r\n") && v.within(value) {
		found[at] = true // a pointer can't have such a key in it
		return
	}
	at += "/" + escape(key)
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			v.find(found, at, name, inner)
		}
	case []any:
		for _, inner := range value {
			v.find(found, at, "*", inner)
		}
	case nil, bool:
	default:
		if v.In(written(value)) {
			found[at] = true
		}
	}
}

// within says whether something secret is anywhere in a value.
func (v Values) within(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			if v.In(name) || v.within(inner) {
				return true
			}
		}
		return false
	case []any:
		return slices.ContainsFunc(value, v.within)
	case nil, bool:
		return false
	}
	return v.In(written(value))
}

// written is a scalar as people write it.
func written(scalar any) string {
	if f, isFloat := scalar.(float64); isFloat {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(scalar)
}
