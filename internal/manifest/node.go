package manifest

import (
	"bytes"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// nodes parses a document into nodes that know their lines. It is slower than
// decoding, so it is for errors and for documents that need a closer look.
func nodes(text []byte) (*yaml.Node, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(text, &n); err != nil {
		return nil, err
	}
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		return n.Content[0], nil
	}
	return &n, nil
}

// locate is the line, counting from 1, of what a path of keys and indexes leads
// to, or of the last of it that is there; 1 where that can't be told.
func locate(text []byte, path []string) int {
	n, err := nodes(text)
	if err != nil {
		return 1
	}
	line := n.Line
	for _, key := range path {
		at, next := child(n, key)
		if next == nil {
			return line
		}
		line, n = at, next
	}
	return line
}

// child is the value under a key or index, and the line that it starts on.
func child(n *yaml.Node, key string) (int, *yaml.Node) {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n == nil {
		return 0, nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i].Line, n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i].Line, n.Content[i]
		}
	}
	return 0, nil
}

// checkKeys refuses a key that is given twice in one mapping.
func checkKeys(c chunk) error {
	n, err := nodes(c.text)
	if err != nil {
		return yamlError(c, err)
	}
	return uniqueKeys(c, n)
}

func uniqueKeys(c chunk, n *yaml.Node) error {
	if n.Kind == yaml.MappingNode {
		seen := make(map[string]bool, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if id := k.ShortTag() + k.Value; k.Kind == yaml.ScalarNode && seen[id] {
				return &Error{
					Origin: c.origin(k.Line),
					What:   fmt.Sprintf("key %q is given twice", k.Value), Do: "keep one of them",
				}
			} else {
				seen[id] = true
			}
		}
	}
	for _, below := range n.Content {
		if err := uniqueKeys(c, below); err != nil {
			return err
		}
	}
	return nil
}

// CheckExpansion refuses a file of YAML whose aliases, written out, would make
// it larger than MaxExpansion. It is for those who have others parse the file.
// What is no YAML is none of its business.
func CheckExpansion(file string, data []byte) error {
	if !hasAliases(data) {
		return nil
	}
	for _, c := range split(file, data) {
		if _, err := nodes(c.text); err != nil {
			continue
		}
		if err := checkExpansion(c); err != nil {
			return err
		}
	}
	return nil
}

func checkExpansion(c chunk) error {
	if !hasAliases(c.text) {
		return nil
	}
	n, err := nodes(c.text)
	if err != nil {
		return yamlError(c, err)
	}
	w := weigher{known: map[*yaml.Node]int{}}
	if w.weigh(n) <= MaxExpansion && !w.loops {
		return nil
	}
	e := &Error{
		Origin: c.origin(w.worst()),
		What:   fmt.Sprintf("the aliases of this document make it larger than %d bytes", MaxExpansion),
		Do:     "write out what it needs, with fewer aliases",
	}
	if w.loops {
		e.What, e.Do = "an anchor contains an alias to itself", "remove that alias"
	}
	return e
}

// weigher sizes a document with its aliases written out, visiting each node once.
type weigher struct {
	known map[*yaml.Node]int
	// first is the first alias that made it too large, or that loops.
	first *yaml.Node
	loops bool
}

// underway marks a node whose weight is being found.
const underway = -1

func (w *weigher) weigh(n *yaml.Node) int {
	if n.Kind == yaml.AliasNode {
		sum := w.weigh(n.Alias)
		if (sum > MaxExpansion || w.loops) && w.first == nil {
			w.first = n
		}
		return sum
	}
	if sum, known := w.known[n]; known {
		w.loops = w.loops || sum == underway
		return max(sum, 0)
	}
	w.known[n] = underway
	sum := overhead + len(n.Value)
	for _, below := range n.Content {
		sum = min(sum+w.weigh(below), MaxExpansion+1) // it can't overflow
		if sum > MaxExpansion && w.first == nil {
			w.first = below
		}
	}
	w.known[n] = sum
	return sum
}

// worst is the line of what made it too large.
func (w *weigher) worst() int {
	if w.first == nil {
		return 1
	}
	return w.first.Line
}

// hasAliases says, at little cost, whether a text may have both an anchor and
// an alias. It is right when it says no.
func hasAliases(text []byte) bool { return hasMark(text, '&') && hasMark(text, '*') }

// hasMark looks for a mark with a name behind it where a value may start.
func hasMark(text []byte, mark byte) bool {
	for at := 0; ; {
		n := bytes.IndexByte(text[at:], mark)
		if n < 0 {
			return false
		}
		i := at + n
		starts := i == 0 || bytes.IndexByte([]byte(" \t\r\n[{,:-?"), text[i-1]) >= 0
		if starts && i+1 < len(text) && nameByte(text[i+1]) {
			return true
		}
		at = i + 1
	}
}

// nameByte says whether an anchor's name may start so. The YAML libraries take
// letters, digits, _ and -; every byte beyond ASCII is let through to be sure.
func nameByte(b byte) bool {
	switch {
	case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '_', b == '-', b >= 0x80:
		return true
	}
	return false
}
