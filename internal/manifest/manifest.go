package manifest

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/internal/object"
)

// The limits of what is read. No honest manifest comes near them: an API
// server takes no object above 3 MiB.
const (
	// MaxBytes bounds a file.
	MaxBytes = 16 << 20
	// MaxDocuments bounds the documents of a file, the items of lists counted.
	MaxDocuments = 20_000
	// MaxDepth bounds how deep values nest.
	MaxDepth = 200
	// MaxExpansion bounds the size, in bytes, of a document whose aliases are
	// written out. Each value counts overhead bytes beside its text.
	MaxExpansion = 16 << 20

	overhead = 16
)

// Document is one document of a file: a mapping, whatever it is about.
type Document struct {
	// Origin is where it starts.
	Origin object.Origin
	// Value holds string, bool, int64, float64, nil, []any and map[string]any,
	// as Kubernetes' own libraries expect. Nobody else holds it.
	Value map[string]any

	chunk chunk    // the text that it stands in
	path  []string // where in that text it is; empty for all of it
}

// APIVersion is the document's apiVersion, or empty.
func (d Document) APIVersion() string { return text(d.Value["apiVersion"]) }

// Kind is the document's kind, or empty.
func (d Document) Kind() string { return text(d.Value["kind"]) }

// Object is the document as an object; Check says whether it is one.
func (d Document) Object() object.Object {
	return object.Object{Unstructured: &unstructured.Unstructured{Object: d.Value}, Origin: d.Origin}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// Text is the text that the document stands in. It is there beside an error as
// well, unless the error is about the whole file.
func (d Document) Text() []byte { return d.chunk.text }

// At is the place of a field, given by the keys and list indexes that lead to
// it, or of the last of them that is there. It parses the text again, so it is
// for messages only.
func (d Document) At(path ...string) object.Origin {
	return d.chunk.origin(locate(d.chunk.text, append(slices.Clone(d.path), path...)))
}

// Read yields the documents of a file, in order. Empty ones are left out, and
// lists are taken apart. An error is an *Error and concerns one document; what
// can be read after it is yielded still.
func Read(file string, data []byte) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		n := 0
		for d, err := range documents(file, data) {
			if n++; n > MaxDocuments {
				yield(Document{}, &Error{
					Origin: d.Origin,
					What:   fmt.Sprintf("there are more than %d documents in this file", MaxDocuments),
					Do:     "spread them over several files",
				})
				return
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

func documents(file string, data []byte) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		data, err := plain(file, data)
		if err != nil {
			yield(Document{}, err)
			return
		}
		chunks, isJSON := splitJSON(file, data)
		decode := decodeJSON
		if !isJSON {
			chunks, decode = split(file, data), decodeYAML
		}
		for _, c := range chunks {
			value, err := decode(c)
			if err != nil {
				if !yield(Document{Origin: c.origin(1), chunk: c}, err) {
					return
				}
				continue
			}
			if value == nil {
				continue
			}
			d := Document{Origin: c.origin(1), Value: value, chunk: c}
			for d, err := range flatten(d) {
				if !yield(d, err) {
					return
				}
			}
		}
	}
}

// plain is the text of a file without its byte order mark, or an error where
// it is no text.
func plain(file string, data []byte) ([]byte, error) {
	fail := func(what, do string) error {
		return &Error{Origin: object.Origin{File: file}, What: what, Do: do}
	}
	switch {
	case len(data) > MaxBytes:
		return nil, fail(fmt.Sprintf("has %d bytes, above the limit of %d", len(data), MaxBytes), "split it, or keep it out of the folder")
	case bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")):
		return nil, fail("is UTF-16", "save it as UTF-8")
	case !utf8.Valid(data):
		return nil, fail("is not UTF-8 text", "save it as UTF-8, or keep it out of the folder")
	}
	return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), nil
}
