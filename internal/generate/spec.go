package generate

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/object"
)

// The bounds of what a Secret may ask for.
const (
	mostText   = 16 << 10 // of the annotation
	mostKeys   = 64
	mostLength = 4096
	ownLength  = 32 // where none is asked for
)

// Spec is what a Secret asks to be generated, by key.
type Spec map[string]Value

// Value is what one key holds. Without a kind it is text.
type Value struct {
	// Length and Alphabet are of text: alphanumeric (the default), letters,
	// digits, hex, symbols or base64url.
	Length   int    `json:"length,omitempty"`
	Alphabet string `json:"alphabet,omitempty"`
	// Bytes is how many random bytes there are, as base64.
	Bytes int `json:"bytes,omitempty"`
	// UUID is a random one.
	UUID bool `json:"uuid,omitempty"`
	// Pair is a key pair: rsa-2048, rsa-3072, rsa-4096, ecdsa-p256, ecdsa-p384,
	// ed25519 or age. Format is pem (the default) or openssh; of age there is one.
	Pair   string `json:"pair,omitempty"`
	Format string `json:"format,omitempty"`
	// Public is the key that holds the pair's public half. Default: KEY.pub.
	Public string `json:"public,omitempty"`
	// BasicAuth is a line of a htpasswd file, for a user.
	BasicAuth string `json:"basicAuth,omitempty"`
	// Password is the key that holds the user's password. Default: KEY.password.
	Password string `json:"password,omitempty"`
}

// Asked says whether a Secret asks for anything, at little cost.
func Asked(key object.Key, body []byte) bool {
	return key.Group == "" && key.Kind == "Secret" && bytes.Contains(body, []byte(`"`+object.AnnotationGenerate+`"`))
}

// Parse reads the annotation of a Secret. Names of keys that are declared beside
// it must not be among those that it asks for.
func Parse(text string, declared map[string]any) (Spec, error) {
	if len(text) > mostText {
		return nil, fmt.Errorf("%s has more than %d bytes", object.AnnotationGenerate, mostText)
	}
	var spec Spec
	if err := yaml.UnmarshalStrict([]byte(text), &spec); err != nil {
		return nil, fmt.Errorf("%s: it is no map of keys to what each of them is, such as {password: {length: 32}}: %w", object.AnnotationGenerate, err)
	}
	seen := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(spec)) {
		value := spec[key].complete(key)
		if err := value.check(); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", object.AnnotationGenerate, key, err)
		}
		spec[key] = value
		for _, name := range value.keys(key) {
			if _, ok := declared[name]; ok {
				return nil, fmt.Errorf("%s: %s is declared as well; leave one of the two out", object.AnnotationGenerate, name)
			}
			if seen[name] != "" {
				return nil, fmt.Errorf("%s: %s and %s both make the key %s", object.AnnotationGenerate, seen[name], key, name)
			}
			if !validKey.MatchString(name) {
				return nil, fmt.Errorf("%s: %q is no key of a Secret: it has letters, digits, dots, dashes and underscores", object.AnnotationGenerate, name)
			}
			seen[name] = key
		}
	}
	if len(seen) == 0 || len(seen) > mostKeys {
		return nil, fmt.Errorf("%s: it asks for %d keys; 1 to %d are possible", object.AnnotationGenerate, len(seen), mostKeys)
	}
	return spec, nil
}

var validKey = regexp.MustCompile(`^[-._a-zA-Z0-9]{1,253}$`)

// complete is a value with its defaults.
func (v Value) complete(key string) Value {
	switch {
	case v.Pair != "":
		if v.Public == "" {
			v.Public = key + ".pub"
		}
		if v.Format == "" && v.Pair != "age" {
			v.Format = "pem"
		}
	case v.BasicAuth != "":
		if v.Password == "" {
			v.Password = key + ".password"
		}
		fallthrough
	case v.Bytes == 0 && !v.UUID:
		if v.Length == 0 {
			v.Length = ownLength
		}
		if v.Alphabet == "" {
			v.Alphabet = "alphanumeric"
		}
	}
	return v
}

// check says what is wrong with a completed value.
func (v Value) check() error {
	kinds := 0
	for _, is := range []bool{v.Pair != "", v.BasicAuth != "", v.Bytes != 0, v.UUID} {
		if is {
			kinds++
		}
	}
	text := v.Length != 0 || v.Alphabet != ""
	switch {
	case kinds > 1, kinds == 1 && text && v.BasicAuth == "":
		return errors.New("it is of one kind: text (length, alphabet), bytes, uuid, pair or basicAuth")
	case v.Length < 0 || v.Length > mostLength || v.Bytes < 0 || v.Bytes > mostLength:
		return fmt.Errorf("its length is 1 to %d", mostLength)
	case text && alphabets[v.Alphabet] == "":
		return fmt.Errorf("there is no alphabet %q; there are %s", v.Alphabet, names(alphabets))
	case v.Pair == "" && (v.Public != "" || v.Format != ""):
		return errors.New("public and format belong to a pair")
	case v.BasicAuth == "" && v.Password != "":
		return errors.New("password belongs to basicAuth")
	case v.BasicAuth != "" && (!validUser.MatchString(v.BasicAuth) || v.Length > mostOfBcrypt):
		return fmt.Errorf("a user has letters, digits, dots, dashes, underscores and @, and a password at most %d letters", mostOfBcrypt)
	case v.Pair != "":
		return v.checkPair()
	}
	return nil
}

// mostOfBcrypt is how much of a password bcrypt looks at.
const mostOfBcrypt = 72

var validUser = regexp.MustCompile(`^[-._@a-zA-Z0-9]{1,128}$`)

func (v Value) checkPair() error {
	if !slices.Contains(pairs, v.Pair) {
		return fmt.Errorf("there is no pair %q; there are %s", v.Pair, pairs)
	}
	if v.Pair == "age" && v.Format != "" || v.Pair != "age" && v.Format != "pem" && v.Format != "openssh" {
		return errors.New("the format of a pair is pem or openssh; of age there is one only")
	}
	return nil
}

// keys are the keys of the Secret that a value fills.
func (v Value) keys(key string) []string {
	switch {
	case v.Pair != "":
		return []string{key, v.Public}
	case v.BasicAuth != "":
		return []string{key, v.Password}
	}
	return []string{key}
}

// Keys are all keys that are generated, sorted.
func (s Spec) Keys() (all []string) {
	for key, v := range s {
		all = append(all, v.keys(key)...)
	}
	slices.Sort(all)
	return all
}

func names[V any](m map[string]V) string {
	return fmt.Sprint(slices.Sorted(maps.Keys(m)))
}
