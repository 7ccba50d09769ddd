package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
)

// KeySize is how many random bytes a key should have.
const KeySize = 32

// Redactor hides what must not be shown. The zero Redactor hides the same as
// any other, but has no key: its hidden values all look alike. It may be copied
// and used concurrently.
type Redactor struct {
	key    []byte
	rules  []v1alpha1.Sensitive
	across bool
}

// New makes a Redactor with a key, which has to be kept as secret as what is hidden.
func New(key []byte) Redactor { return Redactor{key: slices.Clone(key)} }

// With hides what an App's rules mark, too. In their pointers, * is every
// element of a list or map.
func (r Redactor) With(rules ...v1alpha1.Sensitive) Redactor {
	r.rules = append(slices.Clip(slices.Clone(r.rules)), rules...)
	return r
}

// Across gives equal values in objects that differ only by their namespace
// equal texts, for comparing one environment with another.
func (r Redactor) Across() Redactor {
	r.across = true
	return r
}

// Hidden stands for a value that isn't shown.
type Hidden string

// hiddenIs is how the text of a hidden value begins. It is no base64, so a
// Secret that is shown can't be applied by mistake in place of the real one.
const hiddenIs = "<hidden"

// String is how it is written among values that are shown.
func (h Hidden) String() string {
	if h == "" {
		return hiddenIs + ">"
	}
	return hiddenIs + " " + string(h) + ">"
}

// MarshalText is String, for JSON.
func (h Hidden) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// fingerprintSize is how many bytes of a hidden value's code are shown: enough
// to tell a change, few enough to read.
const fingerprintSize = 6

// hide is what stands for a value at a place.
func (r Redactor) hide(place string, value any) Hidden {
	if len(r.key) == 0 {
		return ""
	}
	return Hidden(r.code("value", place, value)[:2*fingerprintSize])
}

// code is a keyed code of a value, as hex. What it is for and the place keep
// equal values apart that are to be told apart.
func (r Redactor) code(purpose, place string, value any) string {
	text, err := json.Marshal(value) // map keys come out sorted
	if err != nil {
		text = nil // what came as JSON always marshals
	}
	of := hmac.New(sha256.New, r.key)
	for _, part := range []string{"plumb.dev/redact/v1", purpose, place, string(text)} {
		of.Write(lengthOf(part))
		of.Write([]byte(part))
	}
	return hex.EncodeToString(of.Sum(nil))
}

// lengthOf keeps what is hashed in a row apart.
func lengthOf(s string) []byte {
	n := uint64(len(s))
	return []byte{byte(n >> 56), byte(n >> 48), byte(n >> 40), byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

// Of is the mask for one object in all the forms that are to be shown
// together, such as live and desired: what any of them marks as sensitive is
// hidden in all of them.
func (r Redactor) Of(forms ...map[string]any) Mask {
	m := Mask{redactor: r}
	var key object.Key
	for _, o := range forms {
		if o == nil {
			continue
		}
		if key.Kind == "" {
			key = keyOf(o)
		}
		m.secret = m.secret || isSecret(o)
		m.pointers = append(m.pointers, r.marked(o)...)
	}
	if r.across {
		key.Namespace = ""
	}
	m.place = key.ID()
	return m
}

// marked are the fields that an object's annotation or a rule marks.
func (r Redactor) marked(o map[string]any) (pointers [][]string) {
	metadata, _ := o["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	text, _ := annotations[object.AnnotationSensitive].(string)
	for pointer := range strings.SplitSeq(text, ",") {
		pointers = appendPointer(pointers, pointer)
	}
	for _, rule := range r.rules {
		if rule.Kind != o["kind"] || rule.Name != "" && rule.Name != metadata["name"] {
			continue
		}
		for _, pointer := range rule.Fields {
			pointers = appendPointer(pointers, pointer)
		}
	}
	return pointers
}

// appendPointer reads a JSON pointer. One without its leading slash is taken
// as meant: too much is hidden sooner than too little.
func appendPointer(pointers [][]string, pointer string) [][]string {
	pointer = strings.TrimPrefix(strings.TrimSpace(pointer), "/")
	if pointer == "" {
		return pointers
	}
	steps := strings.Split(pointer, "/")
	for i, s := range steps {
		steps[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
	}
	return append(pointers, steps)
}

func isSecret(o map[string]any) bool {
	version, _ := o["apiVersion"].(string)
	return o["kind"] == "Secret" && !strings.Contains(version, "/")
}

func keyOf(o map[string]any) object.Key {
	var k object.Key
	version, _ := o["apiVersion"].(string)
	if group, _, grouped := strings.Cut(version, "/"); grouped {
		k.Group = group
	}
	k.Kind, _ = o["kind"].(string)
	metadata, _ := o["metadata"].(map[string]any)
	k.Name, _ = metadata["name"].(string)
	k.Namespace, _ = metadata["namespace"].(string)
	return k
}
