package sops

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/internal/manifest"
)

// The kinds of encrypted values.
const (
	kindText    = "str"
	kindBytes   = "bytes"
	kindInt     = "int"
	kindFloat   = "float"
	kindBool    = "bool"
	kindTime    = "time"
	kindComment = "comment"
)

// walk decrypts documents in place, in the order in which SOPS did, and sums up
// what is in them on the way.
type walk struct {
	key       []byte
	encrypted rule
	only      bool // what is not encrypted doesn't count for the sum
	sum       hash.Hash
	// secrets are the values that were decrypted.
	secrets []string
}

// decrypt decrypts the documents of a file and verifies its sum.
func decrypt(docs []*yaml.Node, m metadata, key []byte) (secrets []string, err error) {
	encrypted, err := m.rule()
	if err != nil {
		return nil, err
	}
	w := &walk{key: key, encrypted: encrypted, only: m.MACOnlyEncrypted, sum: sha512.New(), secrets: []string{}}
	if w.only {
		begin := sha256.Sum256([]byte("sops")) // so that the one sum can't be taken for the other
		w.sum.Write(begin[:])
	}
	for _, doc := range docs {
		if err := w.value(doc, nil, 0); err != nil {
			return nil, err
		}
	}
	want, _, err := unseal(m.MAC, key, m.modified())
	if err != nil || !hmac.Equal([]byte(want), fmt.Appendf(nil, "%X", w.sum.Sum(nil))) {
		return nil, errors.New("its checksum is wrong: something was changed, moved or taken out after it was encrypted; edit it with sops, not by hand")
	}
	return w.secrets, nil
}

func (w *walk) value(n *yaml.Node, path []string, depth int) error {
	if depth > manifest.MaxDepth {
		return fmt.Errorf("values nest more than %d deep", manifest.MaxDepth)
	}
	switch n.Kind {
	case yaml.MappingNode:
		return w.mapping(n, path, depth)
	case yaml.SequenceNode:
		return w.list(n, path, depth)
	case yaml.ScalarNode:
		return w.scalar(n, path)
	}
	return errors.New("it has aliases, which SOPS doesn't write: encrypt it again")
}

func (w *walk) mapping(n *yaml.Node, path []string, depth int) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			return errors.New("it has keys that are no text, which SOPS doesn't write: encrypt it again")
		}
		if err := w.value(n.Content[i+1], append(path[:len(path):len(path)], key.Value), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// list decrypts what is in a list, in which comments stand as values.
func (w *walk) list(n *yaml.Node, path []string, depth int) error {
	kept := n.Content[:0]
	for _, item := range n.Content {
		if err := w.value(item, path, depth+1); err != nil {
			return err
		}
		if item.Tag != commentTag {
			kept = append(kept, item)
		}
	}
	n.Content = kept
	return nil
}

// commentTag marks what turned out to be a comment.
const commentTag = "!comment"

func (w *walk) scalar(n *yaml.Node, path []string) error {
	if n.ShortTag() == "!!null" {
		return nil // which SOPS leaves alone and doesn't count
	}
	if !w.encrypted(path, n.Value) {
		plain, err := counted(n)
		if err == nil && !w.only {
			w.sum.Write(plain)
		}
		return at(path, err)
	}
	plain, kind, err := unseal(n.Value, w.key, strings.Join(path, ":")+":")
	if err != nil {
		return at(path, err)
	}
	if err := w.put(n, plain, kind); err != nil {
		return at(path, err)
	}
	if kind != kindComment {
		w.sum.Write([]byte(plain))
	}
	return nil
}

// at says where in the file an error is. Keys are not encrypted.
func at(path []string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %w", strings.Join(path, "."), err)
}

// put is what a node is after it was decrypted. A text stays on one line, so
// that what follows keeps its place.
func (w *walk) put(n *yaml.Node, plain, kind string) error {
	n.Value, n.Style = plain, 0
	switch kind {
	case kindText, kindBytes:
		n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
	case kindInt:
		n.Tag = "!!int"
	case kindFloat:
		n.Tag = "!!float"
		if !strings.ContainsAny(plain, ".eEIN") {
			n.Value += ".0" // or it would be read as a whole number
		}
	case kindBool:
		n.Tag, n.Value = "!!bool", strings.ToLower(plain)
		return nil // there is nothing secret in being one of two
	case kindTime:
		n.Tag = "!!timestamp"
	case kindComment:
		n.Tag = commentTag
	default:
		return errors.New("is of a kind that this version doesn't know")
	}
	w.secrets = append(w.secrets, plain)
	return nil
}

// counted is what a value that isn't encrypted counts for.
func counted(n *yaml.Node) ([]byte, error) {
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, errors.New("can't be read")
	}
	switch v := v.(type) {
	case string:
		return []byte(v), nil
	case int:
		return strconv.AppendInt(nil, int64(v), 10), nil
	case float64:
		return strconv.AppendFloat(nil, v, 'f', -1, 64), nil
	case bool:
		if v {
			return []byte("True"), nil
		}
		return []byte("False"), nil
	case time.Time:
		return v.MarshalText()
	case nil:
		return nil, nil
	}
	return nil, errors.New("is a number that SOPS doesn't write")
}
