package helm

import (
	"fmt"
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
	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree/treetest"
)

// helpers are what `helm create` and common charts make of names and labels.
const helpers = `{{/* names }} and labels */}}
{{- define "shop.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "shop.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}
{{- define "shop.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "shop.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.labels }}
{{ tpl (toYaml .) $ }}
{{- end }}
{{- end }}
{{- define "shop.selector" -}}
app.kubernetes.io/name: {{ include "shop.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
`

const component = `{{- $root := . -}}
{{- range $i, $c := .Values.components }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.fullname" $root }}-{{ $c.name }}
  labels:
    {{- include "shop.labels" $root | nindent 4 }}
spec:
  {{- if not $c.autoscaling }}
  replicas: {{ $c.replicas | default 1 }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "shop.selector" $root | nindent 6 }}
      component: {{ $c.name }}
  template:
    metadata:
      annotations:
        checksum/config: {{ toYaml $c.config | sha256sum }}
      labels:
        {{- include "shop.selector" $root | nindent 8 }}
        component: {{ $c.name }}
    spec:
      serviceAccountName: {{ include "shop.fullname" $root }}-{{ $c.name }}
      containers:
      - name: {{ $c.name }}
        image: "{{ $root.Values.image.registry }}/{{ $c.name }}:{{ $c.tag | default $root.Chart.AppVersion }}"
        ports: [{name: http, containerPort: {{ int $c.port }}}]
        {{- with $c.resources }}
        resources:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        env:
        {{- range $k, $v := $c.config }}
        - {name: {{ $k | upper | quote }}, value: {{ tpl (toString $v) $root | quote }}}
        {{- end }}
{{ end }}
`

const parts = `{{- range .Values.components }}
---
apiVersion: v1
kind: Service
metadata: {name: {{ include "shop.fullname" $ }}-{{ .name }}, labels: {component: {{ .name }}}}
spec:
  ports: [{name: http, port: 80, targetPort: http}]
  selector:
    {{- include "shop.selector" $ | nindent 4 }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "shop.fullname" $ }}-{{ .name }}
  labels: {{- include "shop.labels" $ | nindent 4 }}
data:
  config.yaml: |-
    {{- .config | toYaml | nindent 4 }}
  file: {{ $.Files.Get "files/motd.txt" | quote }}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ template "shop.fullname" $ }}-{{ .name }}, labels: {component: {{ .name }}}}
{{- end }}
`

// realistic is a chart as people have them, of four objects for each component.
func realistic(components int) map[string]string {
	var values strings.Builder
	values.WriteString("image: {registry: registry.example.com/shop}\nlabels: {team: '{{ .Release.Namespace }}'}\ncomponents:\n")
	for i := range components {
		fmt.Fprintf(&values, "- {name: part-%d, port: %d, replicas: %d, resources: {limits: {memory: 128Mi}}, config: {url: 'http://{{ .Release.Name }}:80', level: info, n: 1500000}}\n", i, 8000+i, i%3+1)
	}
	return map[string]string{
		"c/Chart.yaml": chartYAML + "appVersion: \"1.4.2\"\n", "c/values.yaml": values.String(), "c/templates/_helpers.tpl": helpers,
		"c/templates/deployment.yaml": component, "c/templates/parts.yaml": parts, "c/files/motd.txt": "Welcome\n\tto {{ the shop }}\n", "c/templates/NOTES.txt": "{{ .Release.Name }}",
	}
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
