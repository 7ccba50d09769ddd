package render_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/rendertest"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// fake renders what it is told to.
type fake struct {
	name    string
	wants   bool
	objects []object.Object
	panics  bool
}

func (f fake) Name() string { return f.name }

func (f fake) Wants(files tree.Reader, at string) (bool, error) {
	_, err := files.ReadDir(at)
	return f.wants, err
}

func (f fake) Render(_ context.Context, r render.Request) ([]object.Object, error) {
	if _, err := r.Files.ReadFile("app/a.yaml"); err != nil {
		return nil, err
	}
	if f.panics {
		panic("an index is out of range")
	}
	return f.objects, nil
}

func renderBy(set render.Set, params v1alpha1.Render) (render.Result, error) {
	return set.Render(context.Background(), render.Work{Files: treetest.New(map[string]string{"app/a.yaml": ""}), Path: "app", Params: params})
}

func TestChoice(t *testing.T) {
	t.Parallel()
	all := render.Set{fake{name: "kustomize", wants: true}, fake{name: "plain", wants: true}}
	for _, test := range []struct {
		set    render.Set
		params v1alpha1.Render
		want   string
		err    string
	}{
		{all, v1alpha1.Render{}, "kustomize", ""},
		{all, v1alpha1.Render{Plain: &v1alpha1.Plain{}}, "plain", ""},
		{render.Set{fake{name: "kustomize"}, all[1]}, v1alpha1.Render{}, "plain", ""},
		{render.Set{fake{name: "kustomize"}, all[1]}, v1alpha1.Render{Kustomize: &v1alpha1.Kustomize{}}, "kustomize", ""},
		{render.Set{fake{name: "kustomize"}}, v1alpha1.Render{}, "", "app: it isn't clear how to render this; Plumb renders folders and files of YAML and JSON, kustomizations and Helm charts"},
		{all[:1], v1alpha1.Render{Plain: &v1alpha1.Plain{}}, "", "spec.render.plain: there is no such renderer here; there are: kustomize"},
	} {
		result, err := renderBy(test.set, test.params)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if result.Renderer != test.want || got != test.err {
			t.Errorf("%v: got %q and the error %q, want %q and %q", test.params, result.Renderer, got, test.want, test.err)
		}
	}
}

// What was read is known after an error too, or the App would never be
// rendered again.
func TestInputsWithErrors(t *testing.T) {
	t.Parallel()
	files := treetest.New(map[string]string{"app/b.yaml": ""})
	result, err := render.Set{fake{name: "plain", wants: true}}.Render(context.Background(), render.Work{Files: files, Path: "app"})
	if err == nil || errors.Is(err, render.ErrRead) {
		t.Fatal(err)
	}
	if !result.Inputs.Touched([]tree.Change{{Path: "app/a.yaml", Kind: tree.Added}}) {
		t.Error("the file that was missing is no input")
	}
	result, err = render.Set{fake{name: "plain"}}.Render(context.Background(), render.Work{Files: files, Path: "gone/away"})
	if err == nil || err.Error() != "gone/away: not in the repository; check spec.source.path and what it follows" {
		t.Error(err)
	}
	if !result.Inputs.Touched([]tree.Change{{Path: "gone", Kind: tree.Added}, {Path: "gone/away", Kind: tree.Added}}) {
		t.Error("the folder that was missing is no input")
	}
}

// S11: one App's files break a renderer, and nothing else.
func TestS11Panic(t *testing.T) {
	t.Parallel()
	result, err := renderBy(render.Set{fake{name: "plain", wants: true, panics: true}}, v1alpha1.Render{})
	var p *render.Panic
	if !errors.As(err, &p) || len(p.Stack) == 0 || result.Inputs.Len() == 0 {
		t.Fatal(err)
	}
	if want := "the renderer plain broke down on these files: an index is out of range; please report it with them"; err.Error() != want {
		t.Errorf("got %q", err)
	}
}

func made(file string, fields map[string]any) object.Object {
	return object.Object{Unstructured: &unstructured.Unstructured{Object: fields}, Origin: object.Origin{File: file, Line: 1}}
}

func named(file, kind, name string) object.Object {
	return made(file, map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name}})
}

func with(metadata map[string]any) []object.Object {
	return []object.Object{made("a.yaml", map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": metadata})}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		objects []object.Object
		want    string
	}{
		"sound": {[]object.Object{named("a", "Pod", "a"), named("a", "Pod", "b"), named("a", "Role", "system:a")}, ""},
		"none":  {nil, ""},
		"twice": {[]object.Object{named("a.yaml", "Pod", "a"), named("b.yaml", "Pod", "a")}, "b.yaml:1: Pod/a: is declared twice, the first time at a.yaml:1: remove one of them"},
		"two versions of one": {
			[]object.Object{made("a.yaml", map[string]any{"apiVersion": "x/v1", "kind": "A", "metadata": map[string]any{"name": "a"}}), made("b.yaml", map[string]any{"apiVersion": "x/v2", "kind": "A", "metadata": map[string]any{"name": "a"}})},
			"b.yaml:1: A/a: is declared twice, the first time at a.yaml:1: remove one of them",
		},
		"no kind":          {[]object.Object{made("a.yaml", map[string]any{"apiVersion": "v1"})}, `a.yaml:1: /: apiVersion "v1" and kind "" name no kind: correct them`},
		"no name":          {with(map[string]any{}), "a.yaml:1: Pod/: has no name: give it metadata.name"},
		"generateName":     {with(map[string]any{"generateName": "a-"}), "a.yaml:1: Pod/: has generateName but no name, so each apply would make another one: give it metadata.name"},
		"slash":            {with(map[string]any{"name": "a/b"}), `a.yaml:1: Pod/a/b: the name "a/b" can't be used: may not contain '/'`},
		"long":             {with(map[string]any{"name": strings.Repeat("a", 254)}), "can't be used: it has more than 253 characters"},
		"namespace":        {with(map[string]any{"name": "a", "namespace": "A"}), `a.yaml:1: Pod/A/a: the namespace "A" can't be used: a lowercase RFC 1123 label must consist of`},
		"namespace number": {with(map[string]any{"name": "a", "namespace": int64(1)}), "a.yaml:1: Pod/a: metadata.namespace is a number, not text: quote it"},
		"label":            {with(map[string]any{"name": "a", "labels": map[string]any{"x": true}}), "a.yaml:1: Pod/a: metadata.labels: x is true or false, not text: quote it"},
		"annotation":       {with(map[string]any{"name": "a", "annotations": map[string]any{"x": []any{}}}), "a.yaml:1: Pod/a: metadata.annotations: x is a list, not text: quote it"},
		"no value":         {with(map[string]any{"name": "a", "labels": map[string]any{"x": nil}}), ""},
		"annotation, map":  {with(map[string]any{"name": "a", "annotations": map[string]any{"x": map[string]any{"secret": "y"}}}), "a.yaml:1: Pod/a: metadata.annotations: x is a mapping, not text: quote it"},
		"annotations":      {with(map[string]any{"name": "a", "annotations": []any{"x"}}), "a.yaml:1: Pod/a: metadata.annotations is a list, not a mapping: correct it"},
		"large":            {[]object.Object{made("a.yaml", map[string]any{"apiVersion": "v1", "kind": "A", "metadata": map[string]any{"name": "a"}, "data": strings.Repeat("x", render.MaxObjectBytes)})}, "a.yaml:1: A/a: has 3145794 bytes, above the limit of 3145728 of an API server: split it"},
		"all that is wrong": {
			[]object.Object{named("a.yaml", "Pod", ""), named("b.yaml", "Pod", "b"), named("c.yaml", "Pod", "")},
			"a.yaml:1: Pod/: has no name: give it metadata.name\nc.yaml:1: Pod/: has no name: give it metadata.name",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := renderBy(render.Set{fake{name: "plain", wants: true, objects: test.objects}}, v1alpha1.Render{})
			switch {
			case test.want == "" && (err != nil || len(result.Objects) != len(test.objects)):
				t.Errorf("got %d objects and the error %v", len(result.Objects), err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || result.Objects != nil):
				t.Errorf("got %d objects and the error\n%v\nwant\n%s", len(result.Objects), err, test.want)
			}
		})
	}
}

func TestTooMany(t *testing.T) {
	t.Parallel()
	var many []object.Object
	for i := range render.MaxObjects + 1 {
		many = append(many, named("a.yaml", "Pod", fmt.Sprint(i)))
	}
	if _, err := renderBy(render.Set{fake{name: "plain", wants: true, objects: many}}, v1alpha1.Render{}); err == nil || err.Error() != "there are 20001 objects, above the limit of 20000: split the App" {
		t.Error(err)
	}
	large := strings.Repeat("x", 2<<20)
	var heavy []object.Object
	for i := range 40 {
		o := named("a.yaml", "Pod", fmt.Sprint(i))
		o.Object["data"] = large
		heavy = append(heavy, o)
	}
	if _, err := renderBy(render.Set{fake{name: "plain", wants: true, objects: heavy}}, v1alpha1.Render{}); err == nil || !strings.Contains(err.Error(), "above the limit of 67108864: split the App") {
		t.Error(err)
	}
	unnamed := make([]object.Object, 0, 25)
	for range 25 {
		unnamed = append(unnamed, named("a.yaml", "Pod", ""))
	}
	if _, err := renderBy(render.Set{fake{name: "plain", wants: true, objects: unnamed}}, v1alpha1.Render{}); err == nil || strings.Count(err.Error(), "\n") != 10 || !strings.HasSuffix(err.Error(), "\nand 15 more") {
		t.Error(err)
	}
}

// People commit what kubectl printed. What only a server sets is taken away.
func TestServerFields(t *testing.T) {
	t.Parallel()
	o := made("a.yaml", map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "status": map[string]any{"replicas": int64(1)}, "spec": map[string]any{"status": "kept"},
		"metadata": map[string]any{
			"name": "a", "uid": "1", "resourceVersion": "2", "generation": int64(3), "creationTimestamp": nil, "managedFields": []any{}, "selfLink": "/x", "labels": map[string]any{"a": "b"},
			"annotations": map[string]any{"kubectl.kubernetes.io/last-applied-configuration": "{}", "deployment.kubernetes.io/revision": "1"},
		},
	})
	result, err := renderBy(render.Set{fake{name: "plain", wants: true, objects: []object.Object{o, named("b.yaml", "Pod", "b")}}}, v1alpha1.Render{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "spec": map[string]any{"status": "kept"},
		"metadata": map[string]any{"name": "a", "labels": map[string]any{"a": "b"}},
	}
	if diff := cmp.Diff(want, result.Objects[0].Object); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDeclarationsAreNoObjects(t *testing.T) {
	t.Parallel()
	declared := made("a.yaml", map[string]any{"apiVersion": v1alpha1.APIVersion, "kind": "App", "metadata": map[string]any{"name": "a"}})
	result, err := renderBy(render.Set{fake{name: "plain", wants: true, objects: []object.Object{declared, named("b.yaml", "Pod", "b")}}}, v1alpha1.Render{})
	if diff := cmp.Diff([]string{"Pod/b"}, rendertest.Keys(result.Objects)); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}
