package sops

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"

	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/internal/manifest"
)

// encryption encrypts documents in place, in the order in which SOPS would, and
// sums up what is in them on the way.
type encryption struct {
	key       []byte
	encrypted rule
	sum       hash.Hash
	before    *earlier // nil is none by the same key
	doc       int
}

func newEncryption(key []byte, before *earlier) (*encryption, error) {
	encrypted, err := matching(SecretFields)
	return &encryption{key: key, encrypted: encrypted, sum: sha512.New(), before: before}, err
}

// total is the sum of all that was seen.
func (e *encryption) total() string { return fmt.Sprintf("%X", e.sum.Sum(nil)) }

func (e *encryption) documents(docs []*yaml.Node) error {
	for i, doc := range docs {
		e.doc = i
		outOfBraces(doc)
		if child(doc, sectionName) != nil {
			return errors.New("it has a field " + sectionName + ", which is SOPS' own: take it out")
		}
		if err := e.node(doc, nil, 0); err != nil {
			return err
		}
	}
	return nil
}

// outOfBraces gives fields and values lines of their own, by which SOPS' section
// is found.
func outOfBraces(doc *yaml.Node) {
	for _, n := range []*yaml.Node{doc, child(doc, "data"), child(doc, "stringData")} {
		if n != nil {
			n.Style &^= yaml.FlowStyle
		}
	}
}

func (e *encryption) node(n *yaml.Node, path []string, depth int) error {
	if depth > manifest.MaxDepth {
		return fmt.Errorf("values nest more than %d deep", manifest.MaxDepth)
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return at(path, e.scalar(n, path))
	case yaml.SequenceNode:
		for _, item := range n.Content {
			if err := e.node(item, path, depth+1); err != nil {
				return err
			}
		}
		return nil
	case yaml.MappingNode:
		return e.mapping(n, path, depth)
	}
	return at(path, errors.New("is an alias, which SOPS doesn't write: write it out"))
}

func (e *encryption) mapping(n *yaml.Node, path []string, depth int) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		below := append(path[:len(path):len(path)], key.Value)
		if key.Kind != yaml.ScalarNode {
			return at(path, errors.New("has a key that is no text"))
		}
		of := path
		if value.Kind != yaml.ScalarNode {
			of = below
		}
		if err := errors.Join(e.comments(key, path), e.comments(value, of)); err != nil {
			return err
		}
		if err := e.node(value, below, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (e *encryption) scalar(n *yaml.Node, path []string) error {
	n.Anchor = ""
	if n.ShortTag() == "!!null" {
		return nil // which SOPS leaves alone and doesn't count
	}
	plain, err := counted(n)
	if err != nil {
		return err
	}
	e.sum.Write(plain)
	if !e.encrypted(path, n.Value) {
		return nil
	}
	if n.Value, err = e.value(n.Value, kindText, strings.Join(path, ":")+":"); err == nil {
		n.Tag, n.Style = "!!str", 0
	}
	return err
}

// value encrypts one value for its place, or takes what it was encrypted as
// before.
func (e *encryption) value(plain, kind, where string) (string, error) {
	if plain == "" {
		return "", nil // SOPS leaves what is empty as it is
	}
	if e.before != nil {
		if known, same := e.before.known[place{e.doc, where, kind, plain}]; same {
			return known, nil
		}
	}
	const nonceSize = 32
	block, err := aes.NewCipher(e.key)
	if err != nil {
		return "", err
	}
	gcm, err := cipher.NewGCMWithNonceSize(block, nonceSize)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // which never fails
	out := gcm.Seal(nil, nonce, []byte(plain), []byte(where))
	data, tag := out[:len(out)-gcm.Overhead()], out[len(out)-gcm.Overhead():]
	text := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("ENC[AES256_GCM,data:%s,iv:%s,tag:%s,type:%s]", text(data), text(nonce), text(tag), kind), nil
}

// comments encrypts the comments at a node, line by line: what is commented out
// is often a value as well.
func (e *encryption) comments(n *yaml.Node, path []string) error {
	if !e.encrypted(path, "") {
		return nil
	}
	return eachComment(n, func(line string) (string, error) {
		return e.value(line, kindComment, strings.Join(path, ":")+":")
	})
}

// eachComment changes the lines of the comments at a node.
func eachComment(n *yaml.Node, change func(line string) (string, error)) error {
	for _, comment := range []*string{&n.HeadComment, &n.LineComment, &n.FootComment} {
		lines := strings.Split(*comment, "\n")
		for i, line := range lines {
			text, is := strings.CutPrefix(strings.TrimSpace(line), "#")
			if !is {
				continue
			}
			changed, err := change(text)
			if err != nil {
				return err
			}
			lines[i] = "#" + changed
		}
		*comment = strings.Join(lines, "\n")
	}
	return nil
}
