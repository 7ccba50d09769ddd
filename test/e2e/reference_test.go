package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/git/gittest"
)

// This file works out what Git says without the product: a checkout, and kustomize's own build of it.

// declared is what a commit of the root says.
type declared struct {
	refs    string            // the repository's, as git lists them
	head    string            // the root's commit
	apps    map[string]string // the commit that each App is to be at, by its ID
	objects []declaredObject
}

// declaredObject is one object as its files say, and the App that it belongs to.
type declaredObject struct {
	app     v1alpha1.App
	content *unstructured.Unstructured
}

// krustyLock is there because kustomize's library is not safe to call concurrently.
var krustyLock sync.Mutex

// declaredAt reads what a repository's Apps declare, each at the head of what it follows.
func declaredAt(t testing.TB, repo *gittest.Repo, head string) declared {
	t.Helper()
	d := declared{head: head, apps: map[string]string{}}
	root := checkout(t, repo, head)
	for _, o := range readFolder(t, root, v1alpha1.APIVersion) {
		app := toApp(t, o)
		commit, at := head, root
		if g := app.Spec.Source.Git; g != nil && g.Branch != "" {
			commit = repo.Git("rev-parse", "refs/heads/"+g.Branch)
			at = checkout(t, repo, commit)
		}
		d.apps[app.ID()] = commit
		for _, content := range render(t, filepath.Join(at, app.Spec.Source.Path)) {
			d.objects = append(d.objects, declaredObject{app, content})
		}
	}
	return d
}

// checkout writes the files of a commit to a folder, but for those in docs: no App delivers them, and they may be very many.
func checkout(t testing.TB, repo *gittest.Repo, commit string) string {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "checkout-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "git", "--git-dir", repo.Dir, "--work-tree", dir, "checkout", "--quiet", commit, "--", ".", ":(exclude)docs")
	cmd.Env = append(environment(), "GIT_INDEX_FILE="+dir+".index", "GIT_CONFIG_NOSYSTEM=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("check out %s: %v\n%s", commit, err, out)
	}
	return dir
}

// render builds a folder that has a kustomization, and reads the files of any other.
func render(t testing.TB, dir string) []*unstructured.Unstructured {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "kustomization.yaml")); errors.Is(err, fs.ErrNotExist) {
		return readFolder(t, dir, "")
	}
	krustyLock.Lock()
	defer krustyLock.Unlock()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatalf("kustomize build %s: %v", dir, err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return documents(t, dir, text)
}

// readFolder reads the manifests in a folder and below whose files mention something.
func readFolder(t testing.TB, dir, mention string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path)) {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte(mention)) {
			return err
		}
		all = append(all, documents(t, path, text)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func documents(t testing.TB, where string, text []byte) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		content, err := yaml.YAMLToJSON(document)
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON(content); err != nil || o.GetName() == "" {
			continue
		}
		all = append(all, asStored(o))
	}
}

// asStored is an object as the API says that it keeps it: a Secret's stringData is written to its data.
func asStored(o *unstructured.Unstructured) *unstructured.Unstructured {
	texts, _, _ := unstructured.NestedStringMap(o.Object, "stringData")
	if o.GetKind() != "Secret" || len(texts) == 0 {
		return o
	}
	data, _, _ := unstructured.NestedStringMap(o.Object, "data")
	if data == nil {
		data = map[string]string{}
	}
	for key, text := range texts {
		data[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	unstructured.RemoveNestedField(o.Object, "stringData")
	_ = unstructured.SetNestedStringMap(o.Object, data, "data")
	return o
}

func toApp(t testing.TB, o *unstructured.Unstructured) v1alpha1.App {
	t.Helper()
	app, problems := v1alpha1.Decode(o.Object)
	if len(problems) > 0 {
		t.Fatalf("%s: %v", o.GetName(), problems)
	}
	return v1alpha1.Default(app)
}

// withNamespace is the object in the namespace that it gets when it names none.
func (d declaredObject) withNamespace(namespaced bool) *unstructured.Unstructured {
	o := d.content.DeepCopy()
	switch {
	case !namespaced:
		o.SetNamespace("")
	case o.GetNamespace() == "":
		o.SetNamespace(d.app.Spec.Target.Namespace)
	}
	return o
}
