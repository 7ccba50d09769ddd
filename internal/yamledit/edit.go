package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Bytes is the file that the document is part of.
func (d *Document) Bytes() []byte { return slices.Clone(d.file) }

// Set is the document with a value at a path. What leads to it is added where
// it isn't there. Of a mapping or list that is there, only what differs is
// written.
func (d *Document) Set(path Path, value any) (*Document, error) {
	value, err := normal(value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(path) == 0 {
		return nil, errors.New("a whole document can't be set")
	}
	w := d.walk(path, false)
	if w.err != nil {
		return nil, w.err
	}
	if len(w.rest) > 0 {
		c, err := adding(w, value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return d.apply(path, w, []change{c})
	}
	changes, err := changes(w.node, w.done, value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return d.apply(path, w, changes)
}

// Remove is the document without the value at a path.
func (d *Document) Remove(path Path) (*Document, error) {
	w := d.walk(path, false)
	switch {
	case w.err != nil:
		return nil, w.err
	case len(w.rest) > 0:
		return nil, fmt.Errorf("%s %w", path, ErrAbsent)
	case len(path) == 0:
		return nil, errors.New("a whole document can't be removed")
	}
	return d.apply(path, w, []change{{verb: drop, at: w.done}})
}

// adding is the change that adds what a path leads to behind its last value
// that is there.
func adding(w walked, value any) (change, error) {
	for i := len(w.rest) - 1; i > 0; i-- {
		switch s := w.rest[i]; {
		case s.Match == nil && s.Key == "-":
			value = []any{value}
		case s.Match == nil:
			value = map[string]any{s.Key: value}
		default:
			made, err := completed(s, value)
			if err != nil {
				return change{}, err
			}
			value = []any{made}
		}
	}
	first := w.rest[0]
	step := first
	if first.Match != nil {
		made, err := completed(first, value)
		if err != nil {
			return change{}, err
		}
		value, step = made, Step{Key: strconv.Itoa(len(w.node.Content))}
	}
	if w.node.Kind == yaml.SequenceNode {
		return change{verb: insert, at: w.done.Then(Step{Key: strconv.Itoa(len(w.node.Content))}), value: value}, nil
	}
	if isNull(w.node) && (first.Match != nil || first.Key == "-") {
		return change{verb: put, at: w.done, value: []any{value}}, nil
	}
	if isNull(w.node) {
		return change{verb: put, at: w.done, value: map[string]any{first.Key: value}}, nil
	}
	return change{verb: put, at: w.done.Then(step), value: value}, nil
}

// completed is the element that a step looks for, with what it is to hold.
func completed(s Step, value any) (any, error) {
	made, err := normal(s.made())
	if err != nil {
		return nil, err
	}
	fields, isMap := made.(map[string]any)
	more, both := value.(map[string]any)
	switch {
	case !isMap:
		return made, nil
	case !both:
		return nil, errors.New("an element that is found by its fields has to be a mapping")
	}
	for k, v := range more {
		fields[k] = v
	}
	return fields, nil
}

// changes are the small ones that make one value of another.
func changes(n *yaml.Node, at Path, want any) ([]change, error) {
	have, err := decodeNode(n)
	if err != nil || equal(have, want) {
		return nil, err
	}
	whole := []change{{verb: put, at: at, value: want}}
	switch want := want.(type) {
	case map[string]any:
		if n.Kind == yaml.MappingNode && len(want) > 0 {
			return mappingChanges(n, at, want)
		}
	case []any:
		if n.Kind == yaml.SequenceNode && len(want) > 0 {
			return listChanges(n, at, want)
		}
	}
	return whole, nil
}

func mappingChanges(n *yaml.Node, at Path, want map[string]any) ([]change, error) {
	var list, dropped []change
	own := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if n.Content[i].Tag == "!!merge" {
			continue
		}
		own[key] = true
		below := at.Then(Step{Key: key})
		if wanted, stays := want[key]; stays {
			more, err := changes(n.Content[i+1], below, wanted)
			if err != nil {
				return nil, err
			}
			list = append(list, more...)
		} else {
			dropped = append(dropped, change{verb: drop, at: below})
		}
	}
	for _, key := range ordered(want) {
		_, taken := merged(n, key)
		if own[key] {
			continue
		}
		if taken != nil {
			if have, err := decodeNode(taken); err == nil && equal(have, want[key]) {
				continue
			}
		}
		list = append(list, change{verb: put, at: at.Then(Step{Key: key}), value: want[key]})
	}
	return append(list, dropped...), nil
}

// apply does changes one after the other.
func (d *Document) apply(path Path, w walked, list []change) (*Document, error) {
	next := d
	for _, c := range list {
		var err error
		next, err = next.do(c)
		switch {
		case err != nil && w.shared != "":
			return nil, fmt.Errorf("%s %w, by the anchor &%s; write out what differs, by hand", path, ErrShared, w.shared)
		case err != nil:
			return nil, fmt.Errorf("%s %w", path, err)
		}
	}
	return next, nil
}

// do does one change, in the first of its possible ways that comes out right.
func (d *Document) do(c change) (*Document, error) {
	ways, err := d.tree.ways(c)
	if err != nil {
		return nil, err
	}
	before, err := d.readings()
	if err != nil {
		return nil, err
	}
	for _, s := range ways {
		next, err := d.with(s)
		if err == nil {
			err = next.holds(before, c)
		}
		if err == nil {
			return next, nil
		}
	}
	return nil, errPlace
}

// splice is bytes that come in the place of others.
type splice struct {
	from, to int
	text     string
}

// with is the document after a splice. Every other document of the file has to
// stay what it is.
func (d *Document) with(s splice) (*Document, error) {
	at := d.bom + d.chunk.start
	file := slices.Concat(d.file[:at+s.from], []byte(s.text), d.file[at+s.to:])
	before, after := cut(d.file[d.bom:]), cut(file[d.bom:])
	if len(before) != len(after) || len(file) > MaxBytes {
		return nil, errPlace
	}
	next := &Document{file: file, bom: d.bom, prefix: d.prefix}
	for i := range after {
		if before[i].start == d.chunk.start {
			next.chunk = after[i]
		} else if !bytes.Equal(before[i].text, after[i].text) || before[i].json != after[i].json {
			return nil, errPlace
		}
	}
	var err error
	if next.tree, err = parse(next.chunk.text, next.chunk.json); err != nil {
		return nil, err
	}
	next.top = next.tree.root
	for _, s := range next.prefix {
		if next.top, _, _, err = below(next.top, s); err != nil || next.top == nil {
			return nil, errPlace
		}
	}
	return next, nil
}

// readings are what the two families of readers make of the whole text.
func (d *Document) readings() ([2]any, error) {
	asKustomize, err := decodeNode(d.tree.root)
	if err != nil {
		return [2]any{}, err
	}
	asKubectl, err := decodeText(d.chunk.text, d.chunk.json)
	return [2]any{asKustomize, asKubectl}, err
}

// holds says, by an error, when the document isn't what a change makes of what
// it was.
func (d *Document) holds(before [2]any, c change) error {
	after, err := d.readings()
	if err != nil {
		return err
	}
	for i := range before {
		want, err := c.on(before[i])
		if err != nil {
			return err
		}
		if !equal(want, after[i]) {
			return errPlace
		}
	}
	return nil
}
