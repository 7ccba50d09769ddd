package yamledit

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// refolding puts a text in the place of one in the style >, where a line break
// is a space and an empty line is a line break. Lines at both ends that stay the
// same are left alone; what is new between them is one line for each of its own.
func (t *tree) refolding(n *yaml.Node, s string) []splice {
	b, err := t.block(n)
	if err != nil || b.first > b.end || n.Style&yaml.FoldedStyle == 0 {
		return nil
	}
	_, sign, ok := literal(s, b.indent)
	if !ok {
		return nil
	}
	body := strings.TrimRight(s, "\n")
	old := foldedLines(t.text[b.first:b.end], b.indent)
	var head, tail []string
	for len(old) > 0 {
		rest, found := strings.CutPrefix(body, old[0].value())
		if !found || rest == "" {
			break
		}
		head, body, old = append(head, old[0].text), rest, old[1:]
	}
	for len(old) > 0 {
		last := old[len(old)-1]
		rest, found := strings.CutSuffix(body, last.words)
		if !found || rest == "" || !strings.HasSuffix(rest, " ") {
			break
		}
		tail, body, old = append([]string{last.text}, tail...), strings.TrimSuffix(rest, " "), old[:len(old)-1]
	}
	pad := strings.Repeat(" ", b.indent)
	lines := head
	for i, line := range strings.Split(body, "\n") {
		if i > 0 {
			lines = append(lines, "")
		}
		if line != "" {
			lines = append(lines, pad+line)
		}
	}
	lines = append(lines, tail...)
	marks := strings.Trim(string(t.text[b.header+1:b.marks]), "+-")
	text := ">" + marks + sign + string(t.text[b.marks:b.first]) + strings.Join(lines, lineBreak(t.text))
	return []splice{{b.header, b.end, text}}
}

// foldedLine is a line of a text in the style >, with the empty lines behind it.
type foldedLine struct {
	text   string // as it stands
	words  string
	breaks int // how many empty lines follow
	last   bool
}

// value is what the line is of the text: its words, and what it goes on with.
func (l foldedLine) value() string {
	switch {
	case l.last:
		return l.words
	case l.breaks > 0:
		return l.words + strings.Repeat("\n", l.breaks)
	}
	return l.words + " "
}

// foldedLines are the lines of a text, those that are empty with the one before.
func foldedLines(text []byte, indent int) []foldedLine {
	var lines []foldedLine
	for line := range bytes.Lines(text) {
		line = line[:withoutBreak(line, len(line))]
		if len(bytes.TrimLeft(line, " ")) == 0 && len(lines) > 0 {
			last := &lines[len(lines)-1]
			last.breaks++
			last.text += lineBreak(text) + string(line)
			continue
		}
		lines = append(lines, foldedLine{text: string(line), words: string(line[min(indent, len(line)):])})
	}
	if len(lines) > 0 {
		lines[len(lines)-1].last = true
	}
	return lines
}
