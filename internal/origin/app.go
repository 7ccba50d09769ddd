package origin

import (
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"plumb.dev/plumb/api/v1alpha1"
)

// fromApp notes what the App's own declaration says about the field, in the
// opposite order of that in which it is done. Nothing of it can be edited: it
// stands in no file of the App's.
func (l *look) fromApp() {
	if l.homes {
		return
	}
	switch p := l.finder.params; {
	case p.Kustomize != nil:
		const field = "spec.render.kustomize"
		l.imagesOfApp(field, p.Kustomize.Images)
		if l.field.String() == "spec.replicas" {
			for _, r := range p.Kustomize.Replicas {
				if slices.Contains(l.names(), r.Name) {
					l.ofApp(field+".replicas", int64(r.Count))
				}
			}
		}
		l.marksOfApp(field, *p.Kustomize)
		l.patchesOfApp(field, p.Kustomize.Patches)
	case p.Helm != nil:
		const field = "spec.render.helm"
		l.imagesOfApp(field, p.Helm.Images)
		l.patchesOfApp(field, p.Helm.Patches)
	}
}

// ofApp notes that a field of the App makes the value.
func (l *look) ofApp(field string, value any) {
	l.places = append(l.places, Place{What: field + " of the App", Value: value, Present: true})
}

func (l *look) imagesOfApp(field string, images []v1alpha1.Image) {
	have, isImage := l.image()
	if !isImage {
		return
	}
	for _, i := range images {
		if have.isMadeBy(i.Name, i.NewName, i.NewTag, i.Digest) {
			l.ofApp(field+".images", have.String())
		}
	}
}

// marksOfApp notes labels and annotations. The latter are put on pod templates,
// too.
func (l *look) marksOfApp(field string, k v1alpha1.Kustomize) {
	n := len(l.field)
	if n < 2 {
		return
	}
	kind, key := l.field[n-2].Key, l.field[n-1].Key
	if value, has := k.Annotations[key]; has && kind == "annotations" {
		l.ofApp(field+".annotations", value)
	}
	if value, has := k.Labels[key]; has && kind == "labels" && n == 3 && l.field[0].Key == "metadata" {
		l.ofApp(field+".labels", value)
	}
}

// patchesOfApp notes what patches say, the last one first.
func (l *look) patchesOfApp(field string, patches []v1alpha1.Patch) {
	for i := len(patches) - 1; i >= 0; i-- {
		p := patches[i]
		if p.Target != nil && !l.selects(selector(*p.Target)) {
			continue
		}
		what := fmt.Sprintf("%s.patches[%d]", field, i)
		l.finder.contents[what] = []byte(p.Patch) // it is read as if it were a file
		before := len(l.places)
		l.patchText(what, what, []byte(p.Patch), nil, p.Target != nil)
		for j := before; j < len(l.places); j++ {
			found := l.places[j]
			l.places[j] = Place{What: what + " of the App", Value: found.Value, Present: found.Present}
		}
	}
}

func selector(t v1alpha1.PatchTarget) types.Selector {
	return types.Selector{
		ResId:         resid.ResId{Gvk: resid.Gvk{Group: t.Group, Version: t.Version, Kind: t.Kind}, Name: t.Name, Namespace: t.Namespace},
		LabelSelector: t.LabelSelector,
	}
}

// over is a kustomization that stands for what an App puts on top of a folder's
// own, as far as it says which objects there are and what they are called.
func over(folder string, k *v1alpha1.Kustomize) *layer {
	if k == nil || k.NamePrefix == "" && k.NameSuffix == "" && len(k.Components) == 0 {
		return nil
	}
	return &layer{folder: folder, Kustomization: types.Kustomization{
		Resources: []string{"."}, Components: k.Components, NamePrefix: k.NamePrefix, NameSuffix: k.NameSuffix,
	}}
}

// belowTop is a declaration as it is where the App's own kustomization patches
// it: before what that one, and the App itself, do to names. It says false where
// it doesn't pass there.
func (d declared) belowTop(top *layer) (declared, bool) {
	at := slices.Index(d.layers, top)
	if at < 0 {
		return d, false
	}
	d.layers = d.layers[:at:at]
	return d, true
}
