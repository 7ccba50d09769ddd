package kustomize

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// example is a repository, and the folder in it to build.
type example struct {
	files map[string]string
	path  string
}

// examples are those in testdata, and real ones where they are there.
func examples(t testing.TB) map[string]example {
	t.Helper()
	found := map[string]example{}
	archives, err := filepath.Glob(filepath.Join("testdata", "build", "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatal("no examples", err)
	}
	for _, archive := range archives {
		a, err := txtar.ParseFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		e := example{files: map[string]string{}}
		for _, f := range a.Files {
			e.files[f.Name] = string(f.Data)
		}
		for name, content := range e.files {
			if target, isLink := strings.CutPrefix(content, treetest.LinkTo); isLink {
				e.files[name] = treetest.LinkTo + strings.TrimSpace(target)
			}
		}
		e.path = strings.TrimSpace(e.files["build"])
		delete(e.files, "build")
		found[filepath.Base(archive)] = e
	}
	podinfo := onDisk(t, filepath.Join("..", "..", "..", "..", "shared", "inputs", "podinfo"))
	for _, overlay := range []string{"dev", "staging", "production"} {
		if len(podinfo) > 0 {
			found["podinfo "+overlay] = example{files: podinfo, path: "overlays/" + overlay}
		}
	}
	return found
}

// onDisk are the files below a folder of the host; none if it isn't there.
func onDisk(t testing.TB, top string) map[string]string {
	t.Helper()
	files := map[string]string{}
	if _, err := os.Stat(top); err != nil {
		return nil
	}
	err := filepath.WalkDir(top, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(p)
		rel, _ := filepath.Rel(top, p)
		files[filepath.ToSlash(rel)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// toDisk writes files below a folder of the host.
func toDisk(t testing.TB, top string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		p := filepath.Join(top, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, isLink := strings.CutPrefix(content, treetest.LinkTo); isLink {
			err = os.Symlink(target, p)
		} else {
			err = os.WriteFile(p, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// onDiskBuild is what `kustomize build --load-restrictor LoadRestrictionsNone` prints.
func onDiskBuild(t testing.TB, e example) string {
	t.Helper()
	top := t.TempDir()
	toDisk(t, top, e.files)
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	options.LoadRestrictions = types.LoadRestrictionsNone
	library.Lock()
	defer library.Unlock()
	defer openapi.ResetOpenAPI()
	m, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), filepath.Join(top, e.path))
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func renderTree(files tree.Tree, at string, params *v1alpha1.Kustomize) ([]object.Object, error) {
	r := render.Request{Files: tree.Record(files), Path: at, Params: v1alpha1.Render{Kustomize: params}}
	return Renderer{}.Render(context.Background(), r)
}

func printed(t testing.TB, objects []object.Object) string {
	t.Helper()
	var documents []string
	for _, o := range objects {
		y, err := yaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, string(y))
	}
	return strings.Join(documents, "---\n")
}

func TestSameAsKustomizeBuild(t *testing.T) {
	t.Parallel()
	for name, e := range examples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects, err := renderTree(treetest.New(e.files), e.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(onDiskBuild(t, e), printed(t, objects)); diff != "" {
				t.Errorf("(-kustomize build +Plumb)\n%s", diff)
			}
		})
	}
}

// The program is built by make renderers.
func TestSameAsTheProgram(t *testing.T) {
	t.Parallel()
	program, err := filepath.Abs(filepath.Join("..", "..", "..", "bin", "kustomize"))
	if _, err := os.Stat(program); err != nil {
		t.Skip("bin/kustomize isn't built: make renderers")
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range examples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := t.TempDir()
			toDisk(t, top, e.files)
			build := exec.CommandContext(t.Context(), program, "build", "--load-restrictor", "LoadRestrictionsNone", filepath.Join(top, e.path))
			build.Env = []string{"HOME=" + top}
			want, err := build.Output()
			if err != nil {
				t.Fatal(err)
			}
			objects, err := renderTree(treetest.New(e.files), e.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(versionless(string(want)), versionless(printed(t, objects))); diff != "" {
				t.Errorf("(-kustomize build +Plumb)\n%s", diff)
			}
		})
	}
}

// versionless is output without the version that kustomize puts into a label. The
// program was told its own when it was built.
func versionless(text string) string {
	return regexp.MustCompile(`managed-by: kustomize-\S+`).ReplaceAllString(text, "managed-by: kustomize")
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"overlay.txtar": {
			"Namespace/production: overlays/production/namespace.yaml:1",
			"ServiceAccount/production/web: bases/web/service.yaml:9",
			"ConfigMap/production/web-env-t62mmk8dhg: overlays/production/kustomization.yaml",
			"ConfigMap/production/web-scripts: bases/web/kustomization.yaml",
			"Service/production/web: bases/web/service.yaml:1",
			"Deployment/production/web: bases/web/deployment.yaml:2",
		},
		"top.txtar": {"ConfigMap/other: folder/other.yaml:1", "Thing/a: linked.yaml:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := examples(t)[name]
			objects, err := renderTree(treetest.New(e.files), e.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range objects {
				got = append(got, o.Key().String()+": "+o.Origin.String())
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func BenchmarkRenderOnTop(b *testing.B) {
	e, params := examples(b)["overlay.txtar"], onTop["all of it"].params
	params.Components = nil
	files := treetest.New(e.files)
	for b.Loop() {
		if _, err := renderTree(files, e.path, &params); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	for name, e := range examples(b) {
		b.Run(name, func(b *testing.B) {
			files := treetest.New(e.files)
			for b.Loop() {
				if _, err := renderTree(files, e.path, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
