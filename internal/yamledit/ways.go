package yamledit

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ways are the splices that may do a change, the best first.
func (t *tree) ways(c change) ([]splice, error) {
	if len(c.at) == 0 {
		return nil, errPlace
	}
	n := t.root
	last := c.at[len(c.at)-1]
	for _, s := range c.at[:len(c.at)-1] {
		var err error
		if n, _, _, err = below(n, s); err != nil || n == nil {
			return nil, errPlace
		}
	}
	switch n.Kind {
	case yaml.MappingNode:
		return t.mappingWays(n, last.Key, c)
	case yaml.SequenceNode:
		i, ok := last.index(len(n.Content))
		if ok && i <= len(n.Content) {
			return t.listWays(n, i, c)
		}
	}
	return nil, errPlace
}

func (t *tree) mappingWays(n *yaml.Node, key string, c change) ([]splice, error) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; k.Value != key || k.Tag == "!!merge" {
			continue
		}
		if c.verb == put {
			return t.replacing(n.Content[i+1], c.value)
		}
		if len(n.Content) == 2 {
			return t.emptying(n, map[string]any{})
		}
		if isFlow(n) {
			return t.dropInFlow(n, i, 2)
		}
		return t.dropEntry(n, i)
	}
	if c.verb == drop {
		return nil, errPlace
	}
	if isFlow(n) {
		return t.addToFlowMapping(n, key, c.value)
	}
	return t.addEntry(n, key, c.value)
}

func (t *tree) listWays(n *yaml.Node, i int, c change) ([]splice, error) {
	switch {
	case c.verb == put && i < len(n.Content):
		return t.replacing(n.Content[i], c.value)
	case c.verb == drop && len(n.Content) == 1:
		return t.emptying(n, []any{})
	case c.verb == drop && isFlow(n):
		return t.dropInFlow(n, i, 1)
	case c.verb == drop:
		return t.dropElement(n, i)
	case isFlow(n):
		return t.addToFlowList(n, i, c.value)
	}
	return t.addElement(n, i, c.value)
}

// writerAt is the manner of the document at a value.
func (t *tree) writerAt(n *yaml.Node) writer {
	w := t.manner()
	w.flow = w.flow || t.inFlow(n)
	return w
}

// restOf is what follows on a line from i to its end, which is told. It has to
// be a comment or nothing.
func (t *tree) restOf(i int) (rest string, end int, err error) {
	end = lineEnd(t.text, i)
	rest = strings.TrimRight(string(t.text[i:end]), " \t\r\n")
	trimmed := strings.TrimLeft(rest, " \t")
	if trimmed != "" && (trimmed[0] != '#' || len(trimmed) == len(rest)) {
		return "", 0, errPlace
	}
	return rest, end, nil
}

// replacing puts a value in the place of another.
func (t *tree) replacing(n *yaml.Node, v any) ([]splice, error) {
	if n.Style&yaml.TaggedStyle != 0 {
		return nil, errPlace // the tag may not fit any more
	}
	from, to, err := t.span(n)
	if err != nil {
		return nil, err
	}
	w := t.writerAt(n)
	switch {
	case w.flow:
		return t.replacingInFlow(n, v, splice{from: from, to: to})
	case n.Kind != yaml.ScalarNode && n.Kind != yaml.AliasNode && !isFlow(n):
		return t.replacingBlock(n, v, to)
	}
	var ways []splice
	if text, isText := v.(string); isText && isBlock(n) {
		ways = append(ways, t.rewriting(n, text)...)
		ways = append(ways, t.refolding(n, text)...)
	}
	rest, end, err := t.beside(n, to)
	if err != nil {
		return nil, err
	}
	lines, err := t.linesFor(n, v, w)
	if err != nil {
		return nil, err
	}
	if len(lines) > 1 {
		ways = append(ways, t.folded(splice{from: from, to: end}, lines, rest, w))
	}
	if !isSingle(v) {
		return append(ways, splice{from, end, t.gapAt(from) + w.inline(v) + rest}), nil
	}
	style := n.Style
	if n.Kind == yaml.AliasNode || isNull(n) {
		style = 0
	}
	for _, text := range w.scalars(v, style) {
		ways = append(ways, splice{from, end, t.gapAt(from) + text + rest})
	}
	return ways, nil
}

// beside is the comment on a value's line, with the blanks before it, and where
// the value and its line end.
func (t *tree) beside(n *yaml.Node, to int) (rest string, end int, err error) {
	if isBlock(n) {
		b, err := t.block(n)
		if err != nil {
			return "", 0, err
		}
		rest, _, err = t.restOf(b.marks)
		return rest, to, err
	}
	_, end, err = t.restOf(to)
	end = max(to, withoutBreak(t.text, end))
	return string(t.text[to:end]), end, err
}

// gapAt is what parts a value at i from the colon or dash before it.
func (t *tree) gapAt(i int) string {
	if i > 0 && !isBlank(t.text[i-1]) {
		return " "
	}
	return ""
}

// linesFor are the lines of a value in the place of n.
func (t *tree) linesFor(n *yaml.Node, v any, w writer) ([]string, error) {
	indent, err := t.column(n)
	if err != nil {
		return nil, err
	}
	if up := t.above[n]; up != nil && up.Kind == yaml.SequenceNode {
		lines := w.element(v, indent)
		lines[0] = strings.TrimPrefix(lines[0], "- ")
		return lines, nil
	}
	return w.value(v, indent, indent+w.step), nil
}

// folded puts lines behind a key or dash, of which the first stands on its
// line, and what followed there after it.
func (t *tree) folded(s splice, lines []string, rest string, w writer) splice {
	if lines[0] == "" {
		for s.from > 0 && (t.text[s.from-1] == ' ' || t.text[s.from-1] == '\t') {
			s.from--
		}
	} else {
		lines[0] = t.gapAt(s.from) + lines[0]
	}
	lines[0] += strings.TrimRight(rest, " \t")
	s.text = strings.Join(lines, w.eol)
	return s
}

// replacingInFlow puts a value in the place of another within brackets.
func (t *tree) replacingInFlow(n *yaml.Node, v any, s splice) ([]splice, error) {
	w := t.writerAt(n)
	gap := ""
	if s.from == s.to {
		gap = t.gapAt(s.from)
	}
	if !isSingle(v) {
		s.text = gap + w.inline(v)
		return []splice{s}, nil
	}
	var ways []splice
	for _, text := range w.scalars(v, n.Style) {
		ways = append(ways, splice{s.from, s.to, gap + text})
	}
	return ways, nil
}

// replacingBlock puts a value in the place of a collection that stands below
// its key or dash. A comment beside the key stays.
func (t *tree) replacingBlock(n *yaml.Node, v any, to int) ([]splice, error) {
	w := t.writerAt(n)
	from, err := t.behindLead(n)
	if err != nil {
		return nil, err
	}
	if n.Anchor != "" {
		return nil, errPlace
	}
	rest := ""
	if first, err := t.content(n); err != nil {
		return nil, err
	} else if lineStart(t.text, first) > from { // it begins on another line
		if rest, _, err = t.restOf(from); err != nil {
			return nil, err
		}
	}
	behind, eol, err := t.restOf(to)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(behind) == "" || isBlock(t.lastOf(n)) {
		eol = to
	}
	if rest == "" {
		rest = behind
	}
	end := max(to, withoutBreak(t.text, eol))
	lines, err := t.linesFor(n, v, w)
	if err != nil {
		return nil, err
	}
	return []splice{t.folded(splice{from: from, to: end}, lines, rest, w)}, nil
}

// lastOf is the last value within a value.
func (t *tree) lastOf(n *yaml.Node) *yaml.Node {
	for !isFlow(n) && len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return n
}

// behindLead is the place behind the colon or dash that leads to a value.
func (t *tree) behindLead(n *yaml.Node) (int, error) {
	up := t.above[n]
	if up == nil {
		return 0, errPlace
	}
	for i, below := range up.Content {
		if below != n {
			continue
		}
		if up.Kind == yaml.SequenceNode {
			at, err := t.dash(up, i)
			return at + 1, err
		}
		at, err := t.after(up.Content[i-1])
		for err == nil && at < len(t.text) && (t.text[at] == ' ' || t.text[at] == '\t') {
			at++
		}
		if err == nil && (at >= len(t.text) || t.text[at] != ':') {
			err = errPlace
		}
		return at + 1, err
	}
	return 0, errPlace
}

// emptying makes a collection empty that had one entry.
func (t *tree) emptying(n *yaml.Node, empty any) ([]splice, error) {
	from, to, err := t.span(n)
	if err != nil {
		return nil, err
	}
	if isFlow(n) {
		return []splice{{from, to, t.manner().inline(empty)}}, nil
	}
	ways, err := t.replacing(n, empty)
	if err != nil {
		return nil, err
	}
	lead, err := t.behindLead(n)
	if err != nil {
		return nil, err
	}
	// Comments above the entry stay.
	if above, first := lineEnd(t.text, lead), lineStart(t.text, from); above < first {
		for i := range ways {
			ways[i].text += lineBreak(t.text) + string(t.text[above:withoutBreak(t.text, first)])
		}
	}
	return ways, nil
}

// rewriting puts a text in the place of one in a block style. Lines that stay
// the same are left alone.
func (t *tree) rewriting(n *yaml.Node, s string) []splice {
	b, err := t.block(n)
	if err != nil || b.first > b.end || n.Style&yaml.FoldedStyle != 0 {
		return nil
	}
	lines, sign, ok := literal(s, b.indent)
	if !ok && b.digit {
		lines, sign, ok = literalAny(s, b.indent)
	}
	if !ok {
		return nil
	}
	old := bytes.SplitAfter(t.text[b.first:b.end], []byte("\n"))
	head := 0
	same := func(have []byte, want string) bool {
		have = have[:withoutBreak(have, len(have))]
		return string(have) == want || len(bytes.TrimLeft(have, " ")) == 0 && len(have) <= b.indent && want == ""
	}
	for head < min(len(old), len(lines)) && same(old[head], lines[head]) {
		head++
	}
	tail := 0
	for tail < min(len(old), len(lines))-head && same(old[len(old)-1-tail], lines[len(lines)-1-tail]) {
		tail++
	}
	var text strings.Builder
	text.Write(t.text[b.header : b.header+1])
	for _, c := range t.text[b.header+1 : b.marks] {
		if c != '+' && c != '-' {
			text.WriteByte(c)
		}
	}
	text.WriteString(sign)
	text.Write(t.text[b.marks:b.first])
	eol := lineBreak(t.text)
	all := make([]string, 0, len(lines))
	for i, line := range lines {
		switch {
		case i < head:
			line = string(old[i][:withoutBreak(old[i], len(old[i]))])
		case i >= len(lines)-tail:
			one := old[len(old)-(len(lines)-i)]
			line = string(one[:withoutBreak(one, len(one))])
		}
		all = append(all, line)
	}
	text.WriteString(strings.Join(all, eol))
	return []splice{{b.header, b.end, text.String()}}
}

// literalAny is literal for a header that gives the indent: the first line may
// be indented more.
func literalAny(s string, indent int) ([]string, string, bool) {
	lines, sign, ok := literal("x\n"+s, indent)
	if !ok {
		return nil, "", false
	}
	return lines[1:], sign, true
}
