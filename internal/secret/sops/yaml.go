package sops

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
)

// parseYAML parses a file of YAML. SOPS puts its section into each document,
// and that of the first counts.
func parseYAML(content []byte) (parsed, bool) {
	var p parsed
	d := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
			return parsed{}, false
		}
		top := doc.Content[0]
		if top.Kind != yaml.MappingNode {
			if top.ShortTag() == "!!null" {
				continue
			}
			return parsed{}, false
		}
		found := cutSection(top)
		if len(p.docs) == 0 {
			p.metadata = found
		}
		p.docs = append(p.docs, top)
	}
	p.write = writeYAML
	return p, isMetadata(p.metadata)
}

// writeYAML writes documents so that each begins on the line on which it did,
// for messages that say where something is.
func writeYAML(docs []*yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	for i, doc := range docs {
		line := doc.Line
		text, err := yamlOf(doc)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteString("---\n")
		}
		for missing := line - 1 - bytes.Count(out.Bytes(), []byte("\n")) - leading(text); missing > 0; missing-- {
			out.WriteByte('\n')
		}
		out.Write(text)
	}
	return out.Bytes(), nil
}

func yamlOf(doc *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	err := errors.Join(e.Encode(doc), e.Close())
	return out.Bytes(), err
}

// leading is how many lines of comments a text begins with.
func leading(text []byte) (lines int) {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			break
		}
		lines++
	}
	return lines
}
