package yamledit

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// dropEntry takes away an entry of a block mapping, with its lines.
func (t *tree) dropEntry(n *yaml.Node, i int) ([]splice, error) {
	from, err := t.key(n, i)
	if err != nil {
		return nil, err
	}
	to, err := t.after(n.Content[i+1])
	if err != nil {
		return nil, err
	}
	if i+2 >= len(n.Content) {
		return t.dropLines(from, to, -1)
	}
	next, err := t.key(n, i+2)
	if err != nil {
		return nil, err
	}
	return t.dropLines(from, to, next)
}

// dropElement takes away an element of a block list, with its lines.
func (t *tree) dropElement(n *yaml.Node, i int) ([]splice, error) {
	from, err := t.dash(n, i)
	if err != nil {
		return nil, err
	}
	to, err := t.after(n.Content[i])
	if err != nil {
		return nil, err
	}
	if i+1 >= len(n.Content) {
		return t.dropLines(from, to, -1)
	}
	next, err := t.dash(n, i+1)
	if err != nil {
		return nil, err
	}
	return t.dropLines(from, to, next)
}

// dropLines takes away what stands from one place to another, and the comment
// beside its end. What comes next, if anything, takes its place where it stands
// behind a dash.
func (t *tree) dropLines(from, to, next int) ([]splice, error) {
	_, end, err := t.restOf(to)
	if err != nil {
		return nil, err
	}
	start := lineStart(t.text, from)
	if strings.TrimLeft(string(t.text[start:from]), " ") == "" {
		if withoutBreak(t.text, end) == end && start > 0 { // the file's last line has no break
			return []splice{{withoutBreak(t.text, start), end, ""}}, nil
		}
		return []splice{{start, end, ""}}, nil
	}
	if next < 0 {
		return nil, errPlace
	}
	if strings.TrimSpace(string(t.text[end:next])) == "" {
		return []splice{{from, next, ""}}, nil
	}
	for from > start && t.text[from-1] == ' ' {
		from--
	}
	return []splice{{from, withoutBreak(t.text, end), ""}}, nil // comments stay between
}

// dropInFlow takes away an entry between brackets, of so many nodes, and one
// comma.
func (t *tree) dropInFlow(n *yaml.Node, i, size int) ([]splice, error) {
	from, err := t.start(n.Content[i])
	if err != nil {
		return nil, err
	}
	to, err := t.after(n.Content[i+size-1])
	if err != nil {
		return nil, err
	}
	if i+size < len(n.Content) {
		next, err := t.start(n.Content[i+size])
		if err != nil || strings.TrimSpace(string(t.text[to:next])) != "," {
			return nil, errPlace
		}
		return []splice{{from, next, ""}}, nil
	}
	before, err := t.after(n.Content[i-1])
	if err != nil || strings.TrimSpace(string(t.text[before:from])) != "," {
		return nil, errPlace
	}
	return []splice{{before, to, ""}}, nil
}
