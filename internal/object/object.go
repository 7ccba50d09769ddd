package object

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Origin is where an object was declared: a file of the tree, and a line that
// counts from 1, or 0 where the renderer can't tell.
type Origin struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// String is FILE:LINE, or what is known of it.
func (o Origin) String() string {
	if o.Line == 0 {
		return o.File
	}
	return fmt.Sprintf("%s:%d", o.File, o.Line)
}

// Object is one declared object.
type Object struct {
	*unstructured.Unstructured
	Origin Origin
}

// Key is the object's identity.
func (o Object) Key() Key {
	gvk := o.GroupVersionKind()
	return Key{Group: gvk.Group, Kind: gvk.Kind, Namespace: o.GetNamespace(), Name: o.GetName()}
}

// Digest is a hash of the content, as hex. Equal content gives equal digests
// whatever the order of its keys.
func (o Object) Digest() string {
	b, err := json.Marshal(o.Unstructured.Object) // map keys come out sorted
	if err != nil {
		return "" // content parsed from YAML or JSON always marshals
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// DigestWith is the digest of the content together with what else an apply
// depends on.
func (o Object) DigestWith(more ...string) string {
	sum := sha256.Sum256([]byte(o.Digest() + "\x00" + strings.Join(more, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// Key identifies an object whatever its version.
type Key struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// GroupKind is the key's group and kind.
func (k Key) GroupKind() schema.GroupKind { return schema.GroupKind{Group: k.Group, Kind: k.Kind} }

// Names says whether the key, as someone wrote it, names an object: a group or
// a namespace that isn't given fits any, and a kind is known however it is cased.
func (k Key) Names(other Key) bool {
	return strings.EqualFold(k.Kind, other.Kind) && k.Name == other.Name &&
		(k.Namespace == "" || k.Namespace == other.Namespace) && (k.Group == "" || k.Group == other.Group)
}

// String is Kind/name, with the namespace before the name where there is one:
// Deployment/shop/web. Groups are left out, as people do.
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Kind + "/" + k.Name
	}
	return k.Kind + "/" + k.Namespace + "/" + k.Name
}

// ID is the key with its group, unambiguous: apps/Deployment/shop/web. The
// namespace of a cluster-scoped object is empty: /Namespace//shop.
func (k Key) ID() string {
	return strings.Join([]string{k.Group, k.Kind, k.Namespace, k.Name}, "/")
}

// ParseID reads what ID wrote.
func ParseID(s string) (Key, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 4 || parts[1] == "" || parts[3] == "" {
		return Key{}, fmt.Errorf("object id %q is not GROUP/KIND/NAMESPACE/NAME", s)
	}
	return Key{Group: parts[0], Kind: parts[1], Namespace: parts[2], Name: parts[3]}, nil
}

// ParseKey reads what people write: KIND/NAME or KIND/NAMESPACE/NAME, where the
// kind may be followed by its group, as in Deployment.apps/web. See Names.
func ParseKey(s string) (Key, error) {
	parts := strings.Split(s, "/")
	k := Key{Name: parts[len(parts)-1]}
	k.Kind, k.Group, _ = strings.Cut(parts[0], ".")
	if len(parts) == 3 {
		k.Namespace = parts[1]
	}
	if len(parts) < 2 || len(parts) > 3 || k.Kind == "" || k.Name == "" || len(parts) == 3 && k.Namespace == "" {
		return Key{}, fmt.Errorf("%q names no object: write KIND/NAME or KIND/NAMESPACE/NAME, such as Deployment/shop/web", s)
	}
	return k, nil
}
