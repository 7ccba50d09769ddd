package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/secret"
)

// Opener opens SealedSecrets with the keys there are.
type Opener struct {
	Keys *secret.Keys
}

// The names of SealedSecrets.
const (
	group             = "bitnami.com"
	kind              = "SealedSecret"
	annotationWide    = "sealedsecrets.bitnami.com/namespace-wide"
	annotationCluster = "sealedsecrets.bitnami.com/cluster-wide"
)

// Unseal is the Secret that a SealedSecret stands for, and the values in it. A
// SealedSecret without a namespace is one of the namespace that is given. Of
// another object, or without a key, it is what was handed in; of an object that
// isn't sealed the values are nil.
func (u Opener) Unseal(o object.Object, namespace string) (object.Object, []string, error) {
	if gvk := o.GroupVersionKind(); gvk.Group != group || gvk.Kind != kind {
		return o, nil, nil
	}
	ring, err := u.Keys.Ring()
	if err != nil {
		return o, nil, &Unopened{why: "the keys can't be had: " + err.Error()}
	}
	if ring.Seals() == 0 {
		return o, []string{}, nil
	}
	in, err := read(o.Unstructured.Object)
	if err != nil {
		return o, nil, err
	}
	if o.GetNamespace() != "" {
		namespace = o.GetNamespace()
	}
	values, err := in.open(ring, labelOf(o.GetAnnotations(), namespace, o.GetName()))
	if err != nil {
		return o, nil, err
	}
	if err := in.expand(values); err != nil {
		return o, nil, err
	}
	made := object.Object{Unstructured: &unstructured.Unstructured{Object: in.secret(o, values)}, Origin: o.Origin}
	secrets := slices.Collect(maps.Values(values))
	return made, append(secrets, ""), nil // never nil
}

// labelOf is where a value belongs: it is part of what was encrypted.
func labelOf(annotations map[string]string, namespace, name string) string {
	switch {
	case annotations[annotationCluster] == "true":
		return ""
	case annotations[annotationWide] == "true":
		return namespace
	}
	return namespace + "/" + name
}

// Unopened is a SealedSecret that none of the keys there are now opens.
type Unopened struct{ why string }

// Error says what is in the way.
func (u *Unopened) Error() string { return u.why }

// Retry says that trying again may go well: keys come and go without a commit.
func (u *Unopened) Retry() bool { return true }

// open decrypts all values.
func (s sealed) open(ring secret.Ring, label string) (map[string]string, error) {
	values := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(s.values)) {
		plain, err := openValue(ring, s.values[key], label)
		if errors.Is(err, errKey) {
			return nil, &Unopened{why: fmt.Sprintf("%s can't be opened by any of the %d keys given for Sealed Secrets: it was sealed for another cluster, or as %s",
				key, ring.Seals(), elsewhere(label))}
		}
		if err != nil {
			return nil, fmt.Errorf("%s %w", key, err)
		}
		values[key] = plain
	}
	return values, nil
}

// elsewhere says what else would keep a value from being opened.
func elsewhere(label string) string {
	switch {
	case label == "":
		return "part of one namespace, which the annotations don't say any more"
	case strings.Contains(label, "/"):
		return "another one than " + label
	}
	return "part of another namespace than " + label
}

var (
	errKey    = errors.New("none of the keys opens it")
	errBroken = errors.New("is not as kubeseal writes it: seal it again")
)

// sizePrefix is how many bytes say how long the session key is.
const sizePrefix = 2

// openValue decrypts one value.
func openValue(ring secret.Ring, value, label string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(value)
	if err != nil || len(raw) < sizePrefix {
		return "", errBroken
	}
	size := int(binary.BigEndian.Uint16(raw))
	if raw = raw[sizePrefix:]; len(raw) < size {
		return "", errBroken
	}
	session, err := ring.OpenSealed(raw[:size], []byte(label))
	if err != nil {
		return "", errKey
	}
	block, err := aes.NewCipher(session)
	if err != nil {
		return "", errBroken
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return "", errBroken
	}
	nonce := make([]byte, gcm.NonceSize()) // the key is used once, so it may be zero
	plain, err := gcm.Open(nil, nonce, raw[size:], nil)
	if err != nil {
		return "", errBroken
	}
	return string(plain), nil
}
