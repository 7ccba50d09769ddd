package kustomize

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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
	if err != nil || helm == nil || len(helm.Patches) == 0 && len(helm.Images) == 0 {
		return objects, err
	}
	named, distinct := distinctly(objects)
	if len(named) == 0 || !distinct { // which who asked for the render refuses, and says why better than the library
		return objects, nil
	}
	made, err := patched(named, helm.Patches, helm.Images)
	if err != nil {
		return nil, err
	}
	changed := make(map[object.Key]object.Object, len(made))
	for _, o := range made {
		changed[o.Key()] = o
	}
	var out []object.Object
	for i, o := range named {
		now, is := changed[o.Key()]
		if !is {
			continue // a patch deleted it
		}
		if objects[i].GetName() == "" {
			unstructured.RemoveNestedField(now.Object, "metadata", "name")
		}
		now.Origin = o.Origin
		out = append(out, now)
	}
	return out, nil
}

// distinctly are objects with a name each, and whether it is each one's own. A
// hook may be without, to get one from the server; it has one for the time being.
func distinctly(objects []object.Object) (named []object.Object, distinct bool) {
	seen := map[object.Key]bool{}
	for i, o := range objects {
		if o.GetName() == "" {
			o.Unstructured = o.DeepCopy()
			o.SetName(fmt.Sprintf("~%d~", i))
		}
		if o.GetKind() == "" || seen[o.Key()] {
			return nil, false
		}
		seen[o.Key()] = true
		named = append(named, o)
	}
	return named, true
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
	return b.result()
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
