package helm

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/rendertest"
	"plumb.dev/plumb/internal/tree/treetest"
)

const chartYAML = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"

// configMap is a template of an object whose data is what is given.
func configMap(data string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata:\n  got: " + data + "\n"
}

// in is a chart in the folder c, with a template of its own if one is given.
func in(template string, more map[string]string) map[string]string {
	files := map[string]string{"c/Chart.yaml": chartYAML}
	if template != "" {
		files["c/templates/a.yaml"] = template
	}
	for name, content := range more {
		files[name] = content
	}
	return files
}

// rendered renders the chart in the folder c.
func rendered(t testing.TB, files map[string]string, params *v1alpha1.Helm) (render.Result, error) {
	t.Helper()
	app := v1alpha1.App{}
	app.Name, app.Namespace = "web", "team-a"
	app.Spec.Render.Helm = params
	return render.Set{New()}.Render(context.Background(), render.Work{Files: treetest.New(files), Path: "c", Params: v1alpha1.Default(app).Spec.Render})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	simple := in(configMap(`{{ .Values.a | quote }}`), map[string]string{"c/values.yaml": "a: x\n", "c/.helmignore": "*.txt\n"})
	umbrella := in(configMap(`{{ include "lib.name" . }}`), map[string]string{
		"c/Chart.yaml":                 chartYAML + "dependencies:\n- {name: sub, version: 1.0.0, repository: '', alias: other, condition: other.on}\n- {name: lib, version: '*', repository: 'file://../lib'}\n",
		"c/charts/sub/Chart.yaml":      "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
		"c/charts/sub/templates/b.yml": "{{- if .Values.on }}\napiVersion: v1\nkind: Service\nmetadata: {name: sub}\n{{- end }}\n",
		"c/values.yaml":                "other: {on: true}\n",
		"c/crds/crd.yaml":              "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.example.com}\n",
		"lib/Chart.yaml":               "apiVersion: v2\nname: lib\nversion: 0.1.0\ntype: library\n",
		"lib/templates/_a.tpl":         `{{ define "lib.name" }}{{ .Chart.Name }}{{ end }}`,
		"values/prod.yaml":             "b: 1\n",
	})
	rendertest.Run(t, New(), map[string]rendertest.Sample{
		"simple":   {Files: simple, Path: "c"},
		"umbrella": {Files: umbrella, Path: "c", Params: v1alpha1.Render{Helm: &v1alpha1.Helm{ValueFiles: []string{"/values/*.yaml"}}}},
	})
}

// got is the text that the chart's object holds.
func got(t *testing.T, files map[string]string, params *v1alpha1.Helm) string {
	t.Helper()
	result, err := rendered(t, files, params)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range result.Objects {
		if data, is := o.Object["data"].(map[string]any); is {
			text, _ := data["got"].(string)
			return text
		}
	}
	t.Fatalf("no ConfigMap among %v", rendertest.Keys(result.Objects))
	return ""
}

func TestValues(t *testing.T) {
	t.Parallel()
	files := in(configMap(`"{{ .Values.a }}{{ .Values.b }}{{ .Values.m.x }}{{ .Values.m.z }}{{ .Values.gone }}{{ .Values.list }}"`), map[string]string{
		"c/values.yaml":   "a: 1\nb: 1\nm: {x: 1, z: 1}\ngone: 1\nlist: [1, 2]\n",
		"c/prod.yaml":     "a: 2\nm: {x: 2}\n",
		"env/1.yaml":      "a: 3\n",
		"env/2.yaml":      "a: 4\nb: 4\n",
		"env/not.txt":     "a: 9\n",
		"env/deep/x.yaml": "b: 5\n",
	})
	for name, test := range map[string]struct {
		params v1alpha1.Helm
		want   string
	}{
		"defaults":               {want: "11111[1 2]"},
		"a file":                 {v1alpha1.Helm{ValueFiles: []string{"prod.yaml"}}, "21211[1 2]"},
		"in order":               {v1alpha1.Helm{ValueFiles: []string{"../env/2.yaml", "../env/1.yaml", "prod.yaml"}}, "24211[1 2]"},
		"a pattern, sorted":      {v1alpha1.Helm{ValueFiles: []string{"/env/*.yaml"}}, "44111[1 2]"},
		"a pattern for a folder": {v1alpha1.Helm{ValueFiles: []string{"/env/*/?.yaml"}}, "15111[1 2]"},
		"values over files":      {v1alpha1.Helm{ValueFiles: []string{"prod.yaml"}, Values: map[string]any{"m": map[string]any{"x": "v"}, "list": []any{"z"}}}, "21v11[z]"},
		"null takes away":        {v1alpha1.Helm{Values: map[string]any{"gone": nil}}, "1111[1 2]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := got(t, files, &test.params); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestWhatTemplatesSee(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		`{{ .Release.Name }}/{{ .Release.Namespace }}/{{ .Release.Service }}/{{ .Release.IsInstall }}/{{ .Release.Revision }}`: "web/team-a/Helm/true/1",
		`"{{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.Minor }}"`:                                              "v1.36.0 36",
		`"{{ .Capabilities.APIVersions.Has "apps/v1" }}{{ .Capabilities.APIVersions.Has "a.example/v1" }}"`:                    "truefalse",
		`"{{ .Template.Name }} {{ .Chart.Name }} {{ .Chart.Version }}"`:                                                        "shop/templates/a.yaml shop 1.0.0",
		`"{{ .Files.Get "some.txt" }}{{ range $n, $_ := .Files.Glob "*.txt" }}{{ $n }}{{ end }}"`:                              "hellosome.txt",
		`"{{ lookup "v1" "Secret" "" "" }}"`:                                                                                   "map[]",
		`"{{ getHostByName "localhost" }}."`:                                                                                   ".",
		`"{{ tpl "{{ .Values.x }}{{ define \"d\" }}D{{ end }}{{ include \"d\" . }}" . }}"`:                                     "5D",
		`"{{ "{{ .Values.x }}" | replace "x" "x" | quote | len }}{{ tpl (.Values.t | toString) $ }}"`:                          "175",
		`"{{- range $i := until 3 -}}  {{ $i }}  {{- end }}"`:                                                                  "012",
		`"{{ range 3 }}{{ . }}{{ else }}none{{ end }}{{ $x := 1 }}{{ $x = 2 }}{{ $x }}"`:                                       "0122",
		`"{{ .Values.missing }}{{ with .Values.x }}{{ . }}{{ end }}{{/* a }} comment */}}"`:                                    "5",
		`{{ toYaml (dict "a" 1) | quote }}`:                                                                                    "a: 1",
	} {
		t.Run(template, func(t *testing.T) {
			t.Parallel()
			files := in(configMap(template), map[string]string{"c/some.txt": "hello", "c/values.yaml": "x: 5\nt: '{{ .Values.x }}'\n"})
			if got := got(t, files, nil); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestHooksTestsNotesAndPolicies(t *testing.T) {
	t.Parallel()
	object := func(name, annotation string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n  annotations: {" + annotation + "}\n---\n"
	}
	files := in(object("plain", "")+object("kept", "helm.sh/resource-policy: keep")+object("tested", "helm.sh/hook: 'test, test-success'")+
		object("old-crd", "helm.sh/hook: crd-install")+object("migrate", "helm.sh/hook: 'pre-install,pre-upgrade'"),
		map[string]string{"c/templates/NOTES.txt": "Thanks for {{ .Release.Name }}!", "c/templates/empty.yaml": "# nothing\n{{ if false }}x{{ end }}\n", "c/templates/_p.tpl": "no: object"})
	result, err := rendered(t, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ConfigMap/plain", "ConfigMap/kept", "ConfigMap/migrate"}, rendertest.Keys(result.Objects)); diff != "" || len(result.Notices) != 1 {
		t.Error(diff, result.Notices)
	}
	if result, err = rendered(t, files, &v1alpha1.Helm{SkipTests: new(false)}); err != nil || len(result.Objects) != 4 {
		t.Errorf("with tests there are %d objects, and the error %v", len(result.Objects), err)
	}
}

// Charts make objects twice, and who uses them can't change that.
func TestObjectsThatAreThereTwice(t *testing.T) {
	t.Parallel()
	object := func(kind, name, more string) string {
		return "apiVersion: v1\nkind: " + kind + "\nmetadata: {name: " + name + more + "}\n---\n"
	}
	hook := ", annotations: {helm.sh/hook: pre-install}"
	sub := "apiVersion: v2\nname: sub\nversion: 1.0.0\n"
	for name, test := range map[string]struct {
		files   map[string]string
		want    []string // the origins of what counts
		notices []string
		err     string
	}{
		"in two templates": {
			map[string]string{"c/templates/b.yaml": object("Pod", "a", ", namespace: x"), "c/templates/a.yaml": object("Pod", "a", ", namespace: x") + object("Pod", "a", "")},
			[]string{"c/templates/a.yaml:6", "c/templates/b.yaml:2"}, []string{"c/templates/a.yaml:2: Pod/x/a: is declared twice; what counts is c/templates/b.yaml:2"}, "",
		},
		"of a dependency": {
			map[string]string{"c/templates/a.yaml": object("Pod", "a", ""), "c/charts/sub/Chart.yaml": sub, "c/charts/sub/templates/a.yaml": object("Pod", "a", "")},
			[]string{"c/templates/a.yaml:2"}, []string{"c/charts/sub/templates/a.yaml:2: Pod/a: is declared twice; what counts is c/templates/a.yaml:2"}, "",
		},
		"in crds/": {
			map[string]string{"c/templates/a.yaml": "", "c/crds/a.yaml": object("Pod", "a", hook), "c/charts/sub/Chart.yaml": sub, "c/charts/sub/crds/a.yaml": object("Pod", "a", "")},
			[]string{"c/crds/a.yaml"}, []string{"c/charts/sub/crds/a.yaml: Pod/a: is declared twice; what counts is c/crds/a.yaml"}, "",
		},
		"in crds/ and as a template": {
			map[string]string{"c/templates/a.yaml": object("Pod", "a", ""), "c/crds/a.yaml": object("Pod", "a", hook)},
			[]string{"c/templates/a.yaml:2"}, []string{"c/crds/a.yaml: Pod/a: is declared twice; what counts is c/templates/a.yaml:2"}, "",
		},
		"a hook, too": {
			map[string]string{"c/templates/a.yaml": object("Pod", "a", "") + object("Pod", "a", hook)}, nil, nil, "c/templates/a.yaml:6: Pod/a: is declared twice, the first time at c/templates/a.yaml:2",
		},
		"hooks without names": {
			map[string]string{"c/templates/a.yaml": strings.Repeat("apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-, annotations: {helm.sh/hook: test}}\n---\n", 2) + object("Pod", "b", "")},
			[]string{"c/templates/a.yaml:10"}, nil, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := rendered(t, in("", test.files), nil)
			var got []string
			for _, o := range result.Objects {
				got = append(got, o.Origin.String())
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatalf("got the error %v, want %q", err, test.err)
			}
			if diff := cmp.Diff(test.want, got) + cmp.Diff(test.notices, result.Notices); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCRDs(t *testing.T) {
	t.Parallel()
	crd := func(name string) string {
		return "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: " + name + ".example.com}\n"
	}
	files := in(configMap("x"), map[string]string{
		"c/crds/a.yaml": crd("a") + "---\n" + crd("b"), "c/crds/README.md": "# CRDs",
		"c/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n", "c/charts/sub/crds/c.yaml": crd("c"),
	})
	for include, want := range map[bool]string{
		true:  "CustomResourceDefinition/a.example.com CustomResourceDefinition/b.example.com CustomResourceDefinition/c.example.com ConfigMap/web",
		false: "ConfigMap/web",
	} {
		result, err := rendered(t, files, &v1alpha1.Helm{IncludeCRDs: &include})
		if got := strings.Join(rendertest.Keys(result.Objects), " "); err != nil || got != want {
			t.Errorf("got %s and the error %v, want %s", got, err, want)
		}
	}
}

// The line is told where it is certain.
func TestOrigins(t *testing.T) {
	t.Parallel()
	files := in("{{- $a := 1 }}\napiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n", map[string]string{
		"c/templates/loop.yaml": "{{ range until 2 }}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s{{ . }}}\n{{ end }}\n",
	})
	result, err := rendered(t, files, nil)
	if err != nil {
		t.Fatal(err)
	}
	var origins []string
	for _, o := range result.Objects {
		origins = append(origins, o.Origin.String())
	}
	if diff := cmp.Diff([]string{"c/templates/a.yaml:3", "c/templates/a.yaml:7", "c/templates/loop.yaml", "c/templates/loop.yaml"}, origins); diff != "" {
		t.Error(diff)
	}
}

// What templates see holds all of the charts below theirs, several times. Charts
// merge and copy it, however large it is.
func TestTheWholeContextIsGivenToFunctions(t *testing.T) {
	t.Parallel()
	files := in(configMap(`{{ $m := merge (dict "label" "x") . }}{{ $c := mergeOverwrite (deepCopy .) (dict "Values" (dict "a" 2)) }}`+
		`{{ $m.label }} {{ $m.Values.a }} {{ $c.Values.a }} {{ .Values.a }} {{ $c.Values.sub.text | len }}`), map[string]string{
		"c/values.yaml": "a: 1\n", "c/charts/sub/Chart.yaml": subYAML, "c/charts/sub/values.yaml": "text: " + strings.Repeat("x", 1000) + "\n",
	})
	r := New()
	r.bounds.work.value = 1500
	result, err := render.Set{r}.Render(t.Context(), render.Work{Files: treetest.New(files), Path: "c"})
	if err != nil {
		t.Fatal(err)
	}
	if got, _, _ := unstructured.NestedString(result.Objects[0].Object, "data", "got"); got != "x 1 2 1 1000" {
		t.Errorf("got %q", got)
	}
}
