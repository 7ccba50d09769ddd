package kustomize

import (
	"context"
	"errors"
	"log"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

// ambiguous makes the library fail where it prints whole objects.
func ambiguous(volume string) map[string]string {
	return map[string]string{
		"app/kustomization.yaml": "resources: [volume.yaml]\nsecretGenerator:\n" +
			"- {name: s, namespace: a, literals: [x=canary-1]}\n- {name: s, namespace: b, literals: [x=canary-2]}\n",
		"app/volume.yaml": "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: p}\nspec:\n  azureFile: {secretName: s}\n" + volume,
	}
}

// The library calls log.Fatal when it can't print an object for an error
// message. The process goes on, and the next build is none the worse.
func TestS11TheLibraryEndsTheProcess(t *testing.T) {
	t.Parallel()
	_, err := renderTree(treetest.New(ambiguous("  number: .inf\n")), "app", nil)
	var p *render.Panic
	if !errors.As(err, &p) || p.Renderer != "kustomize" || !strings.Contains(err.Error(), "unsupported value: +Inf") {
		t.Fatalf("got the error %v", err)
	}
	if _, err := renderTree(treetest.New(map[string]string{"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": configMap}), "app", nil); err != nil {
		t.Fatal(err)
	}
}

func TestS11TheLibraryPanics(t *testing.T) {
	t.Parallel()
	files := treetest.New(map[string]string{"app/kustomization.yaml": "resources: [a.yaml]\n", "app/a.yaml": configMap})
	_, err := newBuild(panicking{files}, "app", nil).result()
	var p *render.Panic
	if !errors.As(err, &p) || len(p.Stack) == 0 {
		t.Fatalf("got the error %v", err)
	}
}

// panicking is a tree with a file that makes the library panic.
type panicking struct{ tree.Reader }

func (p panicking) ReadFile(at string) ([]byte, error) {
	if at == "app/a.yaml" {
		panic("not this one")
	}
	return p.Reader.ReadFile(at)
}

// TestAnUnsoundSchema: the library panics for one, which is the file's fault.
func TestAnUnsoundSchema(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{"", "{", "text", "[]"} {
		files := map[string]string{
			"app/kustomization.yaml": "resources: [a.yaml]\npatches: [{patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}'}]\nopenapi:\n  path: ../s.json\n",
			"app/a.yaml":             configMap, "s.json": schema,
		}
		_, err := renderTree(treetest.New(files), "app", nil)
		const want = "app/kustomization.yaml:4: openapi: s.json is no OpenAPI schema in JSON; correct it, or leave it out"
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v", schema, err)
		}
	}
}

// One App's schema would decide how the next App's patches are merged.
func TestS02NoSchemaOutlivesItsBuild(t *testing.T) {
	t.Parallel()
	plain := map[string]string{
		"app/kustomization.yaml": "resources: [a.yaml]\npatches: [{path: p.yaml}]\n",
		"app/a.yaml":             "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: {list: [{id: x}, {id: y}]}\n",
		"app/p.yaml":             "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\nspec: {list: [{id: z}]}\n",
	}
	schema := maps.Clone(plain)
	schema["app/kustomization.yaml"] += "openapi: {path: s.json}\n"
	schema["app/s.json"] = `{"definitions": {"v1.Thing": {"type": "object", "properties": {"spec": {"type": "object", "properties": {"list": {
		"items": {"type": "object", "properties": {"id": {"type": "string"}}}, "type": "array", "x-kubernetes-patch-merge-key": "id", "x-kubernetes-patch-strategy": "merge"}}}},
		"x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Thing", "version": "v1"}]}}}`
	for range 3 {
		for want, files := range map[int]map[string]string{1: plain, 3: schema} {
			objects, err := renderTree(treetest.New(files), "app", nil)
			if err != nil {
				t.Fatal(err)
			}
			list := objects[0].Object["spec"].(map[string]any)["list"].([]any)
			if len(list) != want {
				t.Fatalf("got %d entries, want %d", len(list), want)
			}
		}
	}
}

// Whatever goes wrong with a Secret, its content isn't in the error.
func TestS22NoErrorTellsASecret(t *testing.T) {
	t.Parallel()
	const secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"
	for name, files := range map[string]map[string]string{
		"ambiguous reference":   ambiguous(""),
		"literal":               {"app/kustomization.yaml": "secretGenerator: [{name: a, literals: [canary-1]}]\n"},
		"literal, twice":        {"app/kustomization.yaml": "secretGenerator: [{name: a, literals: [k=canary-1, k=canary-2]}]\n"},
		"no name":               {"app/kustomization.yaml": "secretGenerator: [{literals: [k=canary-1]}]\n"},
		"environment, bytes":    {"app/kustomization.yaml": "secretGenerator: [{name: a, envs: [e]}]\n", "app/e": "canary-1\xff\n"},
		"behavior":              {"app/kustomization.yaml": "secretGenerator: [{name: a, behavior: merge, literals: [k=canary-1]}]\n"},
		"data is a list":        {"app/kustomization.yaml": "resources: [s.yaml]\nreplacements: [{source: {kind: Secret, name: s, fieldPath: data.0, options: {delimiter: c, index: 9}}, targets: [{select: {kind: Secret}, fieldPaths: [data.x.y]}]}]\n", "app/s.yaml": secret + "data: [canary-1]\n"},
		"key is no text":        {"app/kustomization.yaml": "resources: [s.yaml]\n", "app/s.yaml": secret + "data: {1: {2: canary-1}}\n"},
		"broken":                {"app/kustomization.yaml": "resources: [s.yaml]\n", "app/s.yaml": secret + "data:\n  a: canary-1\n b: canary-2\n"},
		"given twice":           {"app/kustomization.yaml": "resources: [s.yaml]\n", "app/s.yaml": secret + "data:\n  a: canary-1\n  a: canary-2\n"},
		"declared twice":        {"app/kustomization.yaml": "resources: [s.yaml]\n", "app/s.yaml": secret + "data: {a: canary-1}\n---\n" + secret + "data: {a: canary-2}\n"},
		"no name in the file":   {"app/kustomization.yaml": "resources: [s.yaml]\n", "app/s.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {}\ndata: {a: canary-1}\n"},
		"replacement index":     {"app/kustomization.yaml": "resources: [s.yaml]\nreplacements: [{source: {kind: Secret, name: s, fieldPath: stringData.a, options: {delimiter: /, index: 9}}, targets: [{select: {kind: Secret}, fieldPaths: [stringData.a]}]}]\n", "app/s.yaml": secret + "stringData: {a: canary-1}\n"},
		"merge patch":           {"app/kustomization.yaml": "resources: [s.yaml]\npatches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: other}, data: {a: canary-1}}'}]\n", "app/s.yaml": secret},
		"merge patch, broken":   {"app/kustomization.yaml": "resources: [s.yaml]\npatches:\n- patch: |-\n    kind: Secret\n    data: {a: canary-1}\n", "app/s.yaml": secret},
		"json patch":            {"app/kustomization.yaml": "resources: [s.yaml]\npatches:\n- target: {kind: Secret}\n  patch: '[{\"op\": \"add\", \"path\": \"/a/b/c\", \"value\": \"canary-1\"}]'\n", "app/s.yaml": secret},
		"json patch, broken":    {"app/kustomization.yaml": "resources: [s.yaml]\npatches:\n- target: {kind: Secret}\n  patch: '[{\"op\": \"add\", \"path\": \"/a/b/c\", \"value\": \"canary-1\"]'\n", "app/s.yaml": secret},
		"json patch, no target": {"app/kustomization.yaml": "resources: [s.yaml]\npatches:\n- patch: '[{\"op\": \"add\", \"path\": \"/data\", \"value\": \"canary-1\"}]'\n", "app/s.yaml": secret},
		"json patch, file":      {"app/kustomization.yaml": "resources: [s.yaml]\npatchesJson6902:\n- {target: {version: v1, kind: Secret, name: s}, path: p.yaml}\n", "app/s.yaml": secret, "app/p.yaml": "- {op: test, path: /data, value: canary-1}\n"},
		"two patches":           {"app/kustomization.yaml": "resources: [s.yaml]\npatches:\n- target: {kind: Secret}\n  path: p.yaml\n", "app/s.yaml": secret, "app/p.yaml": secret + "data: {a: canary-1}\n---\n" + secret + "data: {a: canary-2}\n"},
		"transformer":           {"app/kustomization.yaml": "resources: [s.yaml]\ntransformers:\n- |\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: a}\n  patch: '[canary-1]'\n", "app/s.yaml": secret},
		"generator":             {"app/kustomization.yaml": "generators:\n- |\n  apiVersion: builtin\n  kind: SecretGenerator\n  metadata: {name: a}\n  literals: [canary-1]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := renderTree(treetest.New(files), "app", nil)
			if err == nil {
				t.Fatal("it is no error")
			}
			for _, canary := range []string{"canary", "Y2FuYXJ5", "99 97 110"} {
				if strings.Contains(err.Error(), canary) {
					t.Errorf("the error tells %q: %v", canary, err)
				}
			}
		})
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"app/kustomization.yaml": "resources: [pod.yaml]\nimages:\n- {name: a, newName: registry/a, newTag: '1'}\n- {name: b, digest: 'sha256:00'}\n",
		"app/pod.yaml":           "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: a}, {image: b}, {image: 'c:1'}]}\n",
	}
	params := &v1alpha1.Kustomize{Images: []v1alpha1.Image{{Name: "a", NewTag: "2"}, {Name: "b", NewName: "x", NewTag: "3"}, {Name: "c", Digest: "sha256:11"}}}
	for want, params := range map[string]*v1alpha1.Kustomize{
		"registry/a:1 b@sha256:00 c:1": nil,
		"registry/a:2 x:3 c@sha256:11": params,
	} {
		objects, err := renderTree(treetest.New(files), "app", params)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range objects[0].Object["spec"].(map[string]any)["containers"].([]any) {
			got = append(got, c.(map[string]any)["image"].(string))
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

// A file that is both the kustomization and content is content as it is.
func TestImagesLeaveContentAlone(t *testing.T) {
	t.Parallel()
	kustomization := "configMapGenerator: [{name: a, files: [kustomization.yaml]}]\n"
	objects, err := renderTree(treetest.New(map[string]string{"kustomization.yaml": kustomization}), "",
		&v1alpha1.Kustomize{Images: []v1alpha1.Image{{Name: "a", NewTag: "2"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := objects[0].Object["data"].(map[string]any)["kustomization.yaml"]; got != kustomization {
		t.Errorf("got %q", got)
	}
}

// Others log while the library is kept off the log.
func TestMute(t *testing.T) {
	var out strings.Builder
	defer log.SetOutput(log.Writer())
	log.SetOutput(&out)
	library.Lock()
	defer library.Unlock()
	warned := 0
	unmute := mute(func(string) { warned++ }, func(string) { t.Error("took another's message for the library's last") })
	log.Print("one")
	remote("git::git@example.com:a/b") // the library warns of it
	unmute()
	log.Print("two")
	if got := out.String(); !strings.Contains(got, "one\n") || !strings.Contains(got, "two\n") || strings.Contains(got, "git::") || warned != 1 {
		t.Errorf("got %q, and %d warnings", got, warned)
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	e := examples(t)["overlay.txtar"]
	files := treetest.New(e.files)
	want, err := renderTree(files, e.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := renderTree(files, e.path, nil)
			if diff := cmp.Diff(want, got, cmp.Comparer(func(x, y object.Object) bool { return x.Digest() == y.Digest() && x.Origin == y.Origin })); err != nil || diff != "" {
				t.Errorf("%v (-first +got)\n%s", err, diff)
			}
		})
	}
	wg.Wait()
}

func TestWants(t *testing.T) {
	t.Parallel()
	files := treetest.New(map[string]string{
		"a/kustomization.yaml": "", "b/kustomization.yml": "", "c/Kustomization": "", "d/x.yaml": "", "e/kustomization.yaml/x": "", "f/kustomization.yaml": "-> ../a/kustomization.yaml",
	})
	for path, want := range map[string]bool{"a": true, "b": true, "c": true, "d": false, "e": false, "f": true, "a/kustomization.yaml": false, "": false} {
		if got, err := (Renderer{}).Wants(files, path); err != nil || got != want {
			t.Errorf("%s: got %t, %v", path, got, err)
		}
	}
	if _, err := (Renderer{}).Wants(files, "none"); err == nil {
		t.Error("an absent folder is no error")
	}
}

// A commit that adds a file which no kustomization names costs nothing.
func TestOtherFilesAreNoInput(t *testing.T) {
	t.Parallel()
	e := examples(t)["overlay.txtar"]
	result, err := render.Set{Renderer{}}.Render(context.Background(), render.Work{Files: treetest.New(e.files), Path: e.path})
	if err != nil {
		t.Fatal(err)
	}
	for _, added := range []string{"overlays/production/README.md", "overlays/production/new.yaml", "bases/web/new.yaml", "bases/new/kustomization.yaml"} {
		if result.Inputs.Touched([]tree.Change{{Path: added, Kind: tree.Added}}) {
			t.Errorf("%s is an input", added)
		}
	}
	for _, added := range []string{"overlays/production/kustomization.yml", "bases/web/Kustomization"} {
		if !result.Inputs.Touched([]tree.Change{{Path: added, Kind: tree.Added}}) {
			t.Errorf("%s is no input", added)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e := examples(t)["overlay.txtar"]
	_, err := render.Set{Renderer{}}.Render(ctx, render.Work{Files: treetest.New(e.files), Path: e.path})
	if !errors.Is(err, render.ErrRead) || !errors.Is(err, context.Canceled) {
		t.Errorf("got the error %v", err)
	}
}
