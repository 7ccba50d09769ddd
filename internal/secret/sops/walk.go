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

	comments bool // decrypt those as well
	// known takes, unless it is nil, what each value was encrypted as.
	known map[place]string
	doc   int
}

// decrypt decrypts the documents of a file and verifies its sum.
func decrypt(docs []*yaml.Node, m metadata, key []byte) (secrets []string, err error) {
	w, err := newWalk(m, key)
	if err == nil {
		err = w.open(docs, m)
	}
	if err != nil {
		return nil, err
	}
	return w.secrets, nil
}

func newWalk(m metadata, key []byte) (*walk, error) {
	encrypted, err := m.rule()
	if err != nil {
		return nil, err
	}
	w := &walk{key: key, encrypted: encrypted, only: m.MACOnlyEncrypted, sum: sha512.New(), secrets: []string{}}
	if w.only {
		begin := sha256.Sum256([]byte("sops")) // so that the one sum can't be taken for the other
		w.sum.Write(begin[:])
	}
	return w, nil
}

// total is the sum of all that was seen.
func (w *walk) total() string { return fmt.Sprintf("%X", w.sum.Sum(nil)) }

// open decrypts the documents and verifies their sum.
func (w *walk) open(docs []*yaml.Node, m metadata) error {
	for i, doc := range docs {
		w.doc = i
		if err := w.value(doc, nil, 0); err != nil {
			return err
		}
	}
	want, _, err := unseal(m.MAC, w.key, m.modified())
	if err != nil || !hmac.Equal([]byte(want), []byte(w.total())) {
		return errors.New("its checksum is wrong: something was changed, moved or taken out after it was encrypted; edit it with sops, not by hand")
	}
	return nil
}

// note keeps what a value was encrypted as.
func (w *walk) note(plain, kind, where, sealed string) {
	if w.known != nil {
		w.known[place{w.doc, where, kind, plain}] = sealed
	}
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
		value, below := n.Content[i+1], append(path[:len(path):len(path)], key.Value)
		if w.comments || w.known != nil {
			of := path
			if value.Kind != yaml.ScalarNode {
				of = below
			}
			w.uncomment(key, path)
			w.uncomment(value, of)
		}
		if err := w.value(value, below, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// list decrypts what is in a list, in which comments stand as values.
func (w *walk) list(n *yaml.Node, path []string, depth int) error {
	for _, item := range n.Content {
		if err := w.value(item, path, depth+1); err != nil {
			return err
		}
	}
	n.Content = w.uncommented(n.Content)
	return nil
}

// uncommented are the items of a list that are values. What were comments goes to
// the values that they stood above, where comments are asked for.
func (w *walk) uncommented(items []*yaml.Node) []*yaml.Node {
	kept, above := items[:0], ""
	for _, item := range items {
		if item.Tag == commentTag {
			above = strings.TrimPrefix(above+"\n#"+item.Value, "\n")
			continue
		}
		if w.comments {
			item.HeadComment = joined(above, item.HeadComment)
		}
		kept, above = append(kept, item), ""
	}
	if last := len(kept) - 1; w.comments && last >= 0 {
		kept[last].FootComment = joined(above, kept[last].FootComment)
	}
	return kept
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
	where := strings.Join(path, ":") + ":"
	plain, kind, err := unseal(n.Value, w.key, where)
	if err != nil {
		return at(path, err)
	}
	w.note(plain, kind, where, n.Value)
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
		n.Tag, n.Value = number(plain)
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

// number is a number as YAML has it, and how it is read: a whole one is written as
// such, as SOPS does, for API servers take no 5432.0 for a port.
func number(plain string) (tag, value string) {
	switch plain {
	case "+Inf", "-Inf", "NaN":
		return "!!float", strings.Replace("."+strings.ToLower(strings.TrimPrefix(plain, "+")), ".-", "-.", 1)
	}
	if strings.ContainsAny(plain, ".eE") {
		return "!!float", plain
	}
	return "!!int", plain
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
	case uint64: // what JSON has of such numbers, SOPS takes for floats
		return strconv.AppendFloat(nil, float64(v), 'f', -1, 64), nil
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
