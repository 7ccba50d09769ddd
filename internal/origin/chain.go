package origin

//lint:file-ignore SA1019 people have kustomizations with the old fields, and fields come from there as well

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"

	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/tree"
)

// The limits of what is followed.
const (
	maxLayers   = 1000
	maxDepth    = 50
	maxFollowed = 10_000  // kustomizations, each as often as it is listed
	maxDeclared = 100_000 // objects, likewise
)

// layer is one kustomization.
type layer struct {
	folder, file string
	content      []byte
	types.Kustomization
}

// declared is a document that becomes an object, or a generator that makes
// one, and the kustomizations that it passes, the first one first.
type declared struct {
	kind, namespace, name string
	origin                object.Origin
	generated             bool
	layers                []*layer
}

// names are all that it has on its way, with that at the end.
func (d declared) names() []string {
	names := []string{d.name}
	for _, l := range d.layers {
		if next := l.NamePrefix + names[len(names)-1] + l.NameSuffix; next != names[len(names)-1] {
			names = append(names, next)
		}
	}
	return names
}

// is says how well it fits a rendered object: 0 is not at all.
func (d declared) is(o object.Object) int {
	names := d.names()
	last := names[len(names)-1]
	fits := o.GetName() == last || o.GetName() == d.name ||
		d.generated && strings.HasPrefix(o.GetName(), last+"-")
	// What plugins do to names isn't known; the renderer may know the place.
	told := d.origin == o.Origin && !d.generated || d.generated && strings.Contains(o.GetName(), last)
	switch {
	case d.kind != o.GetKind() || !fits && !told:
		return 0
	case !fits:
		return 1
	}
	namespace := d.namespace
	for _, l := range d.layers {
		if l.Namespace != "" {
			namespace = l.Namespace
		}
	}
	switch {
	case namespace == o.GetNamespace() && o.GetName() == last:
		return 4
	case namespace == o.GetNamespace() || namespace == "":
		return 3
	}
	return 2
}

// find is what declares a rendered object.
func (f *Finder) find(o object.Object) (declared, error) {
	if err := f.index(); err != nil {
		return declared{}, err
	}
	if len(f.layers) == 0 {
		if o.Origin.Line == 0 {
			return declared{}, fmt.Errorf("%s: it isn't known where it is declared", o.Key())
		}
		return declared{kind: o.GetKind(), namespace: o.GetNamespace(), name: o.GetName(), origin: o.Origin}, nil
	}
	var best []declared
	most := 1
	for _, d := range f.declared[o.GetKind()] {
		switch fit := d.is(o); {
		case fit > most:
			best, most = []declared{d}, fit
		case fit == most:
			best = append(best, d)
		}
	}
	if len(best) > 1 {
		best = slices.DeleteFunc(best, func(d declared) bool { return d.origin.File != o.Origin.File || d.origin.Line != o.Origin.Line })
	}
	if len(best) != 1 {
		return declared{}, fmt.Errorf("%s: it isn't certain where it is declared", o.Key())
	}
	return best[0], nil
}

// index reads the App's kustomizations, once.
func (f *Finder) index() error {
	if f.declared != nil || f.err != nil {
		return f.err
	}
	f.declared = map[string][]declared{}
	top, err := f.layer(f.path)
	if errors.Is(err, tree.ErrNotFound) || errors.Is(err, tree.ErrNotFolder) {
		return nil // plain files
	}
	if err == nil {
		if on := over(f.path, f.params.Kustomize); on != nil {
			top = on
		}
		var all []declared
		all, err = f.follow(top, 1)
		for _, d := range all {
			f.declared[d.kind] = append(f.declared[d.kind], d)
		}
	}
	f.err = err
	return err
}

// layer reads the kustomization of a folder.
func (f *Finder) layer(folder string) (*layer, error) {
	if l := f.layers[folder]; l != nil {
		return l, nil
	}
	if len(f.layers) >= maxLayers {
		return nil, fmt.Errorf("there are more than %d kustomizations", maxLayers)
	}
	var missing error
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		file := path.Join(folder, name)
		content, err := f.content(file)
		if err != nil {
			missing = err
			continue
		}
		l := &layer{folder: folder, file: file, content: content}
		if err := l.Unmarshal(content); err != nil {
			return nil, fmt.Errorf("%s: is not a kustomization", file)
		}
		f.layers[folder] = l
		return l, nil
	}
	return nil, missing
}

// follow is all that a kustomization declares, by way of those that it lists.
func (f *Finder) follow(l *layer, depth int) ([]declared, error) {
	if err := f.spend(l, depth); err != nil {
		return nil, err
	}
	all, err := f.resources(l, depth)
	if err != nil {
		return nil, err
	}
	all = append(all, l.generators()...)
	for _, given := range l.Components {
		component, err := f.layer(joined(l.folder, given))
		if errors.Is(err, tree.ErrNotFound) {
			continue // it is of another repository
		}
		if err != nil {
			return nil, err
		}
		own, err := f.follow(component, depth+1)
		if err != nil {
			return nil, err
		}
		over, err := f.over(component, depth+1)
		if err != nil {
			return nil, err
		}
		all = append(passing(all, over...), own...)
	}
	if len(all) > maxDeclared {
		return nil, fmt.Errorf("%s: more than %d objects come together", l.file, maxDeclared)
	}
	return passing(all, l), nil
}

// spend bounds what is followed: kustomizations may list each other in circles,
// and one of them over and over.
func (f *Finder) spend(l *layer, depth int) error {
	f.followed++
	switch {
	case depth > maxDepth:
		return fmt.Errorf("%s: kustomizations nest more than %d deep", l.file, maxDepth)
	case f.followed > maxFollowed:
		return fmt.Errorf("%s: more than %d kustomizations come together", l.file, maxFollowed)
	}
	return nil
}

// over are the kustomizations that a component puts over what was there before.
func (f *Finder) over(l *layer, depth int) ([]*layer, error) {
	if err := f.spend(l, depth); err != nil {
		return nil, err
	}
	var all []*layer
	for _, given := range l.Components {
		component, err := f.layer(joined(l.folder, given))
		if errors.Is(err, tree.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		below, err := f.over(component, depth+1)
		if err != nil {
			return nil, err
		}
		all = append(all, below...)
	}
	return append(all, l), nil
}

// resources are what a kustomization lists: files, and other kustomizations.
func (f *Finder) resources(l *layer, depth int) ([]declared, error) {
	var all []declared
	for _, given := range slices.Concat(l.Resources, l.Bases) {
		at := joined(l.folder, given)
		e, err := f.files.Stat(at)
		if errors.Is(err, tree.ErrNotFound) {
			continue // it is of another repository, or the render would have said so
		}
		if err != nil {
			return nil, err
		}
		if e.Mode == tree.Folder {
			below, err := f.layer(at)
			if err != nil {
				return nil, err
			}
			more, err := f.follow(below, depth+1)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
			continue
		}
		content, err := f.content(at)
		if err != nil {
			return nil, err
		}
		for _, h := range manifest.Headers(at, content) {
			all = append(all, declared{kind: h.Kind, namespace: h.Namespace, name: h.Name, origin: h.Origin})
		}
	}
	return all, nil
}

// generators are what a kustomization makes by itself.
func (l *layer) generators() []declared {
	var all []declared
	made := func(kind string, g types.GeneratorArgs) {
		if g.Behavior == "" || g.Behavior == "create" || g.Behavior == "unspecified" {
			all = append(all, declared{kind: kind, namespace: g.Namespace, name: g.Name, origin: object.Origin{File: l.file}, generated: true})
		}
	}
	for _, g := range l.ConfigMapGenerator {
		made("ConfigMap", g.GeneratorArgs)
	}
	for _, g := range l.SecretGenerator {
		made("Secret", g.GeneratorArgs)
	}
	return all
}

// passing is what was declared, with layers that it passes next.
func passing(all []declared, next ...*layer) []declared {
	out := make([]declared, len(all))
	for i, d := range all {
		d.layers = slices.Concat(d.layers, next)
		out[i] = d
	}
	return out
}

// joined is where a path leads that is given in a folder.
func joined(folder, given string) string { return path.Join("/", folder, given)[1:] }
