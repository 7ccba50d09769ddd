package kustomize

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// Patching is a renderer of charts, followed by what an App asks for in
// spec.render.helm.patches and images: as a kustomization would that lists what
// the chart came to. The objects keep their order and where they come from.
type Patching struct{ render.Renderer }

// Render implements render.Renderer.
func (p Patching) Render(ctx context.Context, r render.Request) ([]object.Object, error) {
	objects, err := p.Renderer.Render(ctx, r)
	helm := r.Params.Helm
	if err != nil || helm == nil || len(helm.Patches) == 0 && len(helm.Images) == 0 || !isDistinct(objects) {
		return objects, err
	}
	return patched(objects, helm.Patches, helm.Images)
}

// isDistinct says whether all objects have names, each its own. Others are
// refused by who asked for the render, which says why better than the library.
func isDistinct(objects []object.Object) bool {
	seen := map[object.Key]bool{}
	for _, o := range objects {
		if k := o.Key(); k.Name == "" || k.Kind == "" || seen[k] {
			return false
		}
		seen[o.Key()] = true
	}
	return true
}

// chartFile has what a chart came to.
const chartFile = overlayFolder + "/chart.yaml"

// patched are objects after patches.
func patched(objects []object.Object, asked []v1alpha1.Patch, images []v1alpha1.Image) ([]object.Object, error) {
	content, err := documents(objects)
	if err != nil {
		return nil, err
	}
	b := newBuild(nothing{}, "", nil)
	b.declared = "spec.render.helm"
	k := types.Kustomization{
		TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		Resources: []string{"chart.yaml"}, Patches: patches(asked), SortOptions: &types.SortOptions{Order: types.FIFOSortOrder},
	}
	for _, i := range images {
		k.Images = append(k.Images, types.Image{Name: i.Name, NewName: i.NewName, NewTag: i.NewTag, Digest: i.Digest})
	}
	v := vetting{build: b, at: b.declared}
	for i, p := range k.Patches {
		v.patch(p, "patches", fmt.Sprint(i))
	}
	if len(v.errs) > 0 {
		return nil, render.Join(v.errs)
	}
	b.over[chartFile] = content
	b.read[chartFile] = content // what is secret of it stays out of messages
	if b.over[overlayFile], err = yaml.Marshal(k); err != nil {
		return nil, err
	}
	made, err := b.result()
	if err != nil {
		return nil, err
	}
	origins := make(map[object.Key]object.Origin, len(objects))
	for _, o := range objects {
		origins[o.Key()] = o.Origin
	}
	for i, o := range made {
		made[i].Origin = origins[o.Key()]
	}
	return made, nil
}

// documents are objects as a file of them.
func documents(objects []object.Object) ([]byte, error) {
	var out bytes.Buffer
	for _, o := range objects {
		b, err := json.Marshal(o.Object)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", o.Origin, o.Key(), err)
		}
		out.WriteString("---\n")
		out.Write(b)
		out.WriteByte('\n')
	}
	return out.Bytes(), nil
}

// nothing is a tree without files.
type nothing struct{}

func (nothing) absent(p string) error { return fmt.Errorf("%s: %w", p, tree.ErrNotFound) }

// ReadFile implements tree.Reader.
func (n nothing) ReadFile(p string) ([]byte, error) { return nil, n.absent(p) }

// ReadDir implements tree.Reader.
func (n nothing) ReadDir(p string) ([]tree.Entry, error) { return nil, n.absent(p) }

// Stat implements tree.Reader.
func (n nothing) Stat(p string) (tree.Entry, error) { return tree.Entry{}, n.absent(p) }
