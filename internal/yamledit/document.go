package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The limits of what is edited.
const (
	// MaxBytes bounds a file.
	MaxBytes = 16 << 20
	// MaxDepth bounds how deep values nest.
	MaxDepth = 200
	// MaxValues bounds the values of a document whose aliases are written out.
	MaxValues = 1 << 20
)

// ErrAbsent is that there is no such document or value.
var ErrAbsent = errors.New("isn't there")

// ErrShared is that a value is used in several places, so that changing it for
// one would change it for all.
var ErrShared = errors.New("is shared with other places")

// Selector tells which document of a file is meant. What is left empty isn't
// looked at; where nothing is given, it is the first.
type Selector struct {
	// Line is one that the document stands on, counting from 1.
	Line int
	// Kind, Namespace and Name are as the document has them. An item of a List
	// is a document of its own.
	Kind, Namespace, Name string
}

func (s Selector) String() string {
	var parts []string
	if s.Kind != "" || s.Name != "" {
		parts = append(parts, strings.Trim(s.Kind+"/"+s.Name, "/"))
	}
	if s.Namespace != "" {
		parts = append(parts, "in namespace "+s.Namespace)
	}
	if s.Line > 0 {
		parts = append(parts, "at line "+strconv.Itoa(s.Line))
	}
	if len(parts) == 0 {
		return "document"
	}
	return strings.Join(parts, " ")
}

// Document is one document of a file. It doesn't change: an edit makes another
// file.
type Document struct {
	file   []byte
	bom    int // the length of the byte order mark
	chunk  chunk
	tree   *tree
	top    *yaml.Node // of the document: the tree's root, or an item of a List
	prefix Path       // the way from the tree's root to top
}

// Open finds a document in a file.
func Open(file []byte, which Selector) (*Document, error) {
	if len(file) > MaxBytes {
		return nil, fmt.Errorf("the file has %d bytes, above the limit of %d", len(file), MaxBytes)
	}
	if !utf8.Valid(file) {
		return nil, errors.New("the file is not UTF-8 text")
	}
	data := bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	var found *Document
	var broken error
	for _, c := range cut(data) {
		if which.Line > 0 && (which.Line < c.line || which.Line > c.line+bytes.Count(c.text, []byte("\n"))) {
			continue
		}
		t, err := parse(c.text, c.json)
		if err != nil {
			broken = fmt.Errorf("the document at line %d %w", c.line, err)
			continue
		}
		whole := Document{file: file, bom: len(file) - len(data), chunk: c, tree: t, top: t.root}
		for _, d := range whole.items() {
			if !d.is(which) {
				continue
			}
			if which == (Selector{}) {
				return &d, nil
			}
			if found != nil {
				return nil, fmt.Errorf("the file has several documents that could be meant by %s", which)
			}
			found = &d
		}
	}
	switch {
	case found != nil:
		return found, nil
	case broken != nil:
		return nil, broken
	}
	return nil, fmt.Errorf("%s %w", which, ErrAbsent)
}

// items are the documents that a document stands for: itself or, of a List,
// its items.
func (d Document) items() []Document {
	_, kind := entry(d.top, "kind")
	_, items := entry(d.top, "items")
	items = resolved(items)
	if kind == nil || !strings.HasSuffix(kind.Value, "List") || items == nil || items.Kind != yaml.SequenceNode {
		return []Document{d}
	}
	var out []Document
	for i, item := range items.Content {
		one := d
		one.top, one.prefix = item, d.prefix.Then(Step{Key: "items"}, Step{Key: strconv.Itoa(i)})
		out = append(out, one.items()...)
	}
	return out
}

// is says whether the document is the one that is meant.
func (d Document) is(which Selector) bool {
	if which.Line > 0 && len(d.prefix) > 0 {
		from, to, err := d.tree.span(d.top)
		if err != nil || which.Line < d.line(from) || which.Line > d.line(to) {
			return false
		}
	}
	_, kind := entry(d.top, "kind")
	_, metadata := entry(d.top, "metadata")
	_, name := entry(resolved(metadata), "name")
	_, namespace := entry(resolved(metadata), "namespace")
	return (which.Kind == "" || kind == nil && len(d.prefix) > 0 || word(kind) == which.Kind) &&
		(which.Name == "" || word(name) == which.Name) &&
		(which.Namespace == "" || word(namespace) == which.Namespace)
}

// word is a scalar's text, or empty.
func word(n *yaml.Node) string {
	if n = resolved(n); n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// line is the number, in the file, of the line that a byte of the chunk is on.
func (d Document) line(at int) int {
	return d.chunk.line + bytes.Count(d.chunk.text[:at], []byte("\n"))
}

// Place is where a value stands.
type Place struct {
	// Line is where the value starts or, of a mapping, a list or a block text,
	// where its key or dash is; in the file, counting from 1. A value that
	// comes by an alias has the line of the anchor.
	Line int
	// Last is the line that it ends on.
	Last int
	// Value is as kustomize would read it: nil, bool, string, int64, float64,
	// []any or map[string]any.
	Value any
	// Shared says that it comes by an alias or a merge key, or is used by one.
	Shared bool
	// Quoted says that it is a text and written so.
	Quoted bool
	// Literal says that it is a text whose lines stand, as they are, from the
	// line behind Line on.
	Literal bool
}

// Find tells where the value at a path stands. Its error is ErrAbsent where
// there is none.
func (d *Document) Find(path Path) (Place, error) {
	w := d.walk(path, true)
	if w.err != nil {
		return Place{}, w.err
	}
	if len(w.rest) > 0 {
		return Place{}, fmt.Errorf("%s %w", path, ErrAbsent)
	}
	n := resolved(w.node)
	at, to, err := d.tree.span(n)
	if err != nil {
		return Place{}, err
	}
	if key := w.key; key != nil && w.node == n && (n.Kind != yaml.ScalarNode || isBlock(n)) {
		if at, err = d.tree.start(key); err != nil {
			return Place{}, err
		}
	}
	value, err := decodeNode(w.node)
	if err != nil {
		return Place{}, err
	}
	quoted := n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Style != 0
	return Place{
		Line: d.line(at), Last: d.line(to), Value: value, Shared: w.shared != "",
		Quoted: quoted, Literal: n.Style&yaml.LiteralStyle != 0,
	}, nil
}

// Line is the one that the document starts on.
func (d *Document) Line() int {
	at, err := d.tree.start(d.top)
	if err != nil {
		return d.chunk.line
	}
	return d.line(at)
}

// Value is the whole document, as Find would tell it.
func (d *Document) Value() (any, error) { return decodeNode(d.top) }
