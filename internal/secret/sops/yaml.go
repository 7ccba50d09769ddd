package sops

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parseYAML parses a file of YAML. SOPS puts its section into each document,
// and that of the first counts.
func parseYAML(content []byte) (parsed, bool) {
	docs, err := documents(content)
	if err != nil || len(docs) == 0 {
		return parsed{}, false
	}
	p := parsed{docs: docs, write: writeYAML}
	for i, doc := range docs {
		if found := cutSection(doc); i == 0 {
			p.metadata = found
		}
	}
	return p, isMetadata(p.metadata)
}

// documents are those of a file of YAML: mappings, without empty ones.
func documents(content []byte) (docs []*yaml.Node, err error) {
	d := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
			return nil, errNoMapping
		}
		switch top := doc.Content[0]; {
		case top.Kind == yaml.MappingNode:
			top.HeadComment, top.FootComment = joined(doc.HeadComment, top.HeadComment), joined(top.FootComment, doc.FootComment)
			docs = append(docs, top)
		case top.ShortTag() != "!!null":
			return nil, errNoMapping
		}
	}
}

// joined are two comments as one.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n\n" + b
}

var errNoMapping = errors.New("a document is no mapping")

// writeYAML writes documents so that each begins on the line on which it did,
// for messages that say where something is.
func writeYAML(docs []*yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	for i, doc := range docs {
		line := doc.Line
		binary(doc)
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

// binary lets texts that are no UTF-8 be written as YAML has such.
func binary(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && !utf8.ValidString(n.Value) {
		restyle(n)
	}
	for _, below := range n.Content {
		binary(below)
	}
}

// restyle has a text written in the way that is best for it.
func restyle(n *yaml.Node) {
	var best yaml.Node
	if err := best.Encode(n.Value); err == nil {
		n.Tag, n.Value, n.Style = best.Tag, best.Value, best.Style
	}
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
