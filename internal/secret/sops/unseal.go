package sops

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/internal/secret"
)

// Unseal is what an encrypted file holds, as people would write it, with its
// comments. A file that isn't encrypted is an error.
func Unseal(keys *secret.Keys, name string, content []byte) ([]byte, error) {
	p, encrypted := parse(name, content)
	if !encrypted || len(content) > MaxBytes {
		return nil, fmt.Errorf("%s is not encrypted with SOPS", name)
	}
	m, err := parseMetadata(p.metadata)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	ring, err := keys.Ring()
	if err != nil {
		return nil, err
	}
	key, err := dataKey(m, ring)
	if err != nil && !errors.Is(err, errNotEnough) {
		return nil, &Unreadable{File: name, why: err.Error()}
	}
	if err != nil {
		return nil, &Unreadable{File: name, why: fmt.Sprintf("none of the keys given here reads it: it is encrypted for %s; given is %s",
			listed(m.allRecipients()), given(ring))}
	}
	w, err := newWalk(m, key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	w.comments = true
	if err := w.open(p.docs, m); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if isYAML(content) {
		p.write = encodeYAML
		for _, doc := range p.docs {
			plainStyle(doc)
		}
	}
	out, err := p.write(p.docs)
	if err != nil {
		return nil, fmt.Errorf("%s: it can't be written out again", name) // why might tell what is in it
	}
	return out, nil
}

func given(ring secret.Ring) string {
	if names := ring.Names(); len(names) > 0 {
		return listed(names)
	}
	return "none: give one with --age-key-file or --pgp-key-file"
}

// plainStyle lets each text be written as it reads best, and so that all who read
// YAML take it for one: to some of them a plain yes is no text.
func plainStyle(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Style == yaml.DoubleQuotedStyle {
		restyle(n)
	}
	for _, below := range n.Content {
		plainStyle(below)
	}
}

// uncomment decrypts the comments at a node. One that wasn't encrypted stays.
func (w *walk) uncomment(n *yaml.Node, path []string) {
	where := strings.Join(path, ":") + ":"
	_ = eachComment(n, func(line string) (string, error) { // which has no error
		plain, kind, err := unseal(line, w.key, where)
		if err != nil || kind != kindComment {
			return line, nil
		}
		w.note(plain, kind, where, line)
		return plain, nil
	})
}
