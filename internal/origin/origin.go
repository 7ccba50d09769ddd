package origin

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/yamledit"
)

// Place is where a field gets its value, or could get one.
type Place struct {
	// File and the lines, counting from 1. The file is empty where the value
	// comes from somewhere else, which What says.
	File       string
	Line, Last int
	// What it is, for people: the manifest, patches[0], images.
	What string
	// Value is what it makes of the field; Present says whether it has one.
	Value   any
	Present bool

	spot spot
}

// Origin is the file and line.
func (p Place) Origin() object.Origin { return object.Origin{File: p.File, Line: p.Line} }

// Edit is what becomes of a file.
type Edit struct {
	File    string
	Content []byte
	Line    int // the first that differs
}

// spot is how a value is written at a place.
type spot interface {
	set(file []byte, value any) ([]byte, error)
	remove(file []byte) ([]byte, error)
}

// errFixed is that a value stands nowhere that can be written to.
var errFixed = errors.New("can't be changed in the repository's files")

// errDeclared is that a value stands in the App, which is nobody's manifest.
var errDeclared = errors.New("it stands in the App's own declaration; change it there")

// Set is the file with another value for the field.
func (p Place) Set(files tree.Reader, value any) (Edit, error) {
	return p.edit(files, func(file []byte) ([]byte, error) { return p.spot.set(file, value) })
}

// Remove is the file without a value for the field.
func (p Place) Remove(files tree.Reader) (Edit, error) {
	return p.edit(files, func(file []byte) ([]byte, error) { return p.spot.remove(file) })
}

func (p Place) edit(files tree.Reader, do func([]byte) ([]byte, error)) (Edit, error) {
	switch {
	case p.File == "":
		return Edit{}, fmt.Errorf("%s: %w", p.What, errDeclared)
	case p.spot == nil:
		return Edit{}, fmt.Errorf("%s: %w", p.What, errFixed)
	}
	before, err := files.ReadFile(p.File)
	if err != nil {
		return Edit{}, err
	}
	after, err := do(before)
	if err != nil {
		return Edit{}, fmt.Errorf("%s: %w", p.Origin(), err)
	}
	return Edit{File: p.File, Content: after, Line: firstDifference(before, after)}, nil
}

// firstDifference is the first line in which two texts differ.
func firstDifference(a, b []byte) int {
	line := 1
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			break
		}
		if a[i] == '\n' {
			line++
		}
	}
	return line
}

// Finder finds the origins of one App's fields at one commit. It keeps what it
// has read, and is used by one reader at a time.
type Finder struct {
	files  tree.Reader
	path   string
	params v1alpha1.Render

	contents map[string][]byte
	opened   map[string]opened
	layers   map[string]*layer // kustomizations, by folder
	declared map[string][]declared
	followed int
	err      error
}

// New is a Finder for what an App has at a path.
func New(files tree.Reader, path string, params v1alpha1.Render) *Finder {
	return &Finder{files: files, path: path, params: params, contents: map[string][]byte{}, opened: map[string]opened{}, layers: map[string]*layer{}}
}

// Of is where a field of a rendered object gets its value from. It says false
// where that isn't certain; then the place is where ${NAME} stands for it, or
// where the object is declared, as far as that is known.
func (f *Finder) Of(o object.Object, field yamledit.Path, value any) (Place, bool) {
	places, err := f.Places(o, field)
	if err == nil {
		for _, p := range places {
			if p.Present && Equal(p.Value, value) {
				return p, true
			}
		}
	}
	if i := slices.IndexFunc(places, f.isPutTogether); i >= 0 {
		return places[i], false
	}
	at := o.Origin
	if d, err := f.find(o); err == nil {
		at = d.origin
	}
	return Place{File: at.File, Line: at.Line, Last: at.Line, What: "the manifest"}, false
}

// isPutTogether says whether a place has a text that values are put into.
func (f *Finder) isPutTogether(p Place) bool {
	text, isText := p.Value.(string)
	return f.params.Substitute != nil && p.Present && isText && strings.Contains(text, "${")
}

// Places are all that say something about a field of a rendered object, the one
// that has the last word first.
func (f *Finder) Places(o object.Object, field yamledit.Path) ([]Place, error) {
	d, err := f.find(o)
	l := look{finder: f, object: o, declared: d, field: field}
	l.fromApp()
	if err != nil && len(l.places) == 0 {
		return nil, err
	}
	for i := len(d.layers) - 1; i >= 0; i-- {
		l.fromLayer(d.layers[i])
	}
	l.fromManifest()
	return l.places, nil
}

// Homes are the places that a field which isn't there could be added to, the
// most fitting first: where the object is declared, and patches of it.
func (f *Finder) Homes(o object.Object, field yamledit.Path) ([]Place, error) {
	d, err := f.find(o)
	if err != nil {
		return nil, err
	}
	l := look{finder: f, object: o, declared: d, field: field, homes: true}
	l.fromManifest()
	for i := len(d.layers) - 1; i >= 0; i-- {
		l.fromLayer(d.layers[i])
	}
	return l.places, nil
}

// content is a file's, read once.
func (f *Finder) content(file string) ([]byte, error) {
	if b, known := f.contents[file]; known {
		return b, nil
	}
	b, err := f.files.ReadFile(file)
	if err == nil {
		f.contents[file] = b
	}
	return b, err
}

// open is the document of a spot, parsed once.
func (f *Finder) open(file string, s docSpot) opened {
	id := fmt.Sprintf("%q %+v %s %+v", file, s.which, s.outer, s.inner)
	if d, known := f.opened[id]; known {
		return d
	}
	var d opened
	content, err := f.content(file)
	if err == nil {
		d = s.open(content)
	} else {
		d.err = err
	}
	f.opened[id] = d
	return d
}

// look gathers the places of one field.
type look struct {
	finder   *Finder
	object   object.Object
	declared declared
	field    yamledit.Path
	homes    bool // gather where it could be added instead
	places   []Place
}

// add notes what a document says about the field, if it does. The document is
// one of a file, or, below outer, one in a text of it.
func (l *look) add(what, file string, s docSpot) {
	d := l.finder.open(file, s)
	if d.err != nil {
		return
	}
	at, err := s.findIn(d)
	absent := errors.Is(err, yamledit.ErrAbsent)
	if err != nil && !absent || absent != l.homes {
		return
	}
	if absent {
		at = s.inFile(yamledit.Place{Line: d.document.Line(), Last: d.document.Line()}, d.text)
	}
	l.places = append(l.places, Place{
		File: file, Line: at.Line, Last: at.Last, What: what, Value: at.Value, Present: !absent, spot: s,
	})
}

// fromManifest notes what the object's own document says.
func (l *look) fromManifest() {
	d := l.declared
	if d.generated || d.origin.File == "" {
		return
	}
	l.addDocument("the manifest", d.origin.File, docSpot{which: yamledit.Selector{Line: d.origin.Line, Kind: d.kind}}, l.field)
}

// addDocument notes what a document says that has the object's own shape. What
// stands in a Secret's stringData is data to everyone else.
func (l *look) addDocument(what, file string, s docSpot, field yamledit.Path) {
	if l.isSecretData() && !l.homes {
		plain := s
		plain.path = append(yamledit.Keys("stringData"), field[1:]...)
		plain.encoded = true
		l.add(what, file, plain)
	}
	s.path = field
	l.add(what, file, s)
}

func (l *look) isSecretData() bool {
	return l.object.GetKind() == "Secret" && len(l.field) == 2 && l.field[0].Key == "data"
}

// image is the image that the field holds, if it does.
func (l *look) image() (image, bool) {
	if len(l.field) < 2 || l.field[len(l.field)-1].Key != "image" {
		return image{}, false
	}
	v, _, found := Lookup(l.object.Object, l.field)
	text, isText := v.(string)
	return parseImage(text), found && isText
}

// lineOf is the number of the line that a text begins with, in a file.
func lineOf(file []byte, at int) int { return bytes.Count(file[:at], []byte("\n")) + 1 }
