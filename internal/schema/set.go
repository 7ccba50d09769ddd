package schema

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

//go:embed kubernetes.json.gz
var builtIn []byte

// Document is what the schemas of many kinds are kept as.
type Document struct {
	Version string                    `json:"version"` // of Kubernetes
	Cluster []string                  `json:"cluster"` // GROUP/KIND of those that live in no namespace
	Kinds   map[string]string         `json:"kinds"`   // GROUP/VERSION/KIND to the name of its schema
	Schemas map[string]map[string]any `json:"schemas"`
}

// Set is the schemas that are known. Make one with New; it is safe for
// concurrent use.
type Set struct {
	version  string
	mu       sync.Mutex
	compiler *jsonschema.Compiler
	kinds    map[schema.GroupVersionKind]string // to the URL of the schema
	compiled map[schema.GroupVersionKind]*jsonschema.Schema
	cluster  map[schema.GroupKind]bool
	open     map[schema.GroupVersionKind]map[string]any // schemas of CRDs, as they are written
	ruled    map[schema.GroupVersionKind]*ruled         // those that were read
	dialect  *dialect
}

// base is what the URLs of schemas begin with. Nothing is ever fetched.
const base = "plumb:///"

// New is a Set that knows the kinds of Kubernetes.
func New() (*Set, error) {
	d, err := read(builtIn)
	if err != nil {
		return nil, fmt.Errorf("the built-in schemas: %w", err)
	}
	s := &Set{
		version: d.Version, compiler: jsonschema.NewCompiler(),
		kinds: map[schema.GroupVersionKind]string{}, compiled: map[schema.GroupVersionKind]*jsonschema.Schema{},
		cluster: map[schema.GroupKind]bool{}, open: map[schema.GroupVersionKind]map[string]any{}, ruled: map[schema.GroupVersionKind]*ruled{},
	}
	s.compiler.UseLoader(nothing{})
	all := make(map[string]any, len(d.Schemas))
	for name, one := range d.Schemas {
		all[name] = strict(one)
	}
	if err := s.compiler.AddResource(base+"kubernetes", map[string]any{"$defs": all}); err != nil {
		return nil, fmt.Errorf("the built-in schemas: %w", err)
	}
	for _, kind := range d.Cluster {
		group, name, _ := strings.Cut(kind, "/")
		s.cluster[schema.GroupKind{Group: group, Kind: name}] = true
	}
	for kind, name := range d.Kinds {
		group, rest, _ := strings.Cut(kind, "/")
		version, name2, _ := strings.Cut(rest, "/")
		s.kinds[schema.GroupVersionKind{Group: group, Version: version, Kind: name2}] = base + "kubernetes#/$defs/" + name
	}
	return s, nil
}

func read(packed []byte) (Document, error) {
	var d Document
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return d, err
	}
	content, err := io.ReadAll(unpacked)
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(content, &d)
}

// nothing loads no schema from anywhere.
type nothing struct{}

func (nothing) Load(url string) (any, error) { return nil, fmt.Errorf("%s is not known", url) }

// Version is the version of Kubernetes whose kinds are known.
func (s *Set) Version() string { return s.version }

// Knows says whether there is a schema for a kind.
func (s *Set) Knows(gvk schema.GroupVersionKind) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kinds[gvk] != ""
}

// Versions are those in which a kind is known.
func (s *Set) Versions(gk schema.GroupKind) (versions []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for gvk := range s.kinds {
		if gvk.GroupKind() == gk {
			versions = append(versions, gvk.Version)
		}
	}
	return versions
}

// Named are the kinds of a name that come with Kubernetes or were added, as
// GROUP/VERSION.
func (s *Set) Named(kind string) (in []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for gvk := range s.kinds {
		if gvk.Kind == kind {
			in = append(in, gvk.GroupVersion().String())
		}
	}
	slices.Sort(in)
	return in
}

// Namespaced says whether the objects of a kind live in namespaces, as far as is
// known.
func (s *Set) Namespaced(gk schema.GroupKind) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.cluster[gk]
}

// Add takes the kinds that a CRD defines. One that can't be used is an error,
// and adds what of it can be.
func (s *Set) Add(crd *unstructured.Unstructured) error {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
	if scope, _, _ := unstructured.NestedString(crd.Object, "spec", "scope"); scope == "Cluster" {
		s.mu.Lock()
		s.cluster[schema.GroupKind{Group: group, Kind: kind}] = true
		s.mu.Unlock()
	}
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	var wrong error
	for _, v := range versions {
		version, _ := v.(map[string]any)
		if served, is := version["served"].(bool); is && !served {
			continue
		}
		name, _, _ := unstructured.NestedString(version, "name")
		gvk := schema.GroupVersionKind{Group: group, Version: name, Kind: kind}
		open, _, err := unstructured.NestedMap(version, "schema", "openAPIV3Schema")
		if err == nil && kind != "" && name != "" {
			err = s.add(gvk, open)
		}
		if err != nil && wrong == nil {
			wrong = fmt.Errorf("the schema of %s in version %s: %w", kind, name, err)
		}
	}
	return wrong
}

// add takes one schema; a kind that was known gets the new one.
func (s *Set) add(gvk schema.GroupVersionKind, open map[string]any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kinds[gvk] != "" {
		return nil // the first one counts, as what is built in does
	}
	content, err := plain(whole(strict(open)))
	if err != nil {
		return err
	}
	url := base + "crd/" + gvk.Group + "/" + gvk.Version + "/" + gvk.Kind
	if err := s.compiler.AddResource(url, content); err != nil {
		return err
	}
	compiled, err := s.compiler.Compile(url)
	if err != nil {
		return err
	}
	s.kinds[gvk], s.compiled[gvk], s.open[gvk] = url, compiled, open
	return nil
}

// openOf is the schema of a kind as its CRD writes it; nil for those of Kubernetes.
func (s *Set) openOf(gvk schema.GroupVersionKind) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[gvk]
}

// rulesOf is the schema of a kind as its rules need it, or nil where it has none.
func (s *Set) rulesOf(gvk schema.GroupVersionKind) (*ruled, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := s.open[gvk]
	if known := s.ruled[gvk]; known != nil || !hasRules(open) {
		return known, nil
	}
	if s.dialect == nil {
		made, err := newDialect()
		if err != nil {
			return nil, err
		}
		s.dialect = &made
	}
	r := reading{dialect: *s.dialect}
	s.ruled[gvk] = r.read(open)
	return s.ruled[gvk], nil
}

// of is the schema of a kind, or nil where there is none.
func (s *Set) of(gvk schema.GroupVersionKind) (*jsonschema.Schema, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if done := s.compiled[gvk]; done != nil || s.kinds[gvk] == "" {
		return done, nil
	}
	made, err := s.compiler.Compile(s.kinds[gvk])
	if err == nil {
		s.compiled[gvk] = made
	}
	return made, err
}
