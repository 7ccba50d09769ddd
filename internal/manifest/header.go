package manifest

import (
	"bytes"
	"strings"

	"plumb.dev/plumb/internal/object"
)

// Header is what a document says it is, and where it starts.
type Header struct {
	Kind, Namespace, Name string
	Origin                object.Origin
}

// Headers are those of a file's documents. It is for files that something else
// parses: it looks at few lines of most documents, and leaves out what can't be
// read.
func Headers(file string, data []byte) []Header {
	var headers []Header
	for _, c := range split(file, bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))) {
		if h, ok := skim(c); ok {
			headers = append(headers, h)
			continue
		}
		for d, err := range Read(file, c.text) {
			if err == nil {
				headers = append(headers, header(d, c.line-1))
			}
		}
	}
	return headers
}

// header is the one of a document that was read with so many lines before it left out.
func header(d Document, before int) Header {
	metadata, _ := d.Value["metadata"].(map[string]any)
	o := d.Origin
	o.Line += before
	return Header{Kind: d.Kind(), Namespace: text(metadata["namespace"]), Name: text(metadata["name"]), Origin: o}
}

// skim finds the header of a document in the usual block style, line by line.
// It says false where it isn't sure.
func skim(c chunk) (Header, bool) {
	h := Header{Origin: c.origin(1)}
	inMetadata, indent := false, 0
	word := -1 // how far the line before was indented, if its value was taken
	for line := range bytes.Lines(c.text) {
		trimmed := bytes.TrimLeft(line, " ")
		if len(bytes.TrimSpace(trimmed)) == 0 || trimmed[0] == '#' {
			continue
		}
		depth := len(line) - len(trimmed)
		if word >= 0 && depth > word {
			return h, false // the value goes on
		}
		word = -1
		key, value, isKey := bytes.Cut(bytes.TrimRight(trimmed, " \t\r\n"), []byte(":"))
		switch {
		case depth == 0 && !isKey:
			return h, false
		case depth == 0:
			inMetadata, indent = string(key) == "metadata", 0
			if inMetadata && len(bytes.TrimSpace(value)) > 0 {
				return h, false
			}
		case !inMetadata || indent > 0 && depth != indent:
			continue
		default:
			indent = depth
		}
		field := h.field(inMetadata && depth > 0, string(key))
		if field == nil {
			continue
		}
		var sure bool
		if *field, sure = plainWord(value); !sure {
			return h, false
		}
		word = depth
	}
	return h, h.Kind != "" && h.Name != "" && !strings.HasSuffix(h.Kind, "List")
}

// field is the one that a key is about, or nil.
func (h *Header) field(inMetadata bool, key string) *string {
	switch {
	case !inMetadata && key == "kind":
		return &h.Kind
	case inMetadata && key == "name":
		return &h.Name
	case inMetadata && key == "namespace":
		return &h.Namespace
	}
	return nil
}

// plainWord is the scalar in what follows a colon, if it is a word of letters,
// digits and what names have besides, quoted or not.
func plainWord(value []byte) (string, bool) {
	word, _, _ := bytes.Cut(value, []byte(" #"))
	word = bytes.TrimSpace(word)
	if n := len(word); n > 2 && (word[0] == '"' || word[0] == '\'') && word[n-1] == word[0] {
		word = word[1 : n-1]
	}
	for _, b := range word {
		letter := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
		if !letter && b != '-' && b != '.' && b != '_' {
			return "", false
		}
	}
	return string(word), len(word) > 0
}
