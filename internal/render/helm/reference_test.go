package helm

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/common"
	valuesutil "helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/bench/chart"
	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree/treetest"
)

// realistic is a chart as people have them, of four objects for each component.
func realistic(components int) map[string]string {
	files := map[string]string{}
	for name, content := range chart.Files("c", "team: '{{ .Release.Namespace }}'", components) {
		files["c/"+name] = content
	}
	files["c/templates/NOTES.txt"] = "{{ .Release.Name }}"
	return files
}

// reference is what the library comes to by itself, from a disk and unmetered.
func reference(t *testing.T, files map[string]string, params v1alpha1.Render) []string {
	t.Helper()
	top := t.TempDir()
	for name, content := range files {
		at := filepath.Join(top, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := loader.LoadDir(filepath.Join(top, "c"))
	if err != nil {
		t.Fatal(err)
	}
	if err := chartutil.ProcessDependencies(c, params.Helm.Values); err != nil {
		t.Fatal(err)
	}
	version, err := common.ParseKubeVersion(v1alpha1.DefaultKubeVersion)
	if err != nil {
		t.Fatal(err)
	}
	values, err := valuesutil.ToRenderValues(c, params.Helm.Values,
		common.ReleaseOptions{Name: params.Helm.ReleaseName, Namespace: params.Release.Namespace, Revision: 1, IsInstall: true},
		&common.Capabilities{KubeVersion: *version, APIVersions: common.DefaultVersionSet, HelmVersion: common.DefaultCapabilities.HelmVersion})
	if err != nil {
		t.Fatal(err)
	}
	texts, err := engine.Engine{}.RenderWithContext(t.Context(), c, values)
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(texts, func(name, _ string) bool { return strings.HasSuffix(name, "NOTES.txt") })
	_, manifests, err := releaseutil.SortManifests(texts, nil, releaseutil.InstallOrder)
	if err != nil {
		t.Fatal(err)
	}
	var objects []string
	for _, m := range manifests {
		for d, err := range manifest.Read(m.Name, []byte(m.Content+"\n")) {
			if err != nil {
				t.Fatal(err)
			}
			o := d.Object()
			objects = append(objects, o.Key().String()+" "+o.Digest())
		}
	}
	for _, crd := range c.CRDObjects() {
		for d := range manifest.Read(crd.Name, crd.File.Data) {
			o := d.Object()
			objects = append(objects, o.Key().String()+" "+o.Digest())
		}
	}
	slices.Sort(objects)
	return objects
}

// The meter and the tree change nothing of what the library comes to.
func TestSameAsTheLibrary(t *testing.T) {
	t.Parallel()
	umbrella := with(realistic(2), sub("sub", "1.0.0"), map[string]string{
		"c/Chart.yaml":      chartYAML + "dependencies:\n- {name: sub, version: 1.x, alias: one, condition: one.enabled}\n- {name: sub, version: 1.x, alias: two, import-values: [data]}\n- {name: off, version: '*', tags: [never]}\n",
		"c/charts/off.tgz":  pack(packed{name: "off/Chart.yaml", content: "apiVersion: v2\nname: off\nversion: 1.0.0\n"}, packed{name: "off/templates/x.yaml", content: "no: no"}),
		"c/crds/a.yaml":     "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.example.com}\n",
		"c/.helmignore":     "*.bak\n/ignored/\n",
		"c/templates/x.bak": "{{ fail \"no\" }}",
	})
	spaces := in("{{- /* a comment */ -}}\n   {{- range $i := until 3 -}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a{{ $i }}\ndata:\n  b: |  \n    {{- range $j, $c := list \"x\" 1 nil true 1.5 (dict \"k\" \"v\") }}\n    {{ $j }} {{ $c }} {{- if eq $j 2 }}{{ continue }}{{ end }}\n\n    {{- end }}\n  {{- with $.Values.m }}\n  m: {{ .a | quote }}{{ else }}{{ fail \"x\" }}{{ end }}\n  k: {{ $.Capabilities.KubeVersion }} {{ $.Chart.Name }} {{ $.Values.f }} {{ 1e3 }} {{ 'a' }} {{ len `raw }}` }}\n{{ end }}",
		map[string]string{"c/values.yaml": "m: {a: 'x: {{ y }}'}\nf: 12345678\n"})
	for name, files := range map[string]map[string]string{"realistic": realistic(10), "umbrella": umbrella, "spaces": spaces} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := v1alpha1.App{}
			app.Name, app.Namespace = "web", "team-a"
			app.Spec.Render.Helm = &v1alpha1.Helm{Values: map[string]any{"tags": map[string]any{"never": false}}}
			params := v1alpha1.Default(app).Spec.Render
			result, err := render.Set{New()}.Render(t.Context(), render.Work{Files: treetest.New(files), Path: "c", Params: params})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range result.Objects {
				got = append(got, o.Key().String()+" "+o.Digest())
			}
			slices.Sort(got)
			if diff := cmp.Diff(reference(t, files, params), got); diff != "" || len(got) < 3 {
				t.Errorf("(-library +plumb)\n%s", diff)
			}
		})
	}
}

func BenchmarkRender(b *testing.B) {
	files := treetest.New(realistic(10))
	one := func(b *testing.B) {
		result, err := render.Set{New()}.Render(b.Context(), render.Work{Files: files, Path: "c"})
		if err != nil || len(result.Objects) != 40 {
			b.Fatalf("got %d objects and the error %v", len(result.Objects), err)
		}
	}
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			one(b)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				one(b)
			}
		})
	})
}
