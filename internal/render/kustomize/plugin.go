package kustomize

//lint:file-ignore SA1019 people have kustomizations with the old fields, and they read files as the new ones do

import (
	"fmt"
	"reflect"
	"strconv"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// maxPluginDepth bounds how deep folders of plugin configurations nest.
const maxPluginDepth = 8

// plugins looks at the configurations of generators, transformers and
// validators: texts, files, or folders that list files. They may name files of
// their own.
func (v *vetting) plugins(list []string, field string) {
	for i, given := range list {
		where := []string{field, strconv.Itoa(i)}
		if !remote(given) && !v.inline(given, where...) {
			continue
		}
		if configs, err := resources(given); err == nil && !remote(given) {
			v.configurations(configs, where...)
			continue
		}
		if at, there := v.path(given, where...); there {
			v.pluginPath(at, maxPluginDepth, where...)
		}
	}
}

// pluginPath looks at the configurations in a file or folder.
func (v *vetting) pluginPath(at string, depth int, where ...string) {
	e, err := v.build.files.Stat(at)
	if err == nil && e.Mode == tree.Folder {
		v.pluginFolder(at, depth, where...)
		return
	}
	content, err := v.build.files.ReadFile(at)
	if err != nil {
		v.fail(where, "%w", err)
		return
	}
	if !v.inline(string(content), where...) {
		return
	}
	configs, err := resources(string(content))
	if err != nil {
		v.fail(where, "%s is not the configuration of a plugin: %w", at, err)
		return
	}
	v.configurations(configs, where...)
}

// pluginFolder looks at a kustomization that only lists configurations. One
// that changes them could have them name anything in the end.
func (v *vetting) pluginFolder(at string, depth int, where ...string) {
	if depth == 0 {
		v.fail(where, "%s: folders of configurations nest more than %d deep", at, maxPluginDepth)
		return
	}
	k, err := v.listOf(at)
	if err != nil {
		v.fail(where, "%w", err)
		return
	}
	below := *v
	below.folder = at
	for _, given := range append(k.Resources, k.Bases...) {
		if next, there := below.path(given, where...); there {
			below.pluginPath(next, depth-1, where...)
		}
	}
	v.errs = below.errs
}

// listOf is the kustomization of a folder, which must hold nothing but a list.
func (v *vetting) listOf(at string) (types.Kustomization, error) {
	var k types.Kustomization
	entries, err := v.build.files.ReadDir(at)
	if err != nil {
		return k, err
	}
	name, has := render.Holds(entries, render.KustomizationFiles()...)
	if !has {
		return k, fmt.Errorf("%s is a folder without a kustomization; name files", at)
	}
	file := at + "/" + name
	content, err := v.build.files.ReadFile(file)
	if err == nil {
		err = manifest.CheckExpansion(file, content)
	}
	if err == nil {
		err = k.Unmarshal(content)
	}
	if err != nil {
		return k, fmt.Errorf("%s: %w", file, err)
	}
	list := types.Kustomization{TypeMeta: k.TypeMeta, MetaData: k.MetaData, Resources: k.Resources, Bases: k.Bases}
	if !reflect.DeepEqual(k, list) || k.Kind == types.ComponentKind {
		return k, fmt.Errorf("%s does more than list files, which is not supported for the configurations of plugins; list the files here", file)
	}
	return k, nil
}

func (v *vetting) configurations(configs []*resource.Resource, where ...string) {
	for _, c := range configs {
		v.configuration(c, where...)
	}
}

// pluginFiles are the fields by which the library's own plugins name files, or
// hold what files would.
type pluginFiles struct {
	Path           string   `json:"path"`
	Paths          []string `json:"paths"`
	TargetFilePath string   `json:"targetFilePath"`
	Replacements   []struct {
		Path string `json:"path"`
	} `json:"replacements"`
	Patch               string `json:"patch"`
	Patches             string `json:"patches"`
	types.KvPairSources `json:",inline"`
}

// configuration looks at one.
func (v *vetting) configuration(c *resource.Resource, where ...string) {
	gvk := c.GetGvk()
	if gvk.Group != "" || gvk.Version != konfig.BuiltinPluginApiVersion {
		v.fail(where, "%s %s is a plugin that has to be run, and a render starts no program; use what is built into kustomize", gvk.ApiVersion(), gvk.Kind)
		return
	}
	var f pluginFiles
	switch gvk.Kind {
	case "HelmChartInflationGenerator":
		v.fail(where, "%s", noCharts)
		return
	case "PatchTransformer", "PatchJson6902Transformer", "PatchStrategicMergeTransformer", "ReplacementTransformer",
		"ValueAddTransformer", "ConfigMapGenerator", "SecretGenerator":
	default:
		return // it names no files
	}
	y, err := c.AsYAML()
	if err == nil {
		err = yaml.Unmarshal(y, &f)
	}
	if err != nil {
		v.fail(where, "%s: %w", gvk.Kind, err)
		return
	}
	v.optional(f.Path, where...)
	v.optional(f.TargetFilePath, where...)
	for _, given := range f.Paths {
		v.inlineOrPath(given, where...)
	}
	for _, r := range f.Replacements {
		v.optional(r.Path, where...)
	}
	v.inline(f.Patch, where...)
	v.inline(f.Patches, where...)
	v.pairs(f.KvPairSources, where...)
}
