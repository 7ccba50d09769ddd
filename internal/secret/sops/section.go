package sops

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/internal/secret"
)

// sealedVersion is the version of SOPS that wrote files like ours.
const sealedVersion = "3.13.3"

// SecretFields says which values of a Secret are encrypted.
const SecretFields = "^(data|stringData)$"

// written is SOPS' section as it is written.
type written struct {
	Age            []writtenKey `yaml:"age"`
	LastModified   string       `yaml:"lastmodified"`
	MAC            string       `yaml:"mac"`
	EncryptedRegex string       `yaml:"encrypted_regex"`
	Version        string       `yaml:"version"`
}

type writtenKey struct {
	Recipient string `yaml:"recipient"`
	Enc       string `yaml:"enc"`
}

// ageKeys are the file's key for each recipient. One that was made before for
// the same key is kept.
func ageKeys(recipients []string, key []byte, before group) (keys []writtenKey, err error) {
	for _, name := range recipients {
		if i := slices.IndexFunc(before.Age, func(k ageKey) bool { return k.Recipient == name }); i >= 0 {
			keys = append(keys, writtenKey{name, before.Age[i].Enc})
			continue
		}
		to, err := secret.Recipients([]string{name})
		if err != nil {
			return nil, err
		}
		enc, err := secret.Lock(key, to)
		if err != nil {
			return nil, err
		}
		keys = append(keys, writtenKey{name, string(enc)})
	}
	return keys, nil
}

// node is the section as it stands in a document. What else opened the same key
// before is kept as it was.
func (w written) node(before *yaml.Node) (*yaml.Node, error) {
	var n yaml.Node
	if err := n.Encode(w); err != nil {
		return nil, err
	}
	if before != nil {
		for _, name := range otherKeys() {
			if have := child(before, name); have != nil && len(have.Content) > 0 {
				n.Content = append(n.Content, text(name), have)
			}
		}
	}
	return &n, nil
}

// otherKeys are the lists in SOPS' section of keys that aren't age's.
func otherKeys() []string {
	return []string{"pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms"}
}

// others are for whom a file is encrypted by other means than age.
func (g group) others() []string {
	without := g
	without.Age = nil
	return without.recipients()
}

// ageNames are the age recipients of a file.
func (g group) ageNames() (names []string) {
	for _, k := range g.Age {
		names = append(names, k.Recipient)
	}
	return names
}

// unique are texts in their order, each once and without spaces around it.
func unique(texts []string) (once []string) {
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" && !slices.Contains(once, t) {
			once = append(once, t)
		}
	}
	return once
}
