package origin

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"plumb.dev/plumb/internal/yamledit"
)

// docSpot is a value in a document of a file, or of a text that a file holds.
type docSpot struct {
	which yamledit.Selector
	path  yamledit.Path
	// outer leads to the text, and inner to the document in it; nil is none.
	outer yamledit.Path
	inner yamledit.Selector
	// encoded says that the field is the value in base 64.
	encoded bool
}

// opened is a document; text is where it stands if that is in another one's text.
type opened struct {
	document *yamledit.Document
	text     yamledit.Place
	err      error
}

// open is the document that the path is in.
func (s docSpot) open(file []byte) (d opened) {
	d.document, d.err = yamledit.Open(file, s.which)
	if d.err != nil || s.outer == nil {
		return d
	}
	if d.text, d.err = d.document.Find(s.outer); d.err != nil {
		return d
	}
	content, isText := d.text.Value.(string)
	if !isText {
		d.err = fmt.Errorf("%s is no text", s.outer)
		return d
	}
	d.document, d.err = yamledit.Open([]byte(content), s.inner)
	return d
}

// find is where the value stands in the file, and the field's value.
func (s docSpot) find(file []byte) (yamledit.Place, error) {
	d := s.open(file)
	if d.err != nil {
		return yamledit.Place{}, d.err
	}
	return s.findIn(d)
}

func (s docSpot) findIn(d opened) (yamledit.Place, error) {
	at, err := d.document.Find(s.path)
	if err != nil {
		return at, err
	}
	if s.encoded {
		plain, isText := at.Value.(string)
		if !isText {
			return at, errors.New("is no text")
		}
		at.Value = base64.StdEncoding.EncodeToString([]byte(plain))
	}
	return s.inFile(at, d.text), nil
}

// inFile is a place of the document as one of the file.
func (s docSpot) inFile(at, text yamledit.Place) yamledit.Place {
	switch {
	case s.outer == nil:
	case text.Literal:
		at.Line, at.Last = at.Line+text.Line, at.Last+text.Line
	default:
		at.Line, at.Last = text.Line, text.Last
	}
	return at
}

func (s docSpot) set(file []byte, value any) ([]byte, error) {
	if s.encoded {
		return nil, errFixed
	}
	return s.change(file, func(d *yamledit.Document) (*yamledit.Document, error) { return d.Set(s.path, value) })
}

func (s docSpot) remove(file []byte) ([]byte, error) {
	return s.change(file, func(d *yamledit.Document) (*yamledit.Document, error) { return d.Remove(s.path) })
}

func (s docSpot) change(file []byte, do func(*yamledit.Document) (*yamledit.Document, error)) ([]byte, error) {
	was := s.open(file)
	if was.err != nil {
		return nil, was.err
	}
	d, err := do(was.document)
	if err != nil {
		return nil, err
	}
	if s.outer == nil {
		return d.Bytes(), nil
	}
	whole, err := yamledit.Open(file, s.which)
	if err != nil {
		return nil, err
	}
	if whole, err = whole.Set(s.outer, string(d.Bytes())); err != nil {
		return nil, err
	}
	return whole.Bytes(), nil
}

// pairSpot is a text of the form KEY=VALUE in a list of a document.
type pairSpot struct {
	doc docSpot
	key string
}

func (s pairSpot) set(file []byte, value any) ([]byte, error) {
	text, isText := value.(string)
	if !isText {
		return nil, fmt.Errorf("%s has to be a text", s.key)
	}
	return s.doc.set(file, s.key+"="+text)
}

func (s pairSpot) remove(file []byte) ([]byte, error) { return s.doc.remove(file) }

// fileSpot is a value that is all of a file.
type fileSpot struct{}

func (fileSpot) set(_ []byte, value any) ([]byte, error) {
	text, isText := value.(string)
	if !isText {
		return nil, errors.New("what is a file has to be a text")
	}
	return []byte(text), nil
}

func (fileSpot) remove([]byte) ([]byte, error) { return nil, errFixed }

// lineSpot is a line KEY=VALUE of a file of such lines.
type lineSpot struct {
	key  string
	line int
}

func (s lineSpot) set(file []byte, value any) ([]byte, error) {
	text, isText := value.(string)
	if !isText || strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("%s has to be a text of one line", s.key)
	}
	return s.replace(file, func(line string) string {
		have := strings.TrimRight(line, "\r\n")
		name, _, _ := strings.Cut(have, "=")
		return name + "=" + text + line[len(have):]
	})
}

func (s lineSpot) remove(file []byte) ([]byte, error) {
	return s.replace(file, func(string) string { return "" })
}

func (s lineSpot) replace(file []byte, with func(line string) string) ([]byte, error) {
	lines := strings.SplitAfter(string(file), "\n")
	if s.line < 1 || s.line > len(lines) {
		return nil, errFixed
	}
	lines[s.line-1] = with(lines[s.line-1])
	return []byte(strings.Join(lines, "")), nil
}
