package plain

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/rendertest"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

func configMap(name string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
}

func TestConformance(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"app/b.yaml": configMap("b") + "---\n" + configMap("b2"), "app/a.json": `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}`,
		"app/sub/c.yml": configMap("c"), "app/link.yaml": "-> ../other/d.yaml", "other/d.yaml": configMap("d"), "app/notes.txt": "x", "app/.hidden/e.yaml": "[",
	}
	rendertest.Run(t, Renderer{}, map[string]rendertest.Sample{
		"a folder":      {Files: files, Path: "app"},
		"a file":        {Files: files, Path: "app/b.yaml"},
		"by name":       {Files: files, Path: "app/sub", Params: v1alpha1.Render{Plain: &v1alpha1.Plain{}}},
		"one level":     {Files: files, Path: "app", Params: v1alpha1.Render{Plain: &v1alpha1.Plain{Recurse: new(false)}}},
		"the whole top": {Files: map[string]string{"a.yaml": configMap("a"), "x/b.yaml": configMap("b")}, Path: ""},
	})
}

// The guestbook is what many people start with.
func TestGuestbook(t *testing.T) {
	t.Parallel()
	top := filepath.Join("..", "..", "..", "..", "shared", "inputs", "guestbook")
	entries, err := os.ReadDir(top)
	if err != nil {
		t.Skip("the guestbook is not there")
	}
	files := map[string]string{}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(top, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files["guestbook/"+e.Name()] = string(content)
	}
	got := rendered(files, "guestbook", nil)
	want := []string{
		"Deployment/frontend", "Service/frontend", "Deployment/redis-master", "Service/redis-master", "Deployment/redis-replica", "Service/redis-replica",
	}
	for i := range got {
		_, got[i], _ = strings.Cut(got[i], " ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// rendered are the places and keys of the objects, or the error.
func rendered(files map[string]string, at string, params *v1alpha1.Plain) []string {
	r := render.Request{Files: tree.Record(treetest.New(files)), Path: at, Params: v1alpha1.Render{Plain: params}}
	objects, err := Renderer{}.Render(context.Background(), r)
	if err != nil {
		return strings.Split(err.Error(), "\n")
	}
	var out []string
	for _, o := range objects {
		out = append(out, o.Origin.String()+" "+o.Key().String())
	}
	return out
}

func TestRender(t *testing.T) {
	t.Parallel()
	notRecursive := &v1alpha1.Plain{Recurse: new(false)}
	for name, test := range map[string]struct {
		files  map[string]string
		at     string
		params *v1alpha1.Plain
		want   []string
	}{
		"in order": {
			map[string]string{"a/2.yaml": configMap("x") + "---\n" + configMap("w"), "a/1.json": `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"}}`, "a/10/z.yml": configMap("z"), "b.yaml": "["},
			"a", nil, []string{"a/1.json:1 Pod/p", "a/10/z.yml:1 ConfigMap/z", "a/2.yaml:1 ConfigMap/x", "a/2.yaml:5 ConfigMap/w"},
		},
		"one level":      {map[string]string{"a/1.yaml": configMap("x"), "a/b/2.yaml": "[", "a/c/kustomization.yaml": "", "a/d": "-> b"}, "a", notRecursive, []string{"a/1.yaml:1 ConfigMap/x"}},
		"a file":         {map[string]string{"a/1.yaml": configMap("x"), "a/2.yaml": "["}, "a/1.yaml", nil, []string{"a/1.yaml:1 ConfigMap/x"}},
		"left out":       {map[string]string{"a/README.md": "[", "a/.x.yaml": "[", "a/.git/x.yaml": "[", "a/x": "[", "a/empty.yaml": "# none\n"}, "a", nil, nil},
		"upper case":     {map[string]string{"a/1.YAML": configMap("x")}, "a", nil, []string{"a/1.YAML:1 ConfigMap/x"}},
		"list":           {map[string]string{"a/1.yaml": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: p}\n"}, "a", nil, []string{"a/1.yaml:4 Pod/p"}},
		"declarations":   {map[string]string{"a/1.yaml": "apiVersion: plumb.dev/v1alpha1\nkind: App\n---\n" + configMap("x")}, "a", nil, []string{"a/1.yaml:4 ConfigMap/x"}},
		"link to a file": {map[string]string{"a/1.yaml": "-> ../b/2.yaml", "b/2.yaml": configMap("x"), "a/x.md": "-> ../b/2.yaml"}, "a", nil, []string{"a/1.yaml:1 ConfigMap/x"}},
		"S03 link to a folder": {map[string]string{"a/1.yaml": configMap("x"), "a/b": "-> ."}, "a", nil,
			[]string{"a/b is a link to a folder, which is not followed; declare that folder as an App of its own, or list it in a kustomization"}},
		"S03 link outside":  {map[string]string{"a/1.yaml": "-> ../../etc/passwd"}, "a", nil, []string{"a/1.yaml: link a/1.yaml -> ../../etc/passwd: leads out of the repository; let the link lead to something inside"}},
		"S03 absolute link": {map[string]string{"a/1.yaml": "-> /etc/passwd"}, "a", nil, []string{"a/1.yaml: link a/1.yaml -> /etc/passwd: leads out of the repository; let the link lead to something inside"}},
		"S03 dangling link": {map[string]string{"a/1.yaml": "-> none.yaml"}, "a", nil, []string{"a/1.yaml: link a/1.yaml -> none.yaml: not in the repository; correct the link, or add what it leads to"}},
		"S03 looping link":  {map[string]string{"a/1.yaml": "-> 2.yaml", "a/2.yaml": "-> 1.yaml"}, "a/1.yaml", nil, []string{"a/1.yaml: link a/1.yaml -> 2.yaml: links in a loop: more than 40 were passed; let one of the links lead elsewhere"}},
		"all that is wrong": {map[string]string{"a/1.yaml": "a: [\n", "a/2.yaml": configMap("x") + "---\nkind: Pod\n", "a/3.yaml": "x: 1\n"}, "a", nil, []string{
			"a/1.yaml:1: is not valid YAML: did not find expected node content; correct it there or just above",
			"a/2.yaml:5: the Pod has no apiVersion; complete it, or keep the file out of the folder",
			"a/3.yaml:1: the document has no apiVersion and no kind, so it is no Kubernetes object; complete it, or keep the file out of the folder",
		}},
		"kustomization": {map[string]string{"a/1.yaml": configMap("x"), "a/kustomization.yaml": "resources: [1.yaml]\n"}, "a", &v1alpha1.Plain{}, []string{
			"a/kustomization.yaml makes its folder a kustomization, which is not read as plain files; declare the folder as an App of its own, without spec.render.plain"}},
		"kustomization below": {map[string]string{"a/1.yaml": configMap("x"), "a/b/Kustomization": "resources: [1.yaml]\n"}, "a", nil, []string{
			"a/b/Kustomization makes its folder a kustomization, which is not read as plain files; declare the folder as an App of its own, without spec.render.plain"}},
		"chart": {map[string]string{"a/Chart.yaml": "name: x\n", "a/values.yaml": "x: 1\n"}, "a", nil, []string{
			"a/Chart.yaml makes its folder a Helm chart, which is not read as plain files; declare the folder as an App of its own, without spec.render.plain"}},
		"submodule": {map[string]string{"a/b": treetest.Submodule}, "a", nil, []string{"a/b is a submodule; Plumb does not follow submodules yet: vendor it or declare it as an App of its own"}},
		"LFS":       {map[string]string{"a/1.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"}, "a", nil, []string{"a/1.yaml is a Git LFS pointer; Plumb does not fetch LFS content yet: keep this file in Git itself"}},
		"too large": {map[string]string{"a/1.yaml": strings.Repeat("#", tree.DefaultFileBytes+1)}, "a", nil, []string{
			"a/1.yaml: too large: 16777217 bytes (the limit for one file is 16777216 bytes): keep it out of the folders that are rendered"}},
		"too deep":             {map[string]string{strings.Repeat("a/", 40) + "1.yaml": configMap("x")}, "a", nil, []string{strings.Repeat("a/", 32) + "a: folders nest more than 32 deep; keep it out of the folder that is rendered"}},
		"kustomization's file": {map[string]string{"a/kustomization.yaml": ""}, "a/kustomization.yaml", nil, []string{"a/kustomization.yaml is a kustomization; name its folder in spec.source.path"}},
		"other file":           {map[string]string{"a/x.txt": ""}, "a/x.txt", &v1alpha1.Plain{}, []string{"a/x.txt is neither a folder nor a .yaml, .yml or .json file; correct spec.source.path"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, rendered(test.files, test.at, test.params)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
