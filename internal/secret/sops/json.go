package sops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"plumb.dev/plumb/internal/manifest"
)

// parseJSON parses a file of JSON, or a binary one: those SOPS writes as JSON
// with the content under "data".
func parseJSON(name string, content []byte) (parsed, bool) {
	top, err := wholeJSON(content)
	if err != nil {
		return parsed{}, false
	}
	p := parsed{metadata: cutSection(top), docs: []*yaml.Node{top}, write: writeJSON}
	if data := child(top, "data"); !isObject(name) && len(top.Content) == 2 && data != nil && data.Kind == yaml.ScalarNode {
		p.write = func([]*yaml.Node) ([]byte, error) { return []byte(data.Value), nil }
	}
	return p, isMetadata(p.metadata)
}

// wholeJSON reads a file of one object.
func wholeJSON(content []byte) (*yaml.Node, error) {
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	top, err := jsonNode(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || top.Kind != yaml.MappingNode {
		return nil, errors.New("it is no object")
	}
	return top, nil
}

// jsonNode reads the next value, in the order in which it is written.
func jsonNode(d *json.Decoder, depth int) (*yaml.Node, error) {
	if depth > manifest.MaxDepth {
		return nil, fmt.Errorf("values nest more than %d deep", manifest.MaxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch v := token.(type) {
	case json.Delim:
		return jsonBelow(d, v, depth)
	case string:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v}, nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(v)}, nil
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}, nil // of which kind, its digits say
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
}

func jsonBelow(d *json.Decoder, begin json.Delim, depth int) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	if begin == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	for d.More() {
		if n.Kind == yaml.MappingNode {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: fmt.Sprint(key)})
		}
		below, err := jsonNode(d, depth+1)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, below)
	}
	_, err := d.Token() // the end
	return n, err
}

func writeJSON(docs []*yaml.Node) ([]byte, error) {
	var raw, out bytes.Buffer
	if err := appendJSON(&raw, docs[0]); err != nil {
		return nil, err
	}
	err := json.Indent(&out, raw.Bytes(), "", "  ")
	out.WriteByte('\n')
	return out.Bytes(), err
}

func appendJSON(out *bytes.Buffer, n *yaml.Node) error {
	begin, end := "[", "]"
	switch {
	case n.Kind == yaml.ScalarNode && (n.Tag == "!!str" || n.Tag == "!!timestamp"):
		return appendText(out, n.Value)
	case n.Kind == yaml.ScalarNode:
		out.WriteString(n.Value)
		return nil
	case n.Kind == yaml.MappingNode:
		begin, end = "{", "}"
	}
	out.WriteString(begin)
	for i, below := range n.Content {
		switch {
		case n.Kind == yaml.MappingNode && i%2 == 1:
			out.WriteByte(':')
		case i > 0:
			out.WriteByte(',')
		}
		if err := appendJSON(out, below); err != nil {
			return err
		}
	}
	out.WriteString(end)
	return nil
}

func appendText(out *bytes.Buffer, text string) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(text)
}
