package worker_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/helm"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/render/rendertest"
	"plumb.dev/plumb/internal/render/worker"
	"plumb.dev/plumb/internal/tree/treetest"
)

// renderers are those that the workers of these tests have.
func renderers() []render.Renderer {
	everywhere := func(string) bool { return true }
	return []render.Renderer{kustomize.Renderer{Remote: everywhere}, kustomize.Patching{Renderer: helm.New()}, plain.Renderer{}, hostile{}}
}

// TestMain is the worker as well.
func TestMain(m *testing.M) {
	if code, is := worker.Serve(os.Args, renderers); is {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

func pool(t testing.TB, o worker.Options) *worker.Pool {
	t.Helper()
	p, err := worker.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func TestConformance(t *testing.T) {
	t.Parallel()
	p := pool(t, worker.Options{})
	samples := corpus(t)
	for name, r := range map[string]render.Renderer{"kustomize": kustomize.Renderer{}, "helm": helm.New(), "plain": plain.Renderer{}} {
		t.Run(name, func(t *testing.T) {
			own := map[string]rendertest.Sample{}
			for sample, s := range samples {
				if short, is := strings.CutPrefix(sample, name+" "); is && !big(s) {
					own[short] = s
				}
			}
			rendertest.Run(t, p.Wrap(r), own)
		})
	}
}

const (
	chartYAML = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
	configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
)

// corpus are repositories, by renderer and name. All but the hostile ones and
// those that need more render well.
func corpus(t testing.TB) map[string]rendertest.Sample {
	t.Helper()
	samples := map[string]rendertest.Sample{
		"plain folder": {Path: "apps", Files: map[string]string{
			"apps/a.yaml": configMap + "data: {n: \"1\"}\n---\n" + strings.Replace(configMap, "name: a", "name: b", 1), "apps/sub/c.json": `{"apiVersion":"v1","kind":"Service","metadata":{"name":"c"},"spec":{"n":1,"f":1.5,"big":9007199254740993,"nil":null,"l":[],"m":{}}}`,
			"apps/link.yaml": treetest.LinkTo + "../other/d.yaml", "other/d.yaml": strings.Replace(configMap, "name: a", "name: d", 1),
		}},
		"helm umbrella": {Path: "c", Files: map[string]string{
			"c/Chart.yaml":                 chartYAML + "dependencies:\n- {name: sub, version: 1.0.0, repository: '', alias: other, condition: other.on}\n- {name: lib, version: '*', repository: 'file://../lib'}\n",
			"c/charts/sub/Chart.yaml":      "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
			"c/charts/sub/templates/b.yml": "{{- if .Values.on }}\napiVersion: v1\nkind: Service\nmetadata: {name: sub}\n{{- end }}\n",
			"c/values.yaml":                "other: {on: true}\n",
			"c/crds/crd.yaml":              "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.example.com}\n",
			"c/templates/a.yaml":           configMap + "data:\n  name: {{ include \"lib.name\" . }}\n",
			"lib/Chart.yaml":               "apiVersion: v2\nname: lib\nversion: 0.1.0\ntype: library\n",
			"lib/templates/_a.tpl":         `{{ define "lib.name" }}{{ .Chart.Name }}{{ end }}`,
		}},
		"helm values": {
			Path: "c", Params: v1alpha1.Render{
				Release: v1alpha1.Release{Name: "web", Namespace: "shop"},
				Helm:    &v1alpha1.Helm{Values: map[string]any{"int": int64(12345678), "float": 1e21, "half": 1.5, "list": []any{nil, true, "x"}, "empty": map[string]any{}}},
			},
			Files: map[string]string{"c/Chart.yaml": chartYAML, "c/templates/a.yaml": configMap + "data:\n  all: {{ printf \"%v %T\" .Values .Values.int | quote }}\n  release: {{ .Release.Name }}.{{ .Release.Namespace }}\n"},
		},
	}
	for name, template := range map[string]string{
		"includes itself": `{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`,
		"doubles":         `{{ $x := "xxxxxxxx" }}{{ range 60 }}{{ $x = printf "%s%s" $x $x }}{{ end }}`, "holds itself": `{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ toYaml $d }}`,
		"deep blocks": strings.Repeat("{{ if true }}", 100_000) + strings.Repeat("{{ end }}", 100_000), "environment": `{{ env "HOME" }}`, "host": configMap + `data: {a: "{{ getHostByName "localhost" }}"}`,
	} {
		samples["hostile "+name] = rendertest.Sample{Path: "c", Files: map[string]string{"c/Chart.yaml": chartYAML, "c/templates/a.yaml": template}}
	}
	for name, files := range map[string]map[string]string{
		"remote base":  {"c/kustomization.yaml": "resources:\n- https://git.example.com/org/repo//base?ref=v1.0.0\n- https://git.example.com/org/other?ref=v2.0.0\n"},
		"remote chart": {"c/Chart.yaml": chartYAML + "dependencies:\n- {name: sub, version: 1.x, repository: 'https://charts.example.com'}\n- {name: more, version: 1.0.0, repository: 'oci://registry.example.com/charts'}\n"},
	} {
		samples["needs "+name] = rendertest.Sample{Path: "c", Files: files}
	}
	archives, err := filepath.Glob(filepath.Join("..", "kustomize", "testdata", "build", "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatal("no examples of kustomizations", err)
	}
	for _, archive := range archives {
		a, err := txtar.ParseFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		s := rendertest.Sample{Files: map[string]string{}}
		for _, f := range a.Files {
			s.Files[f.Name] = string(f.Data)
			if target, isLink := strings.CutPrefix(string(f.Data), treetest.LinkTo); isLink {
				s.Files[f.Name] = treetest.LinkTo + strings.TrimSpace(target)
			}
		}
		s.Path = strings.TrimSpace(s.Files["build"])
		delete(s.Files, "build")
		samples["kustomize "+filepath.Base(archive)] = s
	}
	return samples
}

// outcome is all that a render comes to, in a form that can be compared.
type outcome struct {
	Objects  []string
	Err      string
	Notices  []string
	Inputs   string
	Renderer string
	Needs    []string
	Asked    bool
}

func outcomeOf(ctx context.Context, set render.Set, w render.Work) outcome {
	result, err := set.Render(ctx, w)
	o := outcome{Notices: result.Notices, Inputs: result.Inputs.Hash(), Renderer: result.Renderer, Asked: result.Asked}
	for _, made := range result.Objects {
		o.Objects = append(o.Objects, made.Key().ID()+" "+made.Origin.String()+" "+made.Digest()+fmt.Sprintf(" %#v", made.Object))
	}
	for _, n := range result.Needs {
		o.Needs = append(o.Needs, n.String())
	}
	if err != nil {
		o.Err = strings.ReplaceAll(err.Error(), "json: unable to ", "json: cannot ") // each process says one or the other, by chance
	}
	return o
}

// Whatever is in a repository, sound or broken, a worker comes to the same.
func TestSameAsInProcess(t *testing.T) {
	t.Parallel()
	p := pool(t, worker.Options{})
	inProcess, pooled := render.Set(renderers()[:3]), p.WrapAll(renderers()[:3])
	tried, failed := 0, 0
	for name, s := range corpus(t) {
		variants := broken(s.Files)
		if big(s) || strings.HasPrefix(name, "hostile ") || strings.HasPrefix(name, "needs ") {
			variants = map[string]map[string]string{"as it is": s.Files}
		}
		for what, files := range variants {
			work := render.Work{Files: treetest.New(files), Path: s.Path, Params: s.Params}
			want, got := outcomeOf(t.Context(), inProcess, work), outcomeOf(t.Context(), pooled, work)
			if strings.HasPrefix(name, "needs ") && len(want.Needs) != 2 {
				t.Errorf("%s needs %v: %s", name, want.Needs, want.Err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s (-in process +worker)\n%s", name, what, diff)
			}
			if tried++; want.Err != "" {
				failed++
			}
		}
	}
	if failed == 0 || failed == tried {
		t.Errorf("of %d repositories %d fail", tried, failed)
	}
}

// big says that a repository takes long to go through in all its variants.
func big(s rendertest.Sample) bool { return len(s.Files) > 9 }

// broken are a repository and what becomes of it when one of its files is
// broken in some way.
func broken(files map[string]string) map[string]map[string]string {
	all := map[string]map[string]string{"as it is": files}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for what, content := range map[string]string{
			"garbled": files[name] + "\n]", "empty": "", "link out": treetest.LinkTo + "/etc/passwd", "loop": treetest.LinkTo + filepath.Base(name),
			"pointer": "version https://git-lfs.github.com/spec/v1\n", "submodule": treetest.Submodule, "no name": strings.Replace(files[name], "name: a", "nam: a", 1),
		} {
			changed := maps.Clone(files)
			changed[name] = content
			all[name+" "+what] = changed
		}
		without := maps.Clone(files)
		delete(without, name)
		all[name+" gone"] = without
	}
	return all
}

// What renders are told goes over the pipe whole, and so does what they ask.
func TestRequest(t *testing.T) {
	t.Parallel()
	p := pool(t, worker.Options{Workers: 1})
	files := treetest.New(map[string]string{"do": "tell", "a/b": "", "big": strings.Repeat("x", 3<<20)})
	work := render.Work{Files: files, Path: "do", Live: &target{}}
	inProcess, pooled := render.Set{hostile{}}, p.WrapAll([]render.Renderer{hostile{}})
	want := outcomeOf(t.Context(), inProcess, work)
	if want.Err != "" || len(want.Objects) == 0 || len(want.Needs) != 2 || !want.Asked || len(want.Notices) != 2 {
		t.Fatalf("in process: %+v", want)
	}
	if diff := cmp.Diff(want, outcomeOf(t.Context(), pooled, work)); diff != "" {
		t.Errorf("(-in process +worker)\n%s", diff)
	}
}

// target is one to ask.
type target struct{ err error }

func (t *target) Capabilities(context.Context) (render.Capabilities, error) {
	return render.Capabilities{KubeVersion: "v1.36.3", APIVersions: []string{"apps/v1", "apps/v1/Deployment"}}, t.err
}

func (t *target) Object(_ context.Context, apiVersion, kind, namespace, name string) (map[string]any, error) {
	if name == "absent" {
		return nil, t.err
	}
	return map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name, "namespace": namespace}, "spec": map[string]any{"n": int64(3)}}, t.err
}

func (t *target) List(_ context.Context, apiVersion, kind, namespace string) ([]map[string]any, error) {
	one, err := t.Object(context.Background(), apiVersion, kind, namespace, "listed")
	return []map[string]any{one, one}, err
}
