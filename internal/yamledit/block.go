package yamledit

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// blockText is a text in one of YAML's block styles, | or >: its header, and the
// lines below it.
type blockText struct {
	header int // where | or > stands
	marks  int // where the marks behind that end: digit and sign
	parent int // how far what it is part of is indented, in spaces
	indent int // how far its lines are
	digit  bool
	first  int // where its first line starts
	end    int // where its last line ends, less the line break
}

// block measures a block text.
func (t *tree) block(n *yaml.Node) (b blockText, err error) {
	if b.header, err = t.content(n); err != nil {
		return b, err
	}
	if b.header >= len(t.text) || t.text[b.header] != '|' && t.text[b.header] != '>' {
		return b, errPlace
	}
	if b.parent, err = t.column(n); err != nil {
		return b, err
	}
	keep := false
	for b.marks = b.header + 1; b.marks < len(t.text); b.marks++ {
		switch c := t.text[b.marks]; {
		case c == '+':
			keep = true
			continue
		case c == '-':
			continue
		case c >= '1' && c <= '9':
			b.digit, b.indent = true, max(b.parent, 0)+int(c-'0')
			continue
		}
		break
	}
	b.end = withoutBreak(t.text, lineEnd(t.text, b.header))
	b.first = lineEnd(t.text, b.header)
	if !b.digit {
		b.indent = t.firstIndent(b.first, b.parent)
	}
	if b.indent > 0 || b.digit {
		b.measure(t.text, keep)
	}
	return b, nil
}

// firstIndent is how far the first line with anything on it is indented, from
// at on; 0 where it doesn't belong to the text any more.
func (t *tree) firstIndent(at, parent int) int {
	for ; at < len(t.text); at = lineEnd(t.text, at) {
		indent := indentOf(t.text, at)
		line := t.text[at:withoutBreak(t.text, lineEnd(t.text, at))]
		if len(line) == indent {
			continue
		}
		if indent <= parent {
			return 0
		}
		return indent
	}
	return 0
}

// measure finds the last line. Empty lines behind it count where they are kept.
func (b *blockText) measure(text []byte, keep bool) {
	for at := b.first; at < len(text); {
		next := lineEnd(text, at)
		end := withoutBreak(text, next)
		indent := indentOf(text, at)
		isEmpty := len(bytes.TrimLeft(text[at:end], " ")) == 0 && indent <= b.indent
		if !isEmpty && indent < b.indent {
			return
		}
		if !isEmpty || keep {
			b.end = end
		}
		at = next
	}
}

// isBlock says whether a value is written in a block style, and which.
func isBlock(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
}
