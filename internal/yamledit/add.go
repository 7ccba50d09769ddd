package yamledit

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// addEntry adds an entry behind the last one of a block mapping.
func (t *tree) addEntry(n *yaml.Node, key string, v any) ([]splice, error) {
	at, err := t.key(n, 0)
	if err != nil {
		return nil, err
	}
	w := t.writerAt(n)
	w.flow = false
	indent := at - lineStart(t.text, at)
	end, err := t.after(n.Content[len(n.Content)-1])
	if err != nil {
		return nil, err
	}
	ways := [][]string{w.entry(key, v, indent)}
	if !isSingle(v) {
		ways = append(ways, []string{w.key(key) + ": " + w.inline(v)})
	}
	return t.below(end, ways, indent, w.eol)
}

// addElement adds an element to a block list, before the ith.
func (t *tree) addElement(n *yaml.Node, i int, v any) ([]splice, error) {
	w := t.writerAt(n)
	w.flow = false
	dash, err := t.dash(n, 0)
	if err != nil {
		return nil, err
	}
	indent := dash - lineStart(t.text, dash)
	ways := [][]string{w.element(v, indent)}
	if !isSingle(v) {
		ways = append(ways, []string{"- " + w.inline(v)})
	}
	if i > 0 {
		end, err := t.after(n.Content[i-1])
		if err != nil {
			return nil, err
		}
		return t.below(end, ways, indent, w.eol)
	}
	var list []splice
	for _, lines := range ways {
		text := strings.Join(lines, w.eol) + w.eol + strings.Repeat(" ", indent)
		list = append(list, splice{dash, dash, text})
	}
	return list, nil
}

// below adds lines below the line on which something ends. A file that doesn't
// end with a line break still doesn't.
func (t *tree) below(end int, ways [][]string, indent int, eol string) ([]splice, error) {
	_, at, err := t.restOf(end)
	if err != nil {
		return nil, err
	}
	var list []splice
	for _, lines := range ways {
		text := strings.Join(indented(lines, indent), eol)
		if withoutBreak(t.text, at) == at {
			text = eol + text
		} else {
			text += eol
		}
		list = append(list, splice{at, at, text})
	}
	return list, nil
}

// addToFlowMapping adds an entry behind the last one between braces.
func (t *tree) addToFlowMapping(n *yaml.Node, key string, v any) ([]splice, error) {
	from, to, err := t.span(n)
	if err != nil {
		return nil, err
	}
	w := t.writerAt(n)
	if len(n.Content) == 0 && !w.flow && !isSingle(v) {
		return t.replacing(n, map[string]any{key: v})
	}
	w.flow = true
	if !w.json && t.isQuoted(n) {
		w.json = true
	}
	colon, err := t.colon(n)
	if err != nil {
		return nil, err
	}
	text := w.key(key) + colon + w.inline(v)
	if len(n.Content) == 0 {
		return []splice{{from, to, "{" + text + "}"}}, nil
	}
	return t.behindLast(n, 2, text)
}

// addToFlowList adds an element to a list between brackets, before the ith.
func (t *tree) addToFlowList(n *yaml.Node, i int, v any) ([]splice, error) {
	from, to, err := t.span(n)
	if err != nil {
		return nil, err
	}
	w := t.writerAt(n)
	if len(n.Content) == 0 && !w.flow && !isSingle(v) {
		return t.replacing(n, []any{v})
	}
	w.flow = true
	if !w.json && t.isQuoted(n) {
		w.json = true
	}
	text := w.inline(v)
	switch {
	case len(n.Content) == 0:
		return []splice{{from, to, "[" + text + "]"}}, nil
	case i == len(n.Content):
		return t.behindLast(n, 1, text)
	}
	at, err := t.start(n.Content[i])
	if err != nil {
		return nil, err
	}
	gap, err := t.gap(n, 1)
	return []splice{{at, at, text + gap}}, err
}

// behindLast adds a text behind the last of the entries between brackets, each
// of which has so many nodes.
func (t *tree) behindLast(n *yaml.Node, size int, text string) ([]splice, error) {
	end, err := t.after(n.Content[len(n.Content)-1])
	if err != nil {
		return nil, err
	}
	gap, err := t.gap(n, size)
	return []splice{{end, end, gap + text}}, err
}

// gap is what parts the entries between brackets.
func (t *tree) gap(n *yaml.Node, size int) (string, error) {
	last := len(n.Content) - size
	at, err := t.start(n.Content[last])
	if err != nil {
		return "", err
	}
	before, err := t.content(n)
	before++
	lead := ","
	if last > 0 {
		before, err = t.after(n.Content[last-1])
		lead = ""
	}
	if err != nil {
		return "", err
	}
	between := lead + string(t.text[before:at])
	switch {
	case strings.TrimSpace(between) != ",":
		return ", ", nil
	case last == 0 && !strings.Contains(between, "\n"):
		return ", ", nil
	}
	return between, nil
}

// colon is what stands between a key and its value between braces.
func (t *tree) colon(n *yaml.Node) (string, error) {
	if len(n.Content) < 2 {
		return ": ", nil
	}
	from, err := t.after(n.Content[0])
	if err != nil {
		return "", err
	}
	to, err := t.start(n.Content[1])
	if err != nil {
		return "", err
	}
	if between := string(t.text[from:to]); t.json && strings.TrimSpace(between) == ":" {
		return between, nil
	}
	return ": ", nil
}

// isQuoted says whether what stands between brackets is written as in JSON.
func (t *tree) isQuoted(n *yaml.Node) bool {
	return len(n.Content) > 0 && n.Content[0].Kind == yaml.ScalarNode && n.Content[0].Tag == "!!str" && n.Content[0].Style&yaml.DoubleQuotedStyle != 0
}
