package plan

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/redact"
)

// mostOfValue bounds how many bytes of one value a plan holds.
const mostOfValue = 8 << 10

// Shown is the Value of something that went through a redact.Mask. What is long
// is cut.
func Shown(v any) *Value {
	if h, ok := v.(redact.Hidden); ok {
		return &Value{Hidden: h.String()}
	}
	if text, ok := v.(string); ok {
		kept := cutBytes(text, mostOfValue)
		return &Value{Content: kept, Cut: len(text) - len(kept)}
	}
	if text, err := json.Marshal(v); err == nil && len(text) > mostOfValue {
		kept := cutBytes(string(text), mostOfValue)
		return &Value{Content: kept, Cut: len(text) - len(kept)}
	}
	return &Value{Content: v}
}

// shownPair is Shown for what was and what will be. Of two long texts, what
// both begin and end with is left out, so that the difference isn't cut away.
func shownPair(before, after any) (b, a *Value) {
	textBefore, ok := before.(string)
	textAfter, both := after.(string)
	if !ok || !both || max(len(textBefore), len(textAfter)) <= mostOfValue {
		return Shown(before), Shown(after)
	}
	head := commonLines(textBefore, textAfter)
	tail := commonTail(textBefore[head:], textAfter[head:])
	b, a = Shown(textBefore[head:len(textBefore)-tail]), Shown(textAfter[head:len(textAfter)-tail])
	b.Cut += head + tail
	a.Cut += head + tail
	return b, a
}

// commonLines is how many bytes two texts have in common at their beginning, in
// whole lines.
func commonLines(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return strings.LastIndexByte(a[:n], '\n') + 1
}

// commonTail is the same at their end.
func commonTail(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	if line := strings.IndexByte(a[len(a)-n:], '\n'); line >= 0 {
		return n - line - 1
	}
	return 0
}

// cutBytes is the beginning of a text, never half a character.
func cutBytes(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// asYAML is how a value is written for people.
func asYAML(v any) string {
	out, err := yaml.Marshal(v)
	if err != nil {
		return compact(v)
	}
	return string(out)
}

// sizeOf is about how many bytes a value takes.
func sizeOf(v *Value) int {
	if v == nil {
		return 0
	}
	return len(v.Hidden) + sizeOfContent(v.Content)
}

func sizeOfContent(content any) int {
	const some = 8
	size := some
	switch c := content.(type) {
	case string:
		size += len(c)
	case []any:
		for _, e := range c {
			size += sizeOfContent(e)
		}
	case map[string]any:
		for name, e := range c {
			size += len(name) + sizeOfContent(e)
		}
	}
	return size
}
