package origin

import (
	"strings"

	"plumb.dev/plumb/internal/yamledit"
)

// image is a reference to one, as kustomize takes it apart.
type image struct{ name, tag, digest string }

func parseImage(s string) image {
	var i image
	i.name, i.digest, _ = strings.Cut(s, "@")
	if at := strings.LastIndexByte(i.name, ':'); at > strings.LastIndexByte(i.name, '/') {
		i.name, i.tag = i.name[:at], i.name[at+1:]
	}
	return i
}

func (i image) String() string {
	s := i.name
	if i.tag != "" {
		s += ":" + i.tag
	}
	if i.digest != "" {
		s += "@" + i.digest
	}
	return s
}

// isMadeBy says whether this can be what a kustomization's entry yields.
func (i image) isMadeBy(name, newName, newTag, digest string) bool {
	if newName == "" {
		newName = name
	}
	return i.name == newName && (newTag == "" || newTag == i.tag) && (digest == "" || digest == i.digest)
}

// imageSpot is an entry of a kustomization's images.
type imageSpot struct {
	entry docSpot // of the entry
	name  string  // which images it is for
}

func (s imageSpot) set(file []byte, value any) ([]byte, error) {
	text, _ := value.(string)
	want := parseImage(text)
	if want.name == "" {
		return nil, errFixed
	}
	newName := want.name
	if newName == s.name {
		newName = ""
	}
	var err error
	for _, part := range []struct{ field, value string }{{"newName", newName}, {"newTag", want.tag}, {"digest", want.digest}} {
		if file, err = s.part(file, part.field, part.value); err != nil {
			return nil, err
		}
	}
	return file, nil
}

// part sets or removes one field of the entry, if it isn't as it should be.
func (s imageSpot) part(file []byte, field, value string) ([]byte, error) {
	at := s.entry
	at.path = at.path.Then(yamledit.Step{Key: field})
	have, err := at.find(file)
	text, _ := have.Value.(string)
	switch {
	case value == "" && err != nil, err == nil && text == value:
		return file, nil
	case value == "":
		return at.remove(file)
	}
	return at.set(file, value)
}

func (s imageSpot) remove([]byte) ([]byte, error) { return nil, errFixed }
