package vet

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// undeclared lists what to render where no App is declared: the folder or file
// itself or, where kustomizations or charts lie in the folder, what others would
// render of it: each of them that no other one uses, and each file of objects that
// belongs to none. What isn't for Kubernetes is passed over then.
func (k *check) undeclared(below string) []unit {
	s := survey{files: k.files, left: mostFolders, used: map[string]bool{}}
	if e, err := k.files.Stat(path.Clean(below)); err == nil && e.Mode == tree.Folder {
		s.folder(folderOf(k.files, below), false, 0)
	}
	if len(s.kustomizations)+len(s.charts) == 0 || slices.Contains(slices.Concat(s.kustomizations, s.charts), folderOf(k.files, below)) {
		return []unit{unitOf(below)}
	}
	var units []unit
	for _, folder := range s.kustomizations {
		if !s.used[folder] {
			units = append(units, unitOf(folder))
		}
	}
	for _, folder := range s.charts {
		u := unitOf(folder)
		u.chart = true
		units = append(units, u)
	}
	for _, file := range s.loose {
		units = append(units, unitOf(file))
	}
	return units
}

// unitOf is a folder or file that nobody declares.
func unitOf(at string) unit {
	app := v1alpha1.Default(v1alpha1.App{})
	app.Spec.Source.Path = at
	app.Spec.Render.Release = v1alpha1.Release{}
	return unit{app: app, origin: object.Origin{File: at}}
}

// survey is a walk through folders for what can be rendered by itself.
type survey struct {
	files          tree.Tree
	left           int // of the folders that are looked at
	kustomizations []string
	used           map[string]bool // kustomizations that others name, and those that can't stand alone
	charts         []string
	loose          []string // files of objects that lie in neither
}

func (s *survey) folder(at string, owned bool, depth int) {
	if s.left--; s.left < 0 || depth > mostDepth {
		return
	}
	entries, err := s.files.ReadDir(at)
	if err != nil {
		return // which rendering tells, if it matters
	}
	if _, is := render.Holds(entries, render.ChartFile); is {
		s.charts = append(s.charts, at)
		return
	}
	if name, is := render.Holds(entries, render.KustomizationFiles()...); is {
		s.kustomization(at, path.Join(at, name))
		owned = true
	}
	for _, e := range entries {
		switch below := path.Join(at, e.Name); {
		case strings.HasPrefix(e.Name, "."), e.Name == "node_modules":
		case e.Mode == tree.Folder:
			s.folder(below, owned, depth+1)
		case e.Mode != tree.Link && !owned && slices.Contains(manifestEndings, path.Ext(e.Name)) && s.isManifest(below):
			s.loose = append(s.loose, below)
		}
	}
}

// kustomization takes note of a kustomization, and of those that it names.
func (s *survey) kustomization(folder, file string) {
	s.kustomizations = append(s.kustomizations, folder)
	var k struct {
		Kind                                                               string
		Resources, Bases, Components, Generators, Transformers, Validators []string
	}
	content, err := s.files.ReadFile(file)
	if err != nil || yaml.Unmarshal(content, &k) != nil {
		return // which rendering tells
	}
	s.used[folder] = s.used[folder] || k.Kind == "Component"
	for _, given := range slices.Concat(k.Resources, k.Bases, k.Components, k.Generators, k.Transformers, k.Validators) {
		if at := path.Join(folder, given); at != folder {
			s.used[strings.TrimPrefix(at, "./")] = true
		}
	}
}

// isManifest says whether a file has objects as a cluster takes them, rather than
// a template for some, or something else altogether.
func (s *survey) isManifest(file string) bool {
	content, err := s.files.ReadFile(file)
	if err != nil || !bytes.Contains(content, []byte("apiVersion")) {
		return false
	}
	if bytes.Contains(content, []byte("{{")) {
		for _, err := range manifest.Read(file, content) {
			if err != nil {
				return false
			}
		}
	}
	return slices.ContainsFunc(manifest.Headers(file, content), func(h manifest.Header) bool { return h.Kind != "" && h.Name != "" })
}
