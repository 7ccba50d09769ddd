package kustomize

import (
	"path"
	"slices"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
)

// What an App asks for beside its folder is done by a kustomization on top of the
// folder's own. The library sees it on a disk of two folders: one has the tree,
// the other this kustomization. So no file of the tree can be in its way, and the
// tree's top can be built as well. Their names are such that they can be taken
// out of messages.
const (
	treeFolder    = "/~tree~"
	overlayFolder = "/~app~"
	overlayFile   = overlayFolder + "/kustomization.yaml"
)

// isOverlaid says whether there is more to do than what can be written into the
// folder's own kustomization.
func isOverlaid(p *v1alpha1.Kustomize) bool {
	return p != nil && (p.NamePrefix != "" || p.NameSuffix != "" || len(p.Labels) > 0 || len(p.Annotations) > 0 ||
		len(p.Patches) > 0 || len(p.Replicas) > 0 || len(p.Components) > 0)
}

// overlay is the kustomization of the App's parameters, vetted.
func (b *build) overlay() ([]byte, error) {
	_, _, own := b.kustomizationOf(b.top) // what is wrong with it is told when the library asks for it
	own.FixKustomization()
	k := types.Kustomization{
		TypeMeta:          types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		NamePrefix:        b.params.NamePrefix,
		NameSuffix:        b.params.NameSuffix,
		CommonAnnotations: b.params.Annotations,
		Patches:           patches(b.params.Patches),
		Components:        slices.Clone(b.params.Components),
		// These are not about content but about the build, of which the folder's
		// own kustomization is no longer the top.
		SortOptions: own.SortOptions,
	}
	if slices.Contains(own.BuildMetadata, types.ManagedByLabelOption) { // others tell paths, of this disk
		k.BuildMetadata = []string{types.ManagedByLabelOption}
	}
	if len(b.params.Labels) > 0 {
		k.Labels = []types.Label{{Pairs: b.params.Labels}}
	}
	for _, r := range b.params.Replicas {
		k.Replicas = append(k.Replicas, types.Replica{Name: r.Name, Count: int64(r.Count)})
	}
	for _, image := range b.params.Images {
		if !replaces(own, image) {
			k.Images = append(k.Images, types.Image{Name: image.Name, NewName: image.NewName, NewTag: image.NewTag, Digest: image.Digest})
		}
	}
	v := vetting{build: b, at: b.declared, folder: b.top}
	if err := v.look(k); err != nil {
		return nil, err
	}
	v.rewrite(&k)
	for i, given := range k.Components {
		if !isNeed(given) {
			k.Components[i] = ".." + path.Join(treeFolder, b.top, given)
		}
	}
	k.Resources = []string{".." + path.Join(treeFolder, b.top)}
	return yaml.Marshal(k)
}

// patches are an App's patches as the library has them.
func patches(given []v1alpha1.Patch) []types.Patch {
	var out []types.Patch
	for _, p := range given {
		made := types.Patch{Patch: p.Patch}
		if t := p.Target; t != nil {
			made.Target = &types.Selector{
				ResId: resid.ResId{
					Gvk: resid.Gvk{Group: t.Group, Version: t.Version, Kind: t.Kind}, Name: t.Name, Namespace: t.Namespace,
				},
				LabelSelector: t.LabelSelector,
			}
		}
		out = append(out, made)
	}
	return out
}

// replaces says whether a kustomization replaces an image of a name.
func replaces(k types.Kustomization, image v1alpha1.Image) bool {
	return slices.ContainsFunc(k.Images, func(have types.Image) bool { return have.Name == image.Name })
}

// alter puts an App's images into the folder's own kustomization: those that it
// replaces itself, so that they can be called what the manifests call them, and
// all of them where nothing is on top.
func (b *build) alter(k types.Kustomization, content []byte) ([]byte, error) {
	changed := false
	for _, image := range b.params.Images {
		i := slices.IndexFunc(k.Images, func(have types.Image) bool { return have.Name == image.Name })
		if i < 0 && b.overlaid {
			continue
		}
		if i < 0 {
			k.Images = append(k.Images, types.Image{Name: image.Name})
			i = len(k.Images) - 1
		}
		replace(&k.Images[i], image)
		changed = true
	}
	if !changed {
		return content, nil
	}
	return yaml.Marshal(k)
}

// replace overrides what the kustomization says of an image. A tag and a digest
// exclude each other.
func replace(have *types.Image, image v1alpha1.Image) {
	if image.NewName != "" {
		have.NewName = image.NewName
	}
	if image.NewTag != "" || image.Digest != "" {
		have.NewTag, have.Digest, have.TagSuffix = image.NewTag, image.Digest, ""
	}
}
