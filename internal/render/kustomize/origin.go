package kustomize

import (
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/object"
)

// sources tells where objects come from, by kind and name, from the files that
// the library read. The library's own way, an annotation that it carries along,
// can change what it builds.
type sources struct {
	wanted  map[string]bool   // files that kustomizations list as resources
	content map[string][]byte // those that were read
	made    []manifest.Header // what is generated
	secret  []string          // files that Secrets are made from
	top     string            // the file of the kustomization that is built
	byKind  map[string]map[string][]manifest.Header
}

// expect takes note of a kustomization: of the files it lists, and of what it
// generates.
func (b *build) expect(at, folder string, k types.Kustomization) {
	s := &b.sources
	if s.top == "" {
		s.top = at
	}
	for _, given := range k.Resources {
		if file, isInside := b.inside(folder, given); isInside {
			if s.wanted == nil {
				s.wanted, s.content = map[string]bool{}, map[string][]byte{}
			}
			s.wanted[file] = true
		}
	}
	for _, g := range k.ConfigMapGenerator {
		s.generated("ConfigMap", g.GeneratorArgs, at)
	}
	for _, g := range k.SecretGenerator {
		s.generated("Secret", g.GeneratorArgs, at)
	}
}

func (s *sources) generated(kind string, g types.GeneratorArgs, at string) {
	s.made = append(s.made, manifest.Header{Kind: kind, Namespace: g.Namespace, Name: g.Name, Origin: object.Origin{File: at}})
}

// take takes note of a file that the library was given.
func (s *sources) take(at string, content []byte) {
	if s.wanted[at] {
		s.content[at] = content
	}
}

// files are the resources that were read, sorted.
func (s *sources) files() []string { return slices.Sorted(maps.Keys(s.content)) }

// of is where an object comes from. Where that isn't certain, it is the
// kustomization that was built.
func (s *sources) of(o object.Object) object.Origin {
	s.index()
	names := s.byKind[o.GetKind()]
	headers := names[o.GetName()]
	if headers == nil {
		headers = names[within(o.GetName(), names)]
	}
	if origin, certain := only(headers, ""); certain {
		return origin
	}
	if origin, certain := only(headers, o.GetNamespace()); certain {
		return origin
	}
	return object.Origin{File: s.top}
}

// within is the longest of the names that is part of a name, or empty where
// there is none or several are as long. Prefixes, suffixes and hashes are put
// around the name that is in the file.
func within(name string, names map[string][]manifest.Header) string {
	longest, alone := "", false
	for candidate := range names {
		switch {
		case len(candidate) < len(longest) || !strings.Contains(name, candidate):
		case len(candidate) > len(longest):
			longest, alone = candidate, true
		default:
			alone = false
		}
	}
	if !alone {
		return ""
	}
	return longest
}

// only is the one place that headers name, in a namespace where one is given.
func only(headers []manifest.Header, namespace string) (object.Origin, bool) {
	var origin object.Origin
	for _, h := range headers {
		switch {
		case namespace != "" && h.Namespace != namespace:
		case origin.File == "":
			origin = h.Origin
		case origin != h.Origin:
			return object.Origin{}, false
		}
	}
	return origin, origin.File != ""
}

// index finds the objects in the files, once.
func (s *sources) index() {
	if s.byKind != nil {
		return
	}
	s.byKind = map[string]map[string][]manifest.Header{}
	for _, h := range s.made {
		s.add(h)
	}
	for at, content := range s.content {
		for _, h := range manifest.Headers(at, content) {
			s.add(h)
		}
	}
}

func (s *sources) add(h manifest.Header) {
	if s.byKind[h.Kind] == nil {
		s.byKind[h.Kind] = map[string][]manifest.Header{}
	}
	s.byKind[h.Kind][h.Name] = append(s.byKind[h.Kind][h.Name], h)
}
