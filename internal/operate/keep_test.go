package operate_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/commit"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/operate"
	"plumb.dev/plumb/internal/origin"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/kustomize"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
	"plumb.dev/plumb/internal/yamledit"
)

const repository = "https://git.example.com/fleet.git"

// bench is an App with its files, and what is live of it.
type bench struct {
	files tree.Tree
	known pipeline.Known
	live  map[object.Key]*unstructured.Unstructured
	more  []pipeline.Known // other Apps

	request commit.Request // the newest
	edit    commit.Edit
}

func renderers() render.Set { return render.Set{kustomize.Renderer{}, plain.Renderer{}} }

// newBench renders an App at a path; live is what is declared.
func newBench(t *testing.T, files map[string]string, path string) *bench {
	t.Helper()
	b := &bench{files: treetest.New(files), live: map[object.Key]*unstructured.Unstructured{}}
	b.known = known(t, b.files, "shop/web", path)
	for _, d := range b.known.Desired {
		b.live[d.Key] = contentOf(t, d)
		b.known.Differ = append(b.known.Differ, d.Key)
	}
	return b
}

// known is what the engine would know of an App.
func known(t *testing.T, files tree.Tree, id, path string) pipeline.Known {
	t.Helper()
	namespace, name, _ := strings.Cut(id, "/")
	app := v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	app.Spec.Source.Path, app.Spec.Target.Namespace = path, "shop"
	return knownOf(t, files, app)
}

func knownOf(t *testing.T, files tree.Tree, app v1alpha1.App) pipeline.Known {
	t.Helper()
	result, err := renderers().Render(t.Context(), render.Work{Files: files, Path: app.Spec.Source.Path, Params: app.Spec.Render})
	if err != nil {
		t.Fatal(err)
	}
	k := pipeline.Known{App: app, Ref: source.Ref{URL: repository, Branch: "main"}, Held: release.Revision{Commit: "c0ffee"}, Inputs: result.Inputs}
	for _, o := range result.Objects {
		if o.GetNamespace() == "" {
			o.SetNamespace("shop")
		}
		body, err := o.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		k.Desired = append(k.Desired, plan.Desired{Key: o.Key(), APIVersion: o.GetAPIVersion(), Origin: o.Origin, Body: body})
	}
	return k
}

func contentOf(t *testing.T, d plan.Desired) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := json.Unmarshal(d.Body, &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

// change does what someone did by hand; a value that is absent{} takes away.
func (b *bench) change(t *testing.T, kind, path string, value any) {
	t.Helper()
	at, err := yamledit.Pointer(path)
	if err != nil {
		t.Fatal(err)
	}
	for key, u := range b.live {
		if key.Kind != kind {
			continue
		}
		_, removes := value.(absent)
		content, err := origin.Put(u.Object, at, value, !removes)
		if err != nil {
			t.Fatal(err)
		}
		u.Object = content.(map[string]any)
	}
}

type absent struct{}

// operator is an Operator over the bench.
func (b *bench) operator() *operate.Operator {
	return &operate.Operator{
		Fleet: b, Reader: b, Commit: b, Renderer: renderers(), Source: followed{files: b.files}, Past: past{}, Hidden: redact.New([]byte("key")),
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: func() time.Time { return time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC) },
	}
}

// Known, AllKnown and Claims implement operate.Fleet.
func (b *bench) Known(context.Context, string) (pipeline.Known, error) { return b.known, nil }

func (b *bench) AllKnown(context.Context) ([]pipeline.Known, error) {
	return append([]pipeline.Known{b.known}, b.more...), nil
}

func (b *bench) Claims(_ context.Context, wrote object.Key) ([]operate.Claim, error) {
	var claims []operate.Claim
	for _, d := range b.known.Desired {
		if d.Key.Kind == wrote.Kind && d.Key.Name == wrote.Name {
			claims = append(claims, operate.Claim{Key: d.Key, App: b.known.ID()})
		}
	}
	return claims, nil
}

// Object and Forms implement target.Reader.
func (b *bench) Object(_ context.Context, _ target.Actor, key object.Key, _ string) (*unstructured.Unstructured, error) {
	return b.live[key], nil
}

func (b *bench) Forms(_ context.Context, _ target.Actor, d plan.Desired) (live, wanted *unstructured.Unstructured, err error) {
	live = b.live[d.Key]
	if live == nil {
		return nil, nil, nil
	}
	wanted = &unstructured.Unstructured{}
	return live, wanted, json.Unmarshal(d.Body, &wanted.Object)
}

// Commit and Preview implement operate.Committer.
func (b *bench) Commit(ctx context.Context, r commit.Request) (commit.Done, error) {
	var err error
	b.request = r
	if b.edit, err = r.Edit(ctx, commit.Tip{Commit: "c0ffee", Tree: b.files}); err != nil {
		return commit.Done{}, err
	}
	if len(b.edit.Files) == 0 {
		return commit.Done{Branch: r.Branch}, commit.ErrNothing
	}
	return commit.Done{Commit: "d00d", Branch: r.Branch, Files: slices.Sorted(maps.Keys(b.edit.Files))}, nil
}

func (b *bench) Preview(ctx context.Context, r commit.Request) (commit.Done, error) {
	return b.Commit(ctx, r)
}

// followed is a source that has one tree.
type followed struct {
	source.Source
	files tree.Tree
}

func (followed) Refresh(string) int { return 1 }

func (f followed) Tree(string, string) (tree.Tree, error) { return f.files, nil }

const webManifest = `# The web server.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    # who to call
    example.com/owner: "team-a"
spec:
  replicas: 2 # enough for now
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: shop:1.0
          args:
            - --fast   # quickly
            - --port=80
          env:
            - name: LEVEL
              value: info
          ports: [{containerPort: 80}]
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {token: hunter2}
`

func plainBench(t *testing.T) *bench {
	return newBench(t, map[string]string{"web/all.yaml": webManifest}, "web")
}

// lines are the lines of the bench's file that an edit changed, as a diff.
func (b *bench) lines(t *testing.T, file string) []string {
	t.Helper()
	before, err := b.files.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	edited, err := b.edited(t).ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	old, now := strings.Split(string(before), "\n"), strings.Split(string(edited), "\n")
	for len(old) > 0 && len(now) > 0 && old[0] == now[0] {
		old, now = old[1:], now[1:]
	}
	for len(old) > 0 && len(now) > 0 && old[len(old)-1] == now[len(now)-1] {
		old, now = old[:len(old)-1], now[:len(now)-1]
	}
	var diff []string
	for _, l := range old {
		diff = append(diff, "-"+l)
	}
	for _, l := range now {
		diff = append(diff, "+"+l)
	}
	return diff
}

// edited are the files after the commit.
func (b *bench) edited(t *testing.T) tree.Tree {
	t.Helper()
	files := map[string][]byte{}
	for path, f := range b.edit.Files {
		files[path] = f.Content()
	}
	after, err := b.files.With(files)
	if err != nil {
		t.Fatal(err)
	}
	return after
}

func TestKeepWritesTheLineThatIsMeant(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path  string
		value any
		want  []string
		line  int
	}{
		"number":            {"/spec/replicas", int64(5), []string{"-  replicas: 2 # enough for now", "+  replicas: 5 # enough for now"}, 10},
		"image":             {"/spec/template/spec/containers/0/image", "shop:1.1", []string{"-          image: shop:1.0", "+          image: shop:1.1"}, 18},
		"annotation":        {"/metadata/annotations/example.com~1owner", "team-b", []string{`-    example.com/owner: "team-a"`, `+    example.com/owner: "team-b"`}, 8},
		"annotation, added": {"/metadata/annotations/b", "x", []string{"+    b: x"}, 9},
		"annotation, gone":  {"/metadata/annotations/example.com~1owner", absent{}, []string{"-  annotations:", "-    # who to call", `-    example.com/owner: "team-a"`, "+  annotations: {}", "+    # who to call"}, 6},
		"element of a list": {"/spec/template/spec/containers/0/args", []any{"--fast", "--port=81"}, []string{"-            - --port=80", "+            - --port=81"}, 21},
		"one more of it":    {"/spec/template/spec/containers/0/args", []any{"--fast", "--port=80", "--new"}, []string{"+            - --new"}, 22},
		"one less":          {"/spec/template/spec/containers/0/args", []any{"--port=80"}, []string{"-            - --fast   # quickly"}, 20},
		"variable":          {"/spec/template/spec/containers/0/env/0/value", "debug", []string{"-              value: info", "+              value: debug"}, 24},
		"mapping, added":    {"/spec/strategy", map[string]any{"type": "Recreate"}, []string{"+  strategy:", "+    type: Recreate"}, 26},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := plainBench(t)
			b.change(t, "Deployment", test.path, test.value)
			got, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web", By: "ada", Why: "an incident"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, b.lines(t, "web/all.yaml")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(got.Kept) != 1 || len(got.Lost) != 0 || got.Kept[0].Origin != (object.Origin{File: "web/all.yaml", Line: test.line}) {
				t.Errorf("told %+v", got)
			}
			if got.Commit != "d00d" || got.Branch != "plumb/keep/shop/web/20261121-030000" || b.request.From.Branch != "main" {
				t.Errorf("pushed to %s from %v: %+v", got.Branch, b.request.From, got)
			}
		})
	}
}

func TestKeepTellsWhatItDid(t *testing.T) {
	t.Parallel()
	b := plainBench(t)
	b.change(t, "Deployment", "/spec/replicas", int64(5))
	b.change(t, "Deployment", "/spec/template/spec/containers/0/image", "shop:hidden-tag")
	if _, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web", By: "ada\nSigned-off-by: eve", Why: "an incident", Branch: "kept"}); err != nil {
		t.Fatal(err)
	}
	want := `shop/web: keep what was changed by hand

These fields become what they are in the cluster:

Deployment/shop/web spec.replicas
    web/all.yaml:10
Deployment/shop/web spec.template.spec.containers[name="web"].image
    web/all.yaml:18

Why: an incident

Asked for by: ada Signed-off-by: eve
`
	if diff := cmp.Diff(want, b.edit.Message); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if b.request.Branch != "kept" {
		t.Errorf("pushed to %s", b.request.Branch)
	}
}

func TestKeepRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		do   func(t *testing.T, b *bench)
		want string
	}{
		"a Secret": {
			func(t *testing.T, b *bench) { b.change(t, "Secret", "/data", map[string]any{"token": "cGFzcw=="}) },
			"nothing of what was changed in shop/web can be written to Git: Secret/shop/keys data: values of Secrets are never written to Git",
		},
		"what is sensitive": {
			func(t *testing.T, b *bench) {
				b.known.App.Spec.Sensitive = []v1alpha1.Sensitive{{Kind: "Deployment", Fields: []string{"/spec/replicas"}}}
				b.change(t, "Deployment", "/spec/replicas", int64(5))
			},
			"nothing of what was changed in shop/web can be written to Git: Deployment/shop/web spec.replicas: it is sensitive, and never written to Git",
		},
		"what was deleted": {
			func(_ *testing.T, b *bench) { delete(b.live, b.known.Desired[0].Key) },
			"nothing of what was changed in shop/web can be written to Git: Deployment/shop/web: it was deleted; to keep that, remove its declaration at web/all.yaml:2",
		},
		"what another App reads": {
			func(t *testing.T, b *bench) {
				b.more = []pipeline.Known{known(t, b.files, "shop/test", "web")}
				b.change(t, "Deployment", "/spec/replicas", int64(5))
			},
			"nothing of what was changed in shop/web can be written to Git: Deployment/shop/web spec.replicas: web/all.yaml is what other Apps are made from, too: shop/test; change it by hand, or put it in an overlay",
		},
		"another order": {
			func(t *testing.T, b *bench) {
				b.files = treetest.New(map[string]string{"web/all.yaml": strings.Replace(webManifest, "            - name: LEVEL\n", "            - name: FIRST\n              value: x\n            - name: LEVEL\n", 1)})
				b.known = known(t, b.files, "shop/web", "web")
				b.known.Differ = []object.Key{b.known.Desired[0].Key}
				b.live[b.known.Desired[0].Key] = contentOf(t, b.known.Desired[0])
				b.change(t, "Deployment", "/spec/template/spec/containers/0/env", []any{map[string]any{"name": "LEVEL", "value": "info"}, map[string]any{"name": "FIRST", "value": "x"}})
			},
			`nothing of what was changed in shop/web can be written to Git: Deployment/shop/web spec.template.spec.containers[name="web"].env: elements are in another order; change that by hand`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := plainBench(t)
			test.do(t, b)
			got, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web"})
			var refusal *status.Refusal
			if !errors.As(err, &refusal) || err.Error() != test.want {
				t.Errorf("got %v", err)
			}
			if len(got.Kept) != 0 || len(got.Lost) == 0 || len(b.edit.Files) != 0 {
				t.Errorf("told %+v", got)
			}
		})
	}
}

func TestKeepKeepsWhatItCan(t *testing.T) {
	t.Parallel()
	b := plainBench(t)
	b.change(t, "Secret", "/stringData/token", "canary-4711")
	b.change(t, "Deployment", "/spec/replicas", int64(5))
	got, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web"})
	if err != nil || len(got.Kept) != 1 || len(got.Lost) != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	text, err := json.Marshal(got)
	if err != nil || strings.Contains(string(text)+b.edit.Message+string(b.edit.Files["web/all.yaml"].Content()), "canary-4711") {
		t.Error("the Secret's value got out")
	}
	only := b.known.Desired[1].Key
	if _, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web", Object: &only}); err == nil {
		t.Error("the Deployment was kept, though only the Secret was asked for")
	}
}

// overlay is two Apps over one base.
func overlay() map[string]string {
	return map[string]string{
		"base/kustomization.yaml": "resources: [all.yaml]\n",
		"base/all.yaml":           webManifest,
		"prod/kustomization.yaml": "resources: [../base]\nnamePrefix: prod-\nimages:\n  - name: shop\n    newTag: \"1.4\" # released\nreplicas:\n  - name: web\n    count: 3\npatches:\n  - path: level.yaml\n",
		"prod/level.yaml":         "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n        - name: web\n          env:\n            - {name: LEVEL, value: warn}\n",
		"test/kustomization.yaml": "resources: [../base]\n",
	}
}

func TestKeepInAnOverlay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path  string
		value any
		file  string
		want  []string
	}{
		"image":         {"/spec/template/spec/containers/0/image", "shop:1.5", "prod/kustomization.yaml", []string{`-    newTag: "1.4" # released`, `+    newTag: "1.5" # released`}},
		"other image":   {"/spec/template/spec/containers/0/image", "mirror.example.com/shop:1.4", "prod/kustomization.yaml", []string{"+    newName: mirror.example.com/shop"}},
		"replicas":      {"/spec/replicas", int64(7), "prod/kustomization.yaml", []string{"-    count: 3", "+    count: 7"}},
		"patched":       {"/spec/template/spec/containers/0/env/0/value", "debug", "prod/level.yaml", []string{"-            - {name: LEVEL, value: warn}", "+            - {name: LEVEL, value: debug}"}},
		"of the base":   {"/metadata/annotations/example.com~1owner", "team-b", "prod/level.yaml", []string{"-metadata: {name: web}", "+metadata: {name: web, annotations: {example.com/owner: team-b}}"}},
		"nowhere yet":   {"/spec/minReadySeconds", int64(3), "prod/level.yaml", []string{"+  minReadySeconds: 3"}},
		"gone from all": {"/metadata/annotations/example.com~1owner", absent{}, "prod/kustomization.yaml", []string{"+  - patch: |", "+      apiVersion: apps/v1", "+      kind: Deployment", "+      metadata:", "+        annotations:", "+          example.com/owner: null", "+        name: web"}},
		"a port": {"/spec/template/spec/containers/0/ports/0/containerPort", int64(81), "prod/kustomization.yaml", []string{
			"+  - patch: |", "+      - op: replace", "+        path: /spec/template/spec/containers/0/ports/0/containerPort", "+        value: 81",
			"+    target:", "+      name: web", "+      kind: Deployment",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, overlay(), "prod")
			b.more = []pipeline.Known{known(t, b.files, "shop/test", "test")}
			b.change(t, "Deployment", test.path, test.value)
			got, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web"})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Kept) != 1 || len(got.Lost) != 0 || got.Kept[0].Origin.File != test.file {
				t.Fatalf("told %+v", got)
			}
			if diff := cmp.Diff(test.want, b.lines(t, test.file)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Lines that are told are those of the commit, not of a step on the way to it.
func TestKeepTellsLinesOfTheCommit(t *testing.T) {
	t.Parallel()
	b := plainBench(t)
	b.change(t, "Deployment", "/metadata/annotations/new", "x")
	b.change(t, "Deployment", "/spec/template/spec/containers/0/image", "shop:1.1")
	b.change(t, "Deployment", "/spec/template/spec/containers/0/args", []any{"--port=80"})
	b.change(t, "Deployment", "/spec/template/spec/containers/0/env/0/value", "debug")
	got, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web"})
	if err != nil || len(got.Kept) != 4 {
		t.Fatalf("got %+v, %v", got, err)
	}
	content, err := b.edited(t).ReadFile("web/all.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(content), "\n")
	for i, want := range []string{"    new: x", "            - --port=80", "              value: debug", "          image: shop:1.1"} {
		if at := got.Kept[i].Origin; lines[at.Line-1] != want {
			t.Errorf("%s is said to be at %s, where there is %q", got.Kept[i].Path, at, lines[at.Line-1])
		}
	}
}

func TestKeepThroughALink(t *testing.T) {
	t.Parallel()
	b := newBench(t, map[string]string{"web/kustomization.yaml": "resources: [all.yaml]\n", "web/all.yaml": "-> ../real/all.yaml", "real/all.yaml": webManifest}, "web")
	b.change(t, "Deployment", "/spec/replicas", int64(5))
	got, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web"})
	if err != nil || len(got.Kept) != 1 || got.Kept[0].Origin != (object.Origin{File: "real/all.yaml", Line: 10}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, edited := b.edit.Files["real/all.yaml"]; !edited || len(b.edit.Files) != 1 {
		t.Errorf("edits %v", b.edit.Files)
	}
}

// The same base twice in one App: only a patch changes one of the two.
func TestKeepOneOfTwo(t *testing.T) {
	t.Parallel()
	b := newBench(t, map[string]string{
		"app/kustomization.yaml":   "# both\nresources: [a, b]\n",
		"app/a/kustomization.yaml": "namePrefix: a-\nresources: [../../base]\n",
		"app/b/kustomization.yaml": "namePrefix: b-\nresources: [../../base]\n",
		"base/kustomization.yaml":  "resources: [all.yaml]\n",
		"base/all.yaml":            strings.Split(webManifest, "---\n")[0],
	}, "app")
	b.live[b.known.Desired[0].Key].Object["spec"].(map[string]any)["replicas"] = int64(7)
	got, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web"})
	if err != nil || len(got.Kept) != 1 || got.Kept[0].Key.Name != "a-web" {
		t.Fatalf("got %+v, %v", got, err)
	}
	want := []string{"+patches:", "+- patch: |", "+    apiVersion: apps/v1", "+    kind: Deployment", "+    metadata:", "+      name: a-web", "+    spec:", "+      replicas: 7"}
	if diff := cmp.Diff(want, b.lines(t, "app/kustomization.yaml")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestKeepOfWhatIsGenerated(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"app/kustomization.yaml": "configMapGenerator:\n  - name: plain\n    literals:\n      - A=1 # one\n      - \"B=2\"\n    envs: [env]\n    files: [conf]\n    options: {disableNameSuffixHash: true}\n",
		"app/env":                "# c\nC=3\nD=4\n",
		"app/conf":               "x = 1\n",
	}
	for name, test := range map[string]struct {
		path, value, file string
		want              []string
	}{
		"literal":      {"/data/A", "9", "app/kustomization.yaml", []string{"-      - A=1 # one", "+      - A=9 # one"}},
		"quoted":       {"/data/B", "9", "app/kustomization.yaml", []string{`-      - "B=2"`, `+      - "B=9"`}},
		"line":         {"/data/C", "9", "app/env", []string{"-C=3", "+C=9"}},
		"file":         {"/data/conf", "x = 2\n", "app/conf", []string{"-x = 1", "+x = 2"}},
		"one more":     {"/data/E", "5", "app/kustomization.yaml", []string{"+      - E=5"}},
		"text of many": {"/data/A", "p\nq\n", "app/kustomization.yaml", []string{"-      - A=1 # one", "+      - | # one", "+        A=p", "+        q"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, files, "app")
			b.change(t, "ConfigMap", test.path, test.value)
			got, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web"})
			if err != nil || len(got.Kept) != 1 {
				t.Fatalf("got %+v, %v", got, err)
			}
			if diff := cmp.Diff(test.want, b.lines(t, test.file)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What is generated is named by what it holds: with the live value it is
// another object, and those who use it follow.
func TestKeepOfWhatIsNamedByItsContent(t *testing.T) {
	t.Parallel()
	b := newBench(t, map[string]string{
		"app/kustomization.yaml": "resources: [all.yaml]\nconfigMapGenerator:\n- name: settings\n  literals: [A=1, B=2]\n",
		"app/all.yaml":           strings.Split(webManifest, "---\n")[0] + "          envFrom: [{configMapRef: {name: settings}}]\n",
	}, "app")
	b.change(t, "ConfigMap", "/data/A", "9")
	b.change(t, "ConfigMap", "/data/B", "8")
	got, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web"})
	if err != nil || len(got.Kept) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"-  literals: [A=1, B=2]", "+  literals: [A=9, B=8]"}, b.lines(t, "app/kustomization.yaml")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// What is kept is what a render of the commit yields, whatever it took.
func TestKeptRendersAsLive(t *testing.T) {
	t.Parallel()
	b := newBench(t, overlay(), "prod")
	b.change(t, "Deployment", "/spec/replicas", int64(9))
	b.change(t, "Deployment", "/spec/template/spec/containers/0/args", []any{"--slow"})
	b.change(t, "Deployment", "/spec/template/spec/containers/0/image", "shop:2.0@sha256:"+strings.Repeat("0a", 32))
	b.change(t, "Deployment", "/metadata/labels", map[string]any{"new": "label"})
	if _, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web"}); err != nil {
		t.Fatal(err)
	}
	result, err := renderers().Render(t.Context(), render.Work{Files: b.edited(t), Path: "prod"})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range result.Objects {
		if o.GetKind() != "Deployment" {
			continue
		}
		o.SetNamespace("shop")
		if diff := cmp.Diff(b.live[o.Key()].Object, o.Object); diff != "" {
			text, _ := yaml.Marshal(o.Object)
			t.Errorf("(-live +rendered)\n%s\n%s", diff, text)
		}
	}
}
