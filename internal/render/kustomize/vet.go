package kustomize

//lint:file-ignore SA1019 people have kustomizations with the old fields, and they read files as the new ones do

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// The limits of one build. Bases that are used over and over make a build grow
// much faster than its files.
const (
	maxKustomizations = 1000
	maxBytes          = 64 << 20
)

// vet looks at a kustomization on its way to the library and returns what the
// library is to see. All that the library may clone, fetch or run is named in a
// kustomization, or in the configurations of plugins that it lists, so what
// passes here can't reach out.
func (b *build) vet(at string, depth int, content []byte) ([]byte, error) {
	if b.seen++; b.seen > maxKustomizations {
		return nil, fmt.Errorf("%s: more than %d kustomizations are part of this build; is there a circle of links?", at, maxKustomizations)
	}
	if err := manifest.CheckExpansion(at, content); err != nil {
		return nil, err
	}
	var k types.Kustomization
	if err := k.Unmarshal(content); err != nil {
		return nil, invalid(at, content, err)
	}
	v := vetting{build: b, at: at, folder: folderOf(at), depth: depth, content: content}
	if err := v.look(k); err != nil {
		return nil, err
	}
	v.warn(k)
	b.custom = b.custom || len(k.OpenAPI) > 0
	if given := k.OpenAPI["path"]; given != "" {
		b.schema, _ = b.inside(v.folder, given)
		b.schemaOf = v.origin([]string{"openapi", "path"})
	}
	isRewritten := v.rewrite(&k)
	k.FixKustomization()
	b.expect(at, v.folder, k)
	if isRewritten {
		var err error
		if content, err = yaml.Marshal(k); err != nil {
			return nil, err
		}
	}
	if v.folder != b.top || b.altered {
		return content, nil
	}
	b.altered = true
	return b.alter(k, content)
}

// look looks at a whole kustomization.
func (v *vetting) look(k types.Kustomization) error {
	v.kustomization(k)
	switch {
	case len(v.errs) > 0:
		return render.Join(v.errs)
	case len(v.build.remotes.missing) > 0:
		return errMissing
	}
	return nil
}

// rewrite has a kustomization name what is mounted in place of what is remote,
// and says whether anything is.
func (v *vetting) rewrite(k *types.Kustomization) bool {
	lists := map[string][]string{"resources": k.Resources, "bases": k.Bases, "components": k.Components}
	for _, r := range v.rewritten {
		for i, given := range lists[r.field] {
			if given == r.given {
				lists[r.field][i] = r.at
			}
		}
	}
	return len(v.rewritten) > 0
}

func folderOf(at string) string {
	if folder := path.Dir(at); folder != "." {
		return folder
	}
	return ""
}

// invalid says why a file is no kustomization, with the line if that is known.
func invalid(at string, content []byte, err error) error {
	var document manifest.Document
	for d, syntax := range manifest.Read(at, content) {
		if syntax != nil {
			return syntax
		}
		document = d
		break
	}
	what := strings.TrimPrefix(err.Error(), "invalid Kustomization: ")
	if _, field, unknown := strings.Cut(what, "unknown field "); unknown {
		name, _ := strconv.Unquote(field)
		return fmt.Errorf("%s: a kustomization has no field %s; correct or remove it", document.At(name), field)
	}
	return fmt.Errorf("%s: is not a kustomization: %s; correct it", at, strings.TrimPrefix(what, "json: "))
}

// vetting is the look at one kustomization. It goes on after an error, so that
// people see all that is wrong at once.
type vetting struct {
	build      *build
	at, folder string
	depth      int // of remote bases
	content    []byte
	document   *manifest.Document // parsed again, when a line is asked for
	rewritten  []rewrite
	errs       []error
}

// fail notes what is wrong with the value at a path of the file.
func (v *vetting) fail(where []string, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if v.at == v.build.declared {
		v.errs = append(v.errs, fmt.Errorf("%s.%s[%s]: %w", v.at, where[0], where[1], err))
		return
	}
	v.errs = append(v.errs, fmt.Errorf("%s: %s: %w", v.origin(where), where[0], err))
}

func (v *vetting) origin(where []string) object.Origin {
	if v.document == nil {
		v.document = &manifest.Document{Origin: object.Origin{File: v.at}}
		for d, err := range manifest.Read(v.at, v.content) {
			if err == nil {
				v.document = &d
			}
			break
		}
	}
	if v.document.Value == nil {
		return v.document.Origin
	}
	return v.document.At(where...)
}

// kustomization looks at every field that makes the library read something.
func (v *vetting) kustomization(k types.Kustomization) {
	v.noHelm(k)
	v.paths(k.Resources, "resources")
	v.paths(k.Bases, "bases")
	v.paths(k.Components, "components")
	v.paths(k.Crds, "crds")
	v.paths(k.Configurations, "configurations")
	v.optional(k.OpenAPI["path"], "openapi", "path")
	for i, p := range k.Patches {
		v.patch(p, "patches", strconv.Itoa(i))
	}
	for i, p := range k.PatchesJson6902 {
		v.patch(p, "patchesJson6902", strconv.Itoa(i))
	}
	for i, p := range k.PatchesStrategicMerge {
		v.inlineOrPath(string(p), "patchesStrategicMerge", strconv.Itoa(i))
	}
	for i, r := range k.Replacements {
		v.optional(r.Path, "replacements", strconv.Itoa(i), "path")
	}
	for i, g := range k.ConfigMapGenerator {
		v.pairs(g.KvPairSources, "configMapGenerator", strconv.Itoa(i))
	}
	for i, g := range k.SecretGenerator {
		v.pairs(g.KvPairSources, "secretGenerator", strconv.Itoa(i))
	}
	v.plugins(k.Generators, "generators")
	v.plugins(k.Transformers, "transformers")
	v.plugins(k.Validators, "validators")
}

// noCharts is what to do about a chart in a kustomization.
const noCharts = "a kustomization renders no Helm charts here; declare the chart as an App of its own (spec.source.chart, or spec.source.path where it is in the repository), whose patches are spec.render.helm.patches"

func (v *vetting) noHelm(k types.Kustomization) {
	for field, used := range map[string]bool{
		"helmCharts":                  len(k.HelmCharts) > 0,
		"helmChartInflationGenerator": len(k.HelmChartInflationGenerator) > 0,
	} {
		if used {
			v.fail([]string{field}, "%s", noCharts)
		}
	}
}

// paths looks at a list of paths.
func (v *vetting) paths(list []string, field string) {
	for i, given := range list {
		v.path(given, field, strconv.Itoa(i))
	}
}

// optional looks at a path that may be left out.
func (v *vetting) optional(given string, where ...string) {
	if given != "" {
		v.path(given, where...)
	}
}

// path looks at one path. It says where in the tree that is, and whether there
// is something.
func (v *vetting) path(given string, where ...string) (string, bool) {
	if remote(given) {
		if slices.Contains(basesIn, where[0]) {
			v.remoteBase(given, where...)
			return "", false
		}
		v.fail(where, "%s is remote, and only what is in the repository is rendered; commit a copy of it and name that", address(given))
		return "", false
	}
	at, isInside := v.build.inside(v.folder, given)
	if !isInside {
		v.fail(where, "%s leads out of the repository; name what is inside it, by a relative path", given)
		return "", false
	}
	if _, err := v.build.files.Stat(at); err != nil {
		if errors.Is(err, tree.ErrOutside) || errors.Is(err, tree.ErrLoop) {
			v.fail(where, "%w", err) // it says what to do about the link
			return "", false
		}
		v.fail(where, "%w; add it, or correct the path", err)
		return "", false
	}
	return at, true
}

// basesIn are the fields that may name a remote base.
var basesIn = []string{"resources", "bases", "components"}

// remote says whether the library would fetch or clone what a string names. It
// asks as the library does: how a file is told from a URL, and, by way of the
// origin of what it clones, how a folder is told from a repository.
func remote(given string) bool {
	if strings.Contains(given, "://") && !strings.ContainsAny(given, " \n") {
		return true // such as oci://, which the library knows nothing of
	}
	u, err := url.Parse(given)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return true
	}
	return (&resource.Origin{}).Append(given).Repo != ""
}

// inline looks at a text that the library parses. It says whether it is sound.
func (v *vetting) inline(text string, where ...string) bool {
	if err := manifest.CheckExpansion(v.at, []byte(text)); err != nil {
		v.fail(where, "%w", err)
		return false
	}
	return true
}

// inlineOrPath looks at what may be either.
func (v *vetting) inlineOrPath(text string, where ...string) {
	if remote(text) {
		v.path(text, where...)
		return
	}
	if !v.inline(text, where...) {
		return
	}
	if _, err := resources(text); err != nil {
		v.path(text, where...)
	}
}

// resources are the objects in a text, if the library takes it for some.
func resources(text string) ([]*resource.Resource, error) {
	m, err := resmap.NewFactory(provider.NewDefaultDepProvider().GetResourceFactory()).NewResMapFromBytes([]byte(text))
	if err != nil {
		return nil, err
	}
	return m.Resources(), nil
}

func (v *vetting) patch(p types.Patch, where ...string) {
	v.optional(p.Path, append(slices.Clone(where), "path")...)
	v.inline(p.Patch, append(slices.Clone(where), "patch")...)
}

// pairs looks at the files that a ConfigMap or Secret is made from.
func (v *vetting) pairs(p types.KvPairSources, where ...string) {
	look := func(given string, below ...string) {
		at, there := v.path(given, append(slices.Clone(where), below...)...)
		if there && where[0] != "configMapGenerator" {
			v.build.sources.secret = append(v.build.sources.secret, at)
		}
	}
	for i, given := range p.FileSources {
		if _, file, named := strings.Cut(given, "="); named {
			given = file
		}
		look(given, "files", strconv.Itoa(i))
	}
	for i, given := range p.EnvSources {
		look(given, "envs", strconv.Itoa(i))
	}
	if p.EnvSource != "" {
		look(p.EnvSource, "env")
	}
}
