package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// tree is a parsed document that knows which bytes each value takes. The YAML
// library tells where values start; where they end is found from there, and
// held against the value, so that a wrong guess is an error and no damage.
type tree struct {
	text  []byte
	json  bool
	lines []int // where lines start
	root  *yaml.Node
	above map[*yaml.Node]*yaml.Node
	used  map[*yaml.Node]int // by how many aliases, of what is anchored
}

// errPlace is that a value's bytes can't be told.
var errPlace = errors.New("is written in a way that can't be edited in place; change it by hand")

func parse(text []byte, json bool) (*tree, error) {
	var top yaml.Node
	if err := yaml.Unmarshal(text, &top); err != nil {
		return nil, errors.New("is not valid YAML; correct it first") // the library quotes values
	}
	if top.Kind != yaml.DocumentNode || len(top.Content) != 1 {
		return nil, errors.New("the document is empty")
	}
	t := &tree{text: text, json: json, lines: starts(text), root: top.Content[0], above: map[*yaml.Node]*yaml.Node{}}
	if err := t.adopt(t.root, 1); err != nil {
		return nil, err
	}
	if _, err := weigh(t.root, map[*yaml.Node]int{}); err != nil {
		return nil, err
	}
	t.used = aliases(t.root)
	return t, nil
}

// adopt notes what stands below what.
func (t *tree) adopt(n *yaml.Node, depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("values nest more than %d deep", MaxDepth)
	}
	for _, below := range n.Content {
		t.above[below] = n
		if err := t.adopt(below, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// start is where a value starts, its anchor and tag counted.
func (t *tree) start(n *yaml.Node) (int, error) {
	if n.Line < 1 || n.Line > len(t.lines) {
		return 0, errPlace
	}
	i := t.lines[n.Line-1]
	for range n.Column - 1 {
		if i >= len(t.text) {
			return 0, errPlace
		}
		_, size := utf8.DecodeRune(t.text[i:])
		i += size
	}
	return i, nil
}

// content is where a value starts behind its anchor and tag.
func (t *tree) content(n *yaml.Node) (int, error) {
	i, err := t.start(n)
	if err != nil {
		return 0, err
	}
	for n.Kind != yaml.AliasNode && i < len(t.text) && (t.text[i] == '&' || t.text[i] == '!') {
		for i < len(t.text) && !isBlank(t.text[i]) && (!t.inFlow(n) || strings.IndexByte(",]}", t.text[i]) < 0) {
			i++
		}
		if isNothing(n) {
			continue
		}
		i = skipSpace(t.text, i)
	}
	return i, nil
}

// isNothing says whether a value takes no bytes, such as that of a lone key.
func isNothing(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// isFlow says whether a value is a collection in brackets.
func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// inFlow says whether a value stands within brackets.
func (t *tree) inFlow(n *yaml.Node) bool {
	up := t.above[n]
	return up != nil && isFlow(up)
}

// span is which bytes a value takes, without its anchor and tag.
func (t *tree) span(n *yaml.Node) (from, to int, err error) {
	if from, err = t.content(n); err != nil {
		return 0, 0, err
	}
	to, err = t.end(n, from)
	return from, to, err
}

// after is where a value ends.
func (t *tree) after(n *yaml.Node) (int, error) {
	_, to, err := t.span(n)
	return to, err
}

// end is where a value ends that starts at i.
func (t *tree) end(n *yaml.Node, i int) (int, error) {
	switch {
	case n.Kind == yaml.AliasNode:
		if !bytes.HasPrefix(t.text[i:], []byte("*"+n.Value)) {
			return 0, errPlace
		}
		return i + 1 + len(n.Value), nil
	case isFlow(n):
		return t.flowEnd(n, i)
	case len(n.Content) > 0:
		return t.after(n.Content[len(n.Content)-1])
	case n.Kind != yaml.ScalarNode:
		return 0, errPlace
	case isNothing(n):
		return i, nil
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		b, err := t.block(n)
		return b.end, err
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return t.quotedEnd(i, '"', '\\')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return t.quotedEnd(i, '\'', '\'')
	}
	return t.plainEnd(n, i)
}

// flowEnd is where a collection in brackets ends.
func (t *tree) flowEnd(n *yaml.Node, i int) (int, error) {
	open, shut := byte('['), byte(']')
	if n.Kind == yaml.MappingNode {
		open, shut = '{', '}'
	}
	if i >= len(t.text) || t.text[i] != open {
		return 0, errPlace // such as the pair that [a: b] holds
	}
	i++
	if len(n.Content) > 0 {
		var err error
		if i, err = t.after(n.Content[len(n.Content)-1]); err != nil {
			return 0, err
		}
	}
	if i = skipSpace(t.text, i); i < len(t.text) && t.text[i] == ',' {
		i = skipSpace(t.text, i+1)
	}
	if i >= len(t.text) || t.text[i] != shut {
		return 0, errPlace
	}
	return i + 1, nil
}

// quotedEnd is behind the closing quote of a text whose opening one is at i. An
// escape hides the byte behind it.
func (t *tree) quotedEnd(i int, quote, escape byte) (int, error) {
	if i >= len(t.text) || t.text[i] != quote {
		return 0, errPlace
	}
	for i++; i < len(t.text); i++ {
		switch b := t.text[i]; {
		case b == escape && i+1 < len(t.text) && (escape != quote || t.text[i+1] == quote):
			i++
		case b == quote:
			return i + 1, nil
		}
	}
	return 0, errPlace
}

// plainEnd is where a value without quotes ends. It may go over several lines,
// which are joined by spaces; so it ends where the joined text is the value.
func (t *tree) plainEnd(n *yaml.Node, i int) (int, error) {
	rest := n.Value
	for {
		line := i
		for i < len(t.text) && breakAt(t.text[i:]) == 0 {
			i++
		}
		if bytes.HasPrefix(t.text[line:i], []byte(rest)) {
			return line + len(rest), nil
		}
		words := strings.TrimRight(string(t.text[line:i]), " \t")
		var found bool
		if rest, found = strings.CutPrefix(rest, words); !found || words == "" {
			return 0, errPlace
		}
		breaks := 0
		for i < len(t.text) && (breakAt(t.text[i:]) > 0 || t.text[i] == ' ' || t.text[i] == '\t') {
			if b := breakAt(t.text[i:]); b > 0 {
				i += b
				breaks++
			} else {
				i++
			}
		}
		joint := " "
		if breaks > 1 {
			joint = strings.Repeat("\n", breaks-1)
		}
		if rest, found = strings.CutPrefix(rest, joint); !found {
			return 0, errPlace
		}
	}
}

// column is how far, in spaces, the innermost block collection around a value
// is indented; -1 where there is none.
func (t *tree) column(n *yaml.Node) (int, error) {
	for up := t.above[n]; up != nil; up = t.above[up] {
		if isFlow(up) {
			continue
		}
		if up.Kind == yaml.SequenceNode {
			dash, err := t.dash(up, 0)
			return dash - lineStart(t.text, dash), err
		}
		key, err := t.start(up.Content[0])
		return key - lineStart(t.text, key), err
	}
	return -1, nil
}

// dash is where the dash of a block list's element stands.
func (t *tree) dash(list *yaml.Node, i int) (int, error) {
	at, err := t.content(list)
	if i > 0 {
		at, err = t.after(list.Content[i-1])
	}
	if err != nil {
		return 0, err
	}
	at = skipSpace(t.text, at)
	if at >= len(t.text) || t.text[at] != '-' {
		return 0, errPlace
	}
	return at, nil
}

// key is where the entry of a mapping starts whose key is the one at Content[i].
func (t *tree) key(mapping *yaml.Node, i int) (int, error) {
	at, err := t.start(mapping.Content[i])
	if err != nil {
		return 0, err
	}
	before, err := t.content(mapping)
	if isFlow(mapping) {
		before++
	}
	if i > 0 {
		before, err = t.after(mapping.Content[i-1])
		if isFlow(mapping) {
			if before = skipSpace(t.text, before); before < len(t.text) && t.text[before] == ',' {
				before++
			}
		}
	}
	if err == nil && skipSpace(t.text, before) != at {
		err = errPlace // such as a key behind a question mark
	}
	return at, err
}
