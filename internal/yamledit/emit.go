package yamledit

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	yamlv2 "go.yaml.in/yaml/v2"
	"go.yaml.in/yaml/v3"
)

// writer writes values in the manner of a document.
type writer struct {
	json  bool
	quote byte   // the quotes that it uses most
	step  int    // how far a mapping is indented below its key
	list  int    // how far the dashes of a list are
	eol   string // its line break
	flow  bool   // within brackets
}

// manner is how a document is written.
func (t *tree) manner() writer {
	w := writer{json: t.json, quote: '"', step: 2, eol: lineBreak(t.text), flow: t.json}
	single, double := 0, 0
	steps, lists := map[int]int{}, map[int]int{}
	var look func(n *yaml.Node)
	look = func(n *yaml.Node) {
		switch {
		case n.Style&yaml.SingleQuotedStyle != 0:
			single++
		case n.Style&yaml.DoubleQuotedStyle != 0:
			double++
		}
		for i, below := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 1 && !isFlow(n) && !isFlow(below) && below.Line > n.Content[i-1].Line && below.Anchor == "" {
				by := below.Column - n.Content[i-1].Column
				switch below.Kind {
				case yaml.MappingNode:
					steps[by]++
				case yaml.SequenceNode:
					lists[by]++
				}
			}
			look(below)
		}
	}
	look(t.root)
	if single > double {
		w.quote = '\''
	}
	w.step, w.list = max(most(steps, 2), 1), max(most(lists, 0), 0)
	return w
}

// most is the number that was counted most; the smallest, of several.
func most(counts map[int]int, otherwise int) int {
	best := 0
	for _, n := range slices.Sorted(maps.Keys(counts)) {
		if counts[n] > best {
			best, otherwise = counts[n], n
		}
	}
	return otherwise
}

// isSingle says whether a value is written on the line of its key.
func isSingle(v any) bool {
	switch v := v.(type) {
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return true
}

// scalars are the ways to write a value that is no collection, or an empty one,
// on one line; the most fitting first.
func (w writer) scalars(v any, style yaml.Style) []string {
	switch v := v.(type) {
	case nil:
		return []string{"null"}
	case bool:
		return []string{strconv.FormatBool(v)}
	case int64:
		return []string{strconv.FormatInt(v, 10)}
	case float64:
		return []string{strconv.FormatFloat(v, 'g', -1, 64), strconv.FormatFloat(v, 'f', -1, 64)}
	case []any:
		return []string{"[]"}
	case map[string]any:
		return []string{"{}"}
	case string:
		return w.strings(v, style)
	}
	return nil
}

func (w writer) strings(s string, style yaml.Style) []string {
	quoted := doubleQuoted(s, w.json)
	if w.json || style&yaml.DoubleQuotedStyle != 0 {
		return []string{quoted}
	}
	var ways []string
	if style&yaml.SingleQuotedStyle == 0 && isPlain(s, w.flow) {
		ways = append(ways, s)
	}
	if (style&yaml.SingleQuotedStyle != 0 || w.quote == '\'') && !strings.ContainsFunc(s, mustEscape) {
		ways = append(ways, "'"+strings.ReplaceAll(s, "'", "''")+"'")
	}
	return append(ways, quoted)
}

// mustEscape says whether a character can't stand in a text as it is.
func mustEscape(r rune) bool {
	return r == '\n' || r == '\r' || r == '\ufeff' || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar || !unicode.IsPrint(r)
}

// doubleQuoted is a text between double quotes, as JSON and YAML both read it.
func doubleQuoted(s string, isJSON bool) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case !mustEscape(r) || r == unicode.ReplacementChar:
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		case isJSON:
			j, _ := json.Marshal(string(r)) // a character that doesn't print; JSON has it as it is
			b.Write(j[1 : len(j)-1])
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

var (
	// plainText is what needs no quotes by its looks.
	plainText = regexp.MustCompile(`^[\pL\pN_/.($<^+;=~-][^\pC\pZ\t\n\r]*( +[^\pC\pZ\t\n\r]+)*$`)
	// otherwise is what some reader takes for something else than text.
	otherwise = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null|~|=|<<|-|\+?\.inf|-\.inf|\.nan|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|0o[0-7]+|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*)$`)
)

// isPlain says whether a text can do without quotes.
func isPlain(s string, flow bool) bool {
	switch {
	case !plainText.MatchString(s), otherwise.MatchString(s):
		return false
	case strings.Contains(s, ": "), strings.HasSuffix(s, ":"), strings.Contains(s, " #"), strings.HasPrefix(s, "- "):
		return false
	case strings.HasPrefix(s, "---"), strings.HasPrefix(s, "..."):
		return false
	case flow && strings.ContainsAny(s, ",[]{}:"):
		return false
	}
	var n yaml.Node
	var v any
	if yaml.Unmarshal([]byte(s), &n) != nil || yamlv2.Unmarshal([]byte(s), &v) != nil || len(n.Content) != 1 {
		return false
	}
	top := n.Content[0]
	return v == s && top.Kind == yaml.ScalarNode && top.Tag == "!!str" && top.Value == s
}

// key is a mapping's key.
func (w writer) key(k string) string {
	if isPlain(k, true) && !w.json {
		return k
	}
	return w.scalars(k, 0)[0]
}

// inline is a value on one line, collections in brackets.
func (w writer) inline(v any) string {
	w.flow = true
	switch v := v.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, below := range v {
			parts[i] = w.inline(below)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, k := range ordered(v) {
			parts = append(parts, w.key(k)+": "+w.inline(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return w.scalars(v, 0)[0]
}

// ordered are the keys of a mapping as people would write them.
func ordered(m map[string]any) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == "name":
			return -1
		case b == "name":
			return 1
		}
		return strings.Compare(a, b)
	})
}

// entry is a mapping's entry as lines, the first of them without its indent.
func (w writer) entry(k string, v any, indent int) []string {
	lines := w.value(v, indent, indent+w.step)
	if lines[0] != "" {
		lines[0] = " " + lines[0]
	}
	lines[0] = w.key(k) + ":" + lines[0]
	return lines
}

// element is an element of a list as lines, the first of them without its indent.
func (w writer) element(v any, indent int) []string {
	const dash = len("- ")
	lines := w.value(v, indent+dash, indent+dash)
	if lines[0] == "" { // a collection starts on the line of the dash
		lines = lines[1:]
		lines[0] = strings.TrimLeft(lines[0], " ")
	}
	lines[0] = "- " + lines[0]
	return lines
}

// value is a value as lines. The first goes behind a key or dash, and is empty
// where the value is a collection; the others are below, lists indented less
// than what else there is.
func (w writer) value(v any, indent, deeper int) []string {
	lines := []string{""}
	switch v := v.(type) {
	case []any:
		for _, below := range v {
			list := indent
			if deeper > indent {
				list += w.list
			}
			lines = append(lines, indented(w.element(below, list), list)...)
		}
	case map[string]any:
		for _, k := range ordered(v) {
			lines = append(lines, indented(w.entry(k, v[k], deeper), deeper)...)
		}
	case string:
		if below, marks, ok := literal(v, deeper); ok && strings.Contains(v, "\n") {
			return append([]string{"|" + marks}, below...)
		}
	}
	if len(lines) == 1 {
		lines[0] = w.scalars(v, 0)[0]
	}
	return lines
}

// indented are lines of which the first is indented.
func indented(lines []string, by int) []string {
	lines[0] = strings.Repeat(" ", by) + lines[0]
	return lines
}

// literal is a text as the lines below a |, with the sign that goes behind it.
// It says false where the text can't be written so.
func literal(s string, indent int) (lines []string, sign string, ok bool) {
	trimmed := strings.TrimRight(s, "\n")
	if trimmed == "" || trimmed[0] == ' ' || trimmed[0] == '\n' || trimmed[0] == '\t' || indent == 0 {
		return nil, "", false
	}
	if strings.ContainsFunc(trimmed, func(r rune) bool { return r != '\n' && r != '\t' && mustEscape(r) }) {
		return nil, "", false
	}
	switch len(s) - len(trimmed) {
	case 0:
		sign = "-"
	case 1:
	default:
		sign = "+"
	}
	body := strings.TrimSuffix(s, "\n")
	for line := range strings.SplitSeq(body, "\n") {
		if line != "" {
			line = strings.Repeat(" ", indent) + line
		}
		lines = append(lines, line)
	}
	return lines, sign, true
}
