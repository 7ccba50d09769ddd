package yamledit

import (
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// walked is how far a path leads in a document.
type walked struct {
	node *yaml.Node // the last value that is there
	key  *yaml.Node // the key that it stands under, or nil
	done Path       // how it was reached, by keys and indexes, from the tree's root
	rest Path       // the steps that lead to nothing
	// shared says by what name other places use the value, or what they and
	// the value come from.
	shared string
	err    error
}

// walk follows a path. To read, it goes through aliases and merge keys; else it
// stops before them.
func (d *Document) walk(path Path, reads bool) walked {
	w := walked{node: d.top, done: d.prefix.Then(), rest: path}
	w.note(d.tree.used)
	for len(w.rest) > 0 {
		from := w.node
		if from.Kind == yaml.AliasNode {
			w.shared = from.Value
			if !reads {
				w.err = fmt.Errorf("%s %w: it is the alias *%s; change what is anchored there, or write it out", w.done, ErrShared, from.Value)
				return w
			}
			from = resolved(from)
		}
		next, key, done, err := below(from, w.rest[0])
		if err != nil {
			w.err = fmt.Errorf("%s: %w", w.done.Then(w.rest[0]), err)
			return w
		}
		if next == nil && reads {
			if key, next = merged(from, w.rest[0].Key); next != nil {
				w.shared = mergeKey
			}
		}
		if next == nil {
			return w
		}
		w.node, w.key, w.done, w.rest = next, key, w.done.Then(done), w.rest[1:]
		w.note(d.tree.used)
	}
	return w
}

// note takes note of an anchor that others refer to.
func (w *walked) note(used map[*yaml.Node]int) {
	if w.node.Anchor != "" && used[w.node] > 0 {
		w.shared = w.node.Anchor
	}
	if w.node.Kind == yaml.AliasNode {
		w.shared = w.node.Value
	}
}

// aliases counts, of each anchored value, the aliases that refer to it.
func aliases(n *yaml.Node) map[*yaml.Node]int {
	used := map[*yaml.Node]int{}
	var count func(*yaml.Node)
	count = func(n *yaml.Node) {
		if n.Kind == yaml.AliasNode {
			used[n.Alias]++
		}
		for _, below := range n.Content {
			count(below)
		}
	}
	count(n)
	return used
}

// below is the value that one step leads to, the key it stands under, and the
// step as a key or index; nil where there is none.
func below(n *yaml.Node, s Step) (value, key *yaml.Node, done Step, err error) {
	switch n.Kind {
	case yaml.MappingNode:
		if s.Match != nil {
			return nil, nil, s, fmt.Errorf("is looked for in a mapping, and not a list")
		}
		key, value = entry(n, s.Key)
		return value, key, s, nil
	case yaml.SequenceNode:
		i, err := position(n, s)
		if err != nil || i >= len(n.Content) {
			return nil, nil, s, err
		}
		return n.Content[i], nil, Step{Key: strconv.Itoa(i)}, nil
	}
	if isNull(n) {
		return nil, nil, s, nil
	}
	return nil, nil, s, fmt.Errorf("can't be: what it would be part of is neither a mapping nor a list")
}

// position is the index of the element of a list that a step means; the list's
// length where it isn't there.
func position(list *yaml.Node, s Step) (int, error) {
	if s.Match == nil {
		i, ok := s.index(len(list.Content))
		if !ok {
			return 0, fmt.Errorf("is looked for in a list, where only numbers lead on")
		}
		if i > len(list.Content) {
			return 0, fmt.Errorf("%w: the list has %d elements", ErrAbsent, len(list.Content))
		}
		return i, nil
	}
	found := len(list.Content)
	for i, element := range list.Content {
		if !s.matches(resolved(element)) {
			continue
		}
		if found < len(list.Content) {
			return 0, fmt.Errorf("several elements of the list could be meant")
		}
		found = i
	}
	return found, nil
}

// mergeKey is the key whose value's entries a mapping takes over.
const mergeKey = "<<"

// entry is the key and value of a mapping's own entry, or nil.
func entry(mapping *yaml.Node, name string) (key, value *yaml.Node) {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if k := mapping.Content[i]; k.Kind == yaml.ScalarNode && k.Value == name && k.Tag != "!!merge" {
			return k, mapping.Content[i+1]
		}
	}
	return nil, nil
}

// merged is the key and value that a mapping takes over by a merge key, or nil.
func merged(mapping *yaml.Node, name string) (key, value *yaml.Node) {
	if mapping.Kind != yaml.MappingNode || name == "" {
		return nil, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Tag != "!!merge" {
			continue
		}
		sources := []*yaml.Node{resolved(mapping.Content[i+1])}
		if sources[0].Kind == yaml.SequenceNode {
			sources = sources[0].Content
		}
		for _, source := range sources {
			source = resolved(source)
			if key, value = entry(source, name); value == nil {
				key, value = merged(source, name)
			}
			if value != nil {
				return key, value
			}
		}
	}
	return nil, nil
}

// resolved is what an alias stands for, or the value itself.
func resolved(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// isNull says whether a value is null, written or not.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }
