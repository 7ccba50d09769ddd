package sops

import (
	"bytes"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// envPrefix is how the names of SOPS' own lines begin.
const envPrefix = sectionName + "_"

// parseEnv parses a dotenv file: NAME=VALUE in each line, with line ends
// written as \n. SOPS' section is written out into names such as
// sops_age__list_0__map_enc.
func parseEnv(content []byte) (parsed, bool) {
	top := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	own := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	above := ""
	for line := range strings.SplitSeq(string(content), "\n") {
		if line == "" {
			continue
		}
		if strings.HasPrefix(line, "#") {
			above += line + "\n"
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if !found {
			return parsed{}, false
		}
		value = strings.ReplaceAll(value, `\n`, "\n")
		if rest, mine := strings.CutPrefix(name, envPrefix); mine {
			if !unfold(own, rest, value) {
				return parsed{}, false
			}
			continue
		}
		key := text(name)
		key.HeadComment, above = above, ""
		top.Content = append(top.Content, key, text(value))
	}
	if last := len(top.Content) - 2; last >= 0 {
		top.Content[last].FootComment = above
	}
	return parsed{docs: []*yaml.Node{top}, metadata: own, write: writeEnv}, isMetadata(own)
}

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

// maxList bounds the lists in SOPS' section.
const maxList = 1000

// unfold puts a value where a name like a__list_0__map_b says.
func unfold(n *yaml.Node, name, value string) bool {
	for {
		list, isList := strings.CutPrefix(name, "list_")
		if isList && n.Kind == yaml.SequenceNode {
			name = list
		} else {
			name = strings.TrimPrefix(name, "map_")
		}
		step, rest, more := cutStep(name)
		below := under(n, step)
		if below == nil {
			return false
		}
		if !more {
			*below = yaml.Node{Kind: yaml.ScalarNode, Value: value}
			if strings.Contains(value, "\n") {
				below.Tag = "!!str"
			}
			return true
		}
		if below.Kind == 0 {
			below.Kind, below.Tag = yaml.MappingNode, "!!map"
			if strings.HasPrefix(rest, "list_") {
				below.Kind, below.Tag = yaml.SequenceNode, "!!seq"
			}
		}
		n, name = below, rest
	}
}

// cutStep cuts a name before the next step down.
func cutStep(name string) (step, rest string, more bool) {
	at := len(name)
	for _, mark := range []string{"__list_", "__map_"} {
		if i := strings.Index(name, mark); i >= 0 && i < at {
			at = i
		}
	}
	if at == len(name) {
		return name, "", false
	}
	return name[:at], name[at+len("__"):], true
}

// under is the node below another, made if it isn't there; nil if it can't be.
func under(n *yaml.Node, step string) *yaml.Node {
	if n.Kind == yaml.SequenceNode {
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= maxList {
			return nil
		}
		for len(n.Content) <= i {
			n.Content = append(n.Content, &yaml.Node{})
		}
		return n.Content[i]
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	if have := child(n, step); have != nil {
		return have
	}
	made := &yaml.Node{}
	n.Content = append(n.Content, text(step), made)
	return made
}

func writeEnv(docs []*yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	top := docs[0]
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		writeComments(&out, key.HeadComment)
		out.WriteString(key.Value + "=" + strings.ReplaceAll(value.Value, "\n", `\n`) + "\n")
		writeComments(&out, key.FootComment)
	}
	return out.Bytes(), nil
}

// writeComments writes the comments that were decrypted, or never encrypted.
func writeComments(out *bytes.Buffer, comments string) {
	for line := range strings.Lines(comments) {
		if !sealed.MatchString(strings.TrimSpace(strings.TrimPrefix(line, "#"))) {
			out.WriteString(line)
		}
	}
}
