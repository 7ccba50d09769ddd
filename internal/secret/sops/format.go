package sops

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parsed is an encrypted file, parsed.
type parsed struct {
	docs     []*yaml.Node // mappings, without SOPS' section
	metadata *yaml.Node
	// write is the file's content once the documents are decrypted.
	write func(docs []*yaml.Node) ([]byte, error)
}

// parse parses a file if it is an encrypted one. What only looks a little like
// one, or can't be parsed, is none: who renders it will say what is wrong.
func parse(name string, content []byte) (parsed, bool) {
	switch {
	case !bytes.Contains(content, []byte(sectionName)):
		return parsed{}, false
	case isJSON(content):
		return parseJSON(name, content)
	case isYAML(content):
		return parseYAML(content)
	case envSection.Match(content):
		return parseEnv(content)
	}
	return parsed{}, false
}

var (
	// yamlSection, envSection and iniSection are how SOPS' section begins in a line.
	yamlSection = regexp.MustCompile(`(?m)^["']?sops["']?[ \t]*:`)
	envSection  = regexp.MustCompile(`(?m)^sops_(mac|lastmodified)=`)
	iniSection  = regexp.MustCompile(`(?m)^\[sops\][ \t]*\r?$`)
)

// isJSON says whether a file looks like one of JSON.
func isJSON(content []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(content, "\ufeff \t\r\n"), []byte("{"))
}

// isYAML says whether an encrypted file is one of YAML.
func isYAML(content []byte) bool { return !isJSON(content) && yamlSection.Match(content) }

// isINI says whether a file is an encrypted one of the format that isn't read.
func isINI(content []byte) bool {
	return bytes.Contains(content, []byte("ENC[AES256_GCM,")) && iniSection.Match(content)
}

// isObject says whether a file's name is one of a file of YAML or JSON.
func isObject(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(name)))
}

// cutSection takes SOPS' section out of a mapping. A comment above it belongs to
// what was the last before there was one.
func cutSection(n *yaml.Node) (cut *yaml.Node) {
	kept := n.Content[:0]
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == sectionName {
			cut = n.Content[i+1]
			if last := len(kept) - 2; last >= 0 {
				kept[last].FootComment = joined(kept[last].FootComment, n.Content[i].HeadComment)
			}
			continue
		}
		kept = append(kept, n.Content[i], n.Content[i+1])
	}
	n.Content = kept
	return cut
}
