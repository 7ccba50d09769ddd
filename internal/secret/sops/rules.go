package sops

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/tree"
)

// rulesFile says in a repository for whom SOPS encrypts which files.
const rulesFile = ".sops.yaml"

// maxRules bounds the size of that file.
const maxRules = 256 << 10

// creation is one of its rules.
type creation struct {
	PathRegex string `yaml:"path_regex"`
	Age       names  `yaml:"age"`
	PGP       names  `yaml:"pgp"`
	Clouds    clouds `yaml:",inline"`
	Groups    []struct {
		Age    names  `yaml:"age"`
		PGP    names  `yaml:"pgp"`
		Clouds clouds `yaml:",inline"`
	} `yaml:"key_groups"`
}

// clouds are a rule's keys that services keep. What they are doesn't matter.
type clouds struct {
	AWS     yaml.Node `yaml:"kms"`
	Google  yaml.Node `yaml:"gcp_kms"`
	Huawei  yaml.Node `yaml:"hckms"`
	Azure   yaml.Node `yaml:"azure_keyvault"`
	Vault   yaml.Node `yaml:"hc_vault_transit_uri"`
	InGroup yaml.Node `yaml:"hc_vault"`
}

// names are the services whose keys there are.
func (c clouds) names() (names []string) {
	for _, service := range []struct {
		name string
		keys yaml.Node
	}{
		{"AWS KMS", c.AWS}, {"Google KMS", c.Google}, {"Huawei KMS", c.Huawei}, {"Azure Key Vault", c.Azure}, {"Vault", c.Vault}, {"Vault", c.InGroup},
	} {
		if len(service.keys.Content) > 0 || service.keys.Value != "" {
			names = append(names, "a key of "+service.name)
		}
	}
	return names
}

// names are a list, or a text with commas.
type names []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (ns *names) UnmarshalYAML(n *yaml.Node) error {
	var list []string
	if n.Kind == yaml.ScalarNode {
		list = strings.Split(n.Value, ",")
	} else if err := n.Decode(&list); err != nil {
		return err
	}
	for _, name := range list {
		if name = strings.TrimSpace(name); name != "" {
			*ns = append(*ns, name)
		}
	}
	return nil
}

// all are the rule's age recipients and OpenPGP fingerprints.
func (c creation) all() []string {
	list := slices.Concat([]string(c.Age), []string(c.PGP))
	for _, g := range c.Groups {
		list = slices.Concat(list, g.Age, g.PGP)
	}
	return list
}

// RuleFor is what the rules next above a file say of it.
func RuleFor(files tree.Reader, file string) (secret.Rule, error) {
	at, c, err := ruleFor(files, file)
	if err != nil {
		return secret.Rule{}, fmt.Errorf("%s can't be read: correct it", at)
	}
	rule := secret.Rule{At: at, Found: c != nil}
	if c == nil {
		return rule, nil
	}
	rule.Recipients, rule.Several = unique(c.Age), len(c.Groups) > 1
	others := slices.Concat([]string(c.PGP), c.Clouds.names())
	for _, g := range c.Groups {
		rule.Recipients = unique(slices.Concat(rule.Recipients, g.Age))
		others = slices.Concat(others, g.PGP, g.Clouds.names())
	}
	rule.Others = unique(others)
	return rule, nil
}

// hint compares for whom a file is encrypted with what the repository's rules
// say, and tells what is wrong with the one or the other. It is empty where
// there are no rules, or none for the file.
func hint(files tree.Reader, file string, m metadata, ring secret.Ring) string {
	at, rule, err := ruleFor(files, file)
	switch {
	case err != nil:
		return fmt.Sprintf("; %s can't be read: correct it", at)
	case at == "":
		return ""
	case rule == nil:
		return fmt.Sprintf("; no rule of %s is for this file", at)
	}
	mine := slices.ContainsFunc(rule.all(), ring.Has)
	same := slices.ContainsFunc(rule.all(), func(name string) bool {
		return slices.ContainsFunc(m.allRecipients(), func(r string) bool { return strings.HasSuffix(strings.ToLower(r), strings.ToLower(name)) })
	})
	switch {
	case mine:
		return fmt.Sprintf("; %s has this cluster's key by now, but the file is older than that: run sops updatekeys %s and commit it", at, file)
	case !same:
		return fmt.Sprintf("; %s says that it is for others than it is: run sops updatekeys %s once this cluster's key is there, too", at, file)
	}
	return fmt.Sprintf("; the rule of %s for this file doesn't have this cluster's key: add it, and run sops updatekeys %s", at, file)
}

// ruleFor is the first rule for a file in the rules next above it.
func ruleFor(files tree.Reader, file string) (at string, rule *creation, err error) {
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		at = path.Join(dir, rulesFile)
		content, err := files.ReadFile(at)
		if err == nil {
			rule, err = firstRule(content, strings.TrimPrefix(file, dir+"/"))
			return at, rule, err
		}
		if !errors.Is(err, tree.ErrNotFound) {
			return at, nil, err
		}
		if dir == "." || dir == "/" {
			return "", nil, nil
		}
	}
}

func firstRule(content []byte, file string) (*creation, error) {
	var list struct {
		Rules []creation `yaml:"creation_rules"`
	}
	if len(content) > maxRules {
		return nil, tree.ErrTooLarge
	}
	if err := yaml.Unmarshal(content, &list); err != nil {
		return nil, err
	}
	for _, rule := range list.Rules {
		re, err := regexp.Compile(rule.PathRegex)
		if err != nil {
			return nil, err
		}
		if re.MatchString(file) {
			return &rule, nil
		}
	}
	return nil, nil
}
