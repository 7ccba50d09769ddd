package sops_test

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/cache"
	"plumb.dev/plumb/internal/render/helm"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/secret"
	"plumb.dev/plumb/internal/secret/sops"
	"plumb.dev/plumb/internal/tree/treetest"
)

func opening(k *secret.Keys) render.Opening {
	return render.Opening{Set: render.Set{kustomize.Renderer{}, plain.Renderer{}}, Opener: sops.Opener{Keys: k}}
}

// repository is one that has a file of testdata in each place where files are
// read. The folder is plain or sealed.
func repository(t *testing.T, folder string) map[string]string {
	file := func(name string) string { return content(t, folder+"/"+name) }
	return map[string]string{
		"plain/secret.yaml": file("secret.yaml"), "plain/several.yaml": file("several.yaml"),
		"kustom/kustomization.yaml": `
resources: [several.yaml]
secretGenerator:
- {name: env, envs: [app.env]}
- {name: blob, files: [blob.txt, values.yaml]}
configMapGenerator:
- {name: open, envs: [app.env], files: [blob.txt]}
patches:
- {path: patch.yaml}
- {path: json.yaml, target: {kind: ConfigMap, name: two}}
`,
		"kustom/several.yaml": file("several.yaml"), "kustom/app.env": file("app.env"), "kustom/blob.txt": file("blob.txt"),
		"kustom/values.yaml": "canary: not the one\n", "kustom/json.yaml": "- op: add\n  path: /data/c\n  value: clear\n",
		"kustom/patch.yaml": strings.NewReplacer("name: db", "name: one").Replace(content(t, "plain/secret.yaml")),
	}
}

// objects are what is rendered, without the annotation that sealed files lead to.
func objects(t *testing.T, result render.Result) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, o := range result.Objects {
		made := o.DeepCopy()
		annotations := made.GetAnnotations()
		delete(annotations, object.AnnotationSensitive)
		made.SetAnnotations(annotations)
		if len(annotations) == 0 {
			delete(made.Object["metadata"].(map[string]any), "annotations")
		}
		all[fmt.Sprint(o.Key(), " of ", o.Origin.File)] = made.Object
	}
	return all
}

// What is rendered of encrypted files is what is rendered of the files they
// were made from, whatever they are taken for.
func TestRendersAsIfInClear(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"plain", "kustom"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			want, err := opening(nil).Render(t.Context(), render.Work{Files: treetest.New(repository(t, "plain")), Path: at})
			if err != nil {
				t.Fatal(err)
			}
			files := treetest.New(repository(t, "sealed"))
			got, err := opening(keys(t, "a.txt")).Render(t.Context(), render.Work{Files: files, Path: at})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(objects(t, want), objects(t, got)); diff != "" {
				t.Errorf("(-in clear +encrypted)\n%s", diff)
			}
			if !got.Opened || want.Opened || !got.Inputs.Valid(files) || got.Inputs.Hash() == want.Inputs.Hash() {
				t.Error("the inputs are not those of the encrypted files")
			}
			for _, o := range got.Objects {
				shown := fmt.Sprint(redact.Redactor{}.Of(o.Object).Show(o.Object))
				if strings.Contains(shown, "canary-") {
					t.Errorf("%s is shown as %s", o.Key(), shown)
				}
				if o.GetKind() == "Secret" && o.GetAnnotations()[object.AnnotationSensitive] != "" {
					t.Errorf("%s is marked for nothing", o.Key())
				}
			}
		})
	}
}

// Nothing of a render that opened a file is written to the disk.
func TestIsNotKept(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "renders")
	c := cache.Open(cache.Options{From: opening(keys(t, "a.txt")), Dir: dir, Log: slog.New(slog.DiscardHandler)})
	files := map[string]string{
		"a/kustomization.yaml": "configMapGenerator: [{name: a, files: [values.yaml]}]\n", "a/values.yaml": content(t, "sealed/suffix.yaml"),
		"b/kustomization.yaml": "configMapGenerator: [{name: a, literals: [a=b], files: [none.yaml]}]\n", "b/none.yaml": content(t, "sealed/values.json"),
	}
	for _, at := range []string{"a", "b"} {
		if r, err := c.Render(t.Context(), render.Work{Files: treetest.New(files), Path: at}); err != nil || !r.Opened {
			t.Fatal(err)
		}
	}
	if left, err := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v was written, %v", left, err)
	}
}

// Whatever goes wrong, and whoever tells of it, what was decrypted is not in it.
func TestErrorsTellNoSecrets(t *testing.T) {
	t.Parallel()
	secretFile := content(t, "sealed/secret.yaml")
	several := content(t, "sealed/several.yaml")
	for name, files := range map[string]map[string]string{
		"values that are no objects": {"a/v.yaml": content(t, "sealed/values.yaml")},
		"taken for a kustomization":  {"a/kustomization.yaml": content(t, "sealed/values.yaml")},
		"taken for a patch":          {"a/kustomization.yaml": "resources: [r.yaml]\npatches: [{path: v.yaml}]\n", "a/r.yaml": several, "a/v.yaml": content(t, "sealed/values.yaml")},
		"taken for a JSON patch":     {"a/kustomization.yaml": "resources: [r.yaml]\npatches: [{path: v.txt, target: {kind: Secret}}]\n", "a/r.yaml": several, "a/v.txt": content(t, "sealed/blob.txt")},
		"taken for a resource":       {"a/kustomization.yaml": "resources: [v.txt]\n", "a/v.txt": content(t, "sealed/blob.txt")},
		"a name that can't be":       {"a/n.yaml": content(t, "sealed/names.yaml")},
		"and in a kustomization":     {"a/kustomization.yaml": "resources: [n.yaml]\nconfigMapGenerator: [{name: canary-not, behavior: merge}]\n", "a/n.yaml": content(t, "sealed/names.yaml")},
		"twice the same":             {"a/1.yaml": secretFile, "a/2.yaml": secretFile},
		"replacements":               {"a/kustomization.yaml": "resources: [r.yaml]\nreplacements: [{source: {kind: Secret, fieldPath: stringData.a.b}, targets: [{select: {kind: ConfigMap}, fieldPaths: [data.b.c]}]}]\n", "a/r.yaml": several},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := opening(keys(t, "a.txt")).Render(t.Context(), render.Work{Files: treetest.New(files), Path: "a"})
			if err == nil {
				t.Fatal("no error")
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if text := fmt.Sprintf("%v %+v %#v", e, e, e.Error()); strings.Contains(text, "canary-") {
					t.Error(text)
				}
			}
		})
	}
}

// A file that can't be read is named as such, also where a library would take
// it for one that isn't there; and another key mends it without a commit.
func TestSaysWhichFile(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"plain/a.yaml": content(t, "sealed/others.yaml"), "plain/b.yaml": "kind: [", "kustom/r.yaml": content(t, "sealed/others.yaml"),
		"kustom/kustomization.yaml": "resources: [r.yaml]\n", "env/kustomization.yaml": "secretGenerator: [{name: a, envs: [v.yaml]}]\n",
		"env/v.yaml": content(t, "sealed/others.yaml"), "only/kustomization.yaml": content(t, "sealed/others.yaml"),
		"changed/a.yaml": strings.Replace(content(t, "sealed/secret.yaml"), "app: db", "app: x", 1),
	}
	for at, file := range map[string]string{"plain": "plain/a.yaml", "kustom": "kustom/r.yaml", "env": "env/v.yaml", "only": "only/kustomization.yaml"} {
		result, err := opening(keys(t, "a.txt")).Render(t.Context(), render.Work{Files: treetest.New(files), Path: at})
		if !errors.Is(err, render.ErrUnopened) || !strings.HasPrefix(err.Error(), file+": this file cannot be read by this cluster's key") {
			t.Errorf("%s: %v", at, err)
		}
		if errors.Is(err, render.ErrRead) || result.Inputs.Len() == 0 {
			t.Errorf("%s: nothing says which files it depends on", at)
		}
	}
	if _, err := opening(keys(t, "a.txt")).Render(t.Context(), render.Work{Files: treetest.New(files), Path: "changed"}); errors.Is(err, render.ErrUnopened) || err == nil {
		t.Errorf("no key would help: %v", err)
	}
	mended := maps.Clone(files)
	delete(mended, "plain/b.yaml")
	if r, err := opening(keys(t, "a.txt", "b.txt")).Render(t.Context(), render.Work{Files: treetest.New(mended), Path: "plain"}); err != nil || len(r.Objects) != 1 {
		t.Error(err)
	}
}

// What SOPS encrypted and nothing says how to open is nothing for a cluster.
func TestLeftSealed(t *testing.T) {
	t.Parallel()
	sealed := content(t, "sealed/secret.yaml")
	cut, _, _ := strings.Cut(sealed, "\nsops:\n")
	value := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line(sealed, "username:")), "username:"))
	for name, files := range map[string]map[string]string{
		"without its section":   {"a/s.yaml": cut},
		"in another document":   {"a/s.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n" + sealed},
		"a value taken from it": {"a/kustomization.yaml": "secretGenerator: [{name: a, literals: ['a=" + value + "']}]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := opening(keys(t, "a.txt")).Render(t.Context(), render.Work{Files: treetest.New(files), Path: "a"})
			if err == nil || !strings.Contains(err.Error(), "is still encrypted with SOPS: its file has no section sops") || strings.Contains(err.Error(), "ENC[") {
				t.Error(err)
			}
		})
	}
}

// A chart's values may be encrypted, whole or in part.
func TestValuesOfCharts(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"chart/Chart.yaml":               "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"chart/values.yaml":              "password: none\nimage: {tag: x, replicas: 1}\n",
		"chart/prod.yaml":                content(t, "sealed/unencrypted.yaml"),
		"chart/templates/configmap.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {url: \"https://u:{{ .Values.password }}.x\", count: \"{{ .Values.image.replicas }}\"}\n",
		"chart/templates/bad.yaml":       "{{ if .Values.bad }}{{ fail .Values.password }}{{ end }}\n",
		"chart/bad.yaml":                 "bad: true\n",
	}
	o := render.Opening{Set: render.Set{helm.New()}, Opener: sops.Opener{Keys: keys(t, "a.txt")}}
	params := v1alpha1.Render{Helm: &v1alpha1.Helm{ValueFiles: []string{"prod.yaml"}}}
	r, err := o.Render(t.Context(), render.Work{Files: treetest.New(files), Path: "chart", Params: params})
	if err != nil || len(r.Objects) != 1 {
		t.Fatal(err)
	}
	made := r.Objects[0]
	want := map[string]any{"url": "https://u:canary-values.x", "count": "3"}
	if diff := cmp.Diff(want, made.Object["data"]); diff != "" || made.GetAnnotations()[object.AnnotationSensitive] != "/data/url" {
		t.Errorf("%q (-want +got)\n%s", made.GetAnnotations(), diff)
	}
	params.Helm.ValueFiles = append(params.Helm.ValueFiles, "bad.yaml")
	if _, err := o.Render(t.Context(), render.Work{Files: treetest.New(files), Path: "chart", Params: params}); err == nil || strings.Contains(err.Error(), "canary-values") {
		t.Error(err)
	}
}
