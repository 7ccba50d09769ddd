package sops

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/internal/secret"
)

// sectionName is the name under which SOPS keeps what it knows of a file.
const sectionName = "sops"

// group are keys of which each opens the same.
type group struct {
	Age []ageKey `yaml:"age"`
	PGP []struct {
		Fingerprint string `yaml:"fp"`
		Enc         string `yaml:"enc"`
	} `yaml:"pgp"`
	KMS []struct {
		ARN     string            `yaml:"arn"`
		Role    string            `yaml:"role"`
		Context map[string]string `yaml:"context"`
		Enc     string            `yaml:"enc"`
	} `yaml:"kms"`
	GCP []struct {
		ID  string `yaml:"resource_id"`
		Enc string `yaml:"enc"`
	} `yaml:"gcp_kms"`
	Azure []struct {
		Vault   string `yaml:"vault_url"`
		Name    string `yaml:"name"`
		Version string `yaml:"version"`
		Enc     string `yaml:"enc"`
	} `yaml:"azure_kv"`
	Vault []struct {
		Address string `yaml:"vault_address"`
		Engine  string `yaml:"engine_path"`
		Name    string `yaml:"key_name"`
		Enc     string `yaml:"enc"`
	} `yaml:"hc_vault"`
	Huawei []struct {
		ID  string `yaml:"key_id"`
		Enc string `yaml:"enc"`
	} `yaml:"hckms"`
}

// cloudKey is a key of a cloud, and the file's key as it encrypted that.
type cloudKey struct {
	secret.CloudKey
	service, enc string
}

// clouds are the group's keys that clouds keep.
func (g group) clouds() (keys []cloudKey) {
	add := func(service string, key secret.CloudKey, enc string) {
		keys = append(keys, cloudKey{key, service, enc})
	}
	for _, k := range g.KMS {
		add("AWS KMS", secret.AWSKey(k.ARN, k.Role, k.Context), k.Enc)
	}
	for _, k := range g.GCP {
		add("Google KMS", secret.GoogleKey(k.ID), k.Enc)
	}
	for _, k := range g.Azure {
		add("Azure Key Vault", secret.AzureKey(k.Vault, k.Name, k.Version), k.Enc)
	}
	for _, k := range g.Vault {
		add("Vault", secret.VaultKey(k.Address, k.Engine, k.Name), k.Enc)
	}
	for _, k := range g.Huawei {
		add("Huawei KMS", secret.HuaweiKey(k.ID), k.Enc)
	}
	return keys
}

type ageKey struct {
	Recipient string `yaml:"recipient"`
	Enc       string `yaml:"enc"`
}

// recipients are all for whom a group is encrypted, by their public names.
func (g group) recipients() (names []string) {
	for _, k := range g.Age {
		names = append(names, k.Recipient)
	}
	for _, k := range g.PGP {
		names = append(names, "OpenPGP "+k.Fingerprint)
	}
	for _, k := range g.clouds() {
		names = append(names, k.service+" "+k.Name)
	}
	return names
}

// metadata is what SOPS knows of a file.
type metadata struct {
	group        `yaml:",inline"`
	Groups       []group `yaml:"key_groups"`
	Threshold    int     `yaml:"shamir_threshold"`
	MAC          string  `yaml:"mac"`
	LastModified string  `yaml:"lastmodified"`

	UnencryptedSuffix       string `yaml:"unencrypted_suffix"`
	EncryptedSuffix         string `yaml:"encrypted_suffix"`
	UnencryptedRegex        string `yaml:"unencrypted_regex"`
	EncryptedRegex          string `yaml:"encrypted_regex"`
	UnencryptedCommentRegex string `yaml:"unencrypted_comment_regex"`
	EncryptedCommentRegex   string `yaml:"encrypted_comment_regex"`
	MACOnlyEncrypted        bool   `yaml:"mac_only_encrypted"`
}

// isMetadata says whether a node is what SOPS writes: nothing else has the time
// of the last change and a checksum, or keys where that was lost.
func isMetadata(n *yaml.Node) bool {
	if n == nil || n.Kind != yaml.MappingNode {
		return false
	}
	if modified := child(n, "lastmodified"); modified == nil || modified.Kind != yaml.ScalarNode {
		return false
	}
	if mac := child(n, "mac"); mac != nil {
		return mac.Kind == yaml.ScalarNode
	}
	return slices.ContainsFunc(append(otherKeys(), "age", "key_groups"), func(list string) bool {
		keys := child(n, list)
		return keys != nil && keys.Kind == yaml.SequenceNode && len(keys.Content) > 0
	})
}

// child is what a mapping has under a key, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

var (
	errMetadata = errors.New("its section sops is not as SOPS writes it: encrypt the file again")
	errNoMAC    = errors.New("its section sops has no checksum (mac), so nobody can tell whether something was changed: encrypt the file again")
)

func parseMetadata(n *yaml.Node) (metadata, error) {
	var m metadata
	if err := n.Decode(&m); err != nil {
		return m, errMetadata
	}
	if _, err := time.Parse(time.RFC3339, m.LastModified); err != nil {
		return m, errMetadata
	}
	if m.MAC == "" {
		return m, errNoMAC
	}
	return m, nil
}

// modified is the time of the last change, as the checksum is bound to it.
func (m metadata) modified() string {
	t, _ := time.Parse(time.RFC3339, m.LastModified)
	return t.Format(time.RFC3339)
}

// groups are the groups of keys: one of each has to be had, or as many as the
// threshold says.
func (m metadata) groups() []group {
	if len(m.recipients()) > 0 {
		return []group{m.group}
	}
	return m.Groups
}

// allRecipients are all for whom the file is encrypted.
func (m metadata) allRecipients() (names []string) {
	for _, g := range m.groups() {
		names = append(names, g.recipients()...)
	}
	return names
}

// A rule says whether a value is encrypted, by the keys that lead to it and by
// what it is.
type rule func(path []string, value string) bool

// rule is the one rule of the file.
func (m metadata) rule() (rule, error) {
	var given []rule
	add := func(text string, make func(string) (rule, error)) error {
		if text == "" {
			return nil
		}
		r, err := make(text)
		given = append(given, r)
		return err
	}
	err := errors.Join(
		add(m.UnencryptedSuffix, func(s string) (rule, error) { return not(suffixed(s)), nil }),
		add(m.EncryptedSuffix, func(s string) (rule, error) { return suffixed(s), nil }),
		add(m.UnencryptedRegex, func(s string) (rule, error) { r, err := matching(s); return not(r), err }),
		add(m.EncryptedRegex, matching),
		add(m.UnencryptedCommentRegex, looking),
		add(m.EncryptedCommentRegex, looking),
	)
	switch {
	case err != nil || len(given) > 1:
		return nil, errMetadata
	case len(given) == 0:
		return not(suffixed("_unencrypted")), nil
	}
	return given[0], nil
}

func not(r rule) rule { return func(path []string, value string) bool { return !r(path, value) } }

func suffixed(suffix string) rule {
	return func(path []string, _ string) bool {
		for _, key := range path {
			if strings.HasSuffix(key, suffix) {
				return true
			}
		}
		return false
	}
}

func matching(expression string) (rule, error) {
	re, err := regexp.Compile(expression)
	return func(path []string, _ string) bool {
		for _, key := range path {
			if re.MatchString(key) {
				return true
			}
		}
		return false
	}, err
}

// looking goes by what a value looks like, where comments say what is
// encrypted. Who exchanges such a value changes the checksum.
func looking(string) (rule, error) {
	return func(_ []string, value string) bool { return sealed.MatchString(value) }, nil
}
