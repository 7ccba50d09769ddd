package v1alpha1

import (
	"maps"
	"slices"
)

// Patch changes rendered objects, as in a kustomization file: a strategic merge
// patch, or a JSON patch (RFC 6902) with a target.
type Patch struct {
	Patch  string       `json:"patch"`
	Target *PatchTarget `json:"target,omitempty"`
}

// PatchTarget selects objects; what is empty selects all.
type PatchTarget struct {
	Group         string `json:"group,omitempty"`
	Version       string `json:"version,omitempty"`
	Kind          string `json:"kind,omitempty"`
	Name          string `json:"name,omitempty"`
	Namespace     string `json:"namespace,omitempty"`
	LabelSelector string `json:"labelSelector,omitempty"`
}

// Replicas sets how many replicas the workloads of a name have.
type Replicas struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// clone shares nothing that can be changed with k.
func (k Kustomize) clone() *Kustomize {
	k.Images, k.Replicas, k.Components = slices.Clone(k.Images), slices.Clone(k.Replicas), slices.Clone(k.Components)
	k.Labels, k.Annotations = maps.Clone(k.Labels), maps.Clone(k.Annotations)
	k.Patches = clonePatches(k.Patches)
	return &k
}

func clonePatches(patches []Patch) []Patch {
	own := slices.Clone(patches)
	for i, p := range own {
		if p.Target != nil {
			own[i].Target = new(*p.Target)
		}
	}
	return own
}
