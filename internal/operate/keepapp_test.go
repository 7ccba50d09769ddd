package operate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/operate"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/tree/treetest"
)

// newBenchOf is a bench of an App that asks for more than its files.
func newBenchOf(t *testing.T, files map[string]string, path string, params v1alpha1.Render) *bench {
	t.Helper()
	b := newBench(t, files, path)
	b.known.App.Spec.Render = params
	b.known = knownOf(t, treetest.New(files), b.known.App)
	clear(b.live)
	for _, d := range b.known.Desired {
		b.live[d.Key] = contentOf(t, d)
		b.known.Differ = append(b.known.Differ, d.Key)
	}
	return b
}

func onTop() v1alpha1.Render {
	return v1alpha1.Render{Kustomize: &v1alpha1.Kustomize{
		NamePrefix: "eu-", Labels: map[string]string{"region": "eu"}, Replicas: []v1alpha1.Replicas{{Name: "web", Count: 9}},
		Patches: []v1alpha1.Patch{{Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {minReadySeconds: 8}\n"}},
	}}
}

// What the files make is kept in them, below what the App puts on top.
func TestKeepBelowTheApp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		path  string
		value any
		file  string
		want  []string
	}{
		"image":       {"/spec/template/spec/containers/0/image", "shop:1.5", "prod/kustomization.yaml", []string{`-    newTag: "1.4" # released`, `+    newTag: "1.5" # released`}},
		"patched":     {"/spec/template/spec/containers/0/env/0/value", "debug", "prod/level.yaml", []string{"-            - {name: LEVEL, value: warn}", "+            - {name: LEVEL, value: debug}"}},
		"nowhere yet": {"/spec/revisionHistoryLimit", int64(3), "prod/level.yaml", []string{"+  revisionHistoryLimit: 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBenchOf(t, overlay(), "prod", onTop())
			b.more = []pipeline.Known{known(t, b.files, "shop/test", "test")}
			b.change(t, "Deployment", test.path, test.value)
			got, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web"})
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Kept) != 1 || len(got.Lost) != 0 || got.Kept[0].Origin.File != test.file || got.Kept[0].Key.Name != "eu-prod-web" {
				t.Fatalf("told %+v", got)
			}
			if diff := cmp.Diff(test.want, b.lines(t, test.file)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What the App makes is refused, and where it stands is told.
func TestKeepRefusesWhatTheAppMakes(t *testing.T) {
	t.Parallel()
	for field, test := range map[string]struct {
		path  string
		value any
	}{
		"spec.replicas: spec.render.kustomize.replicas of the App":               {"/spec/replicas", int64(4)},
		"spec.minReadySeconds: spec.render.kustomize.patches[0] of the App":      {"/spec/minReadySeconds", int64(4)},
		"metadata.labels.region: spec.render.kustomize.labels of the App":        {"/metadata/labels/region", "us"},
		"spec.replicas: spec.render.kustomize.replicas of the App: it stands in": {"/spec/replicas", int64(5)},
	} {
		b := newBenchOf(t, overlay(), "prod", onTop())
		b.change(t, "Deployment", test.path, test.value)
		got, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web"})
		var refusal *status.Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), "it stands in the App's own declaration; change it there") {
			t.Errorf("got %v, want %s", err, field)
		}
		if len(got.Kept) != 0 || len(b.edit.Files) != 0 {
			t.Errorf("told %+v", got)
		}
	}
}

// A value that is put in for ${NAME} isn't written over its name, and what has no
// name in it is kept.
func TestKeepBesideSubstitution(t *testing.T) {
	t.Parallel()
	params := v1alpha1.Render{Substitute: &v1alpha1.Substitute{Values: map[string]string{"REPLICAS": "3", "TAG": "1.4"}}}
	files := map[string]string{"web/all.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: ${REPLICAS}\n  paused: false\n  template: {spec: {containers: [{name: web, image: 'shop:${TAG}'}]}}\n"}
	b := newBenchOf(t, files, "web", params)
	b.change(t, "Deployment", "/spec/replicas", int64(4))
	b.change(t, "Deployment", "/spec/paused", true)
	b.change(t, "Deployment", "/spec/template/spec/containers/0/image", "shop:1.5")
	got, err := b.operator().Keep(t.Context(), operate.Keep{App: "shop/web"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"-  paused: false", "+  paused: true"}, b.lines(t, "web/all.yaml")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, lost := range got.Lost {
		if lost.Reason != "which line it comes from can't be told; change it by hand near web/all.yaml:1" {
			t.Errorf("told %+v", lost)
		}
	}
	if len(got.Lost) != 2 {
		t.Errorf("told %+v", got)
	}
}

// Blame tells that a value is the App's, and takes nothing of another repository
// for a file of this one.
func TestBlameOfTheApp(t *testing.T) {
	t.Parallel()
	b := newBenchOf(t, overlay(), "prod", onTop())
	b.known.Origin = object.Origin{File: "prod/level.yaml", Line: 4}
	web := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "eu-prod-web"}
	own(b.live[web], managed("plumb", metav1.ManagedFieldsOperationApply, "", `{"f:metadata":{"f:labels":{"f:region":{}}},"f:spec":{"f:replicas":{},"f:minReadySeconds":{},"f:selector":{}}}`, 1))
	got, err := b.operator().Blame(t.Context(), web)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"metadata.labels.region = eu by prod/level.yaml:4 false prod/level.yaml@4 why",
		"spec.minReadySeconds = 8 by prod/level.yaml:4 false prod/level.yaml@4 why",
		"spec.replicas = 9 by prod/level.yaml:4 false prod/level.yaml@4 why",
		"spec.selector = map[matchLabels:map[app:web]] by base/all.yaml:11 true base/all.yaml@11 why",
	}
	if diff := cmp.Diff(want, told(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestBlameOfAnotherRepository(t *testing.T) {
	t.Parallel()
	b := plainBench(t)
	b.known.Desired[0].Origin = object.Origin{File: "https://example.com/a/b//web/all.yaml?ref=v1", Line: 1}
	b.known.App.Spec.Source.Path = "elsewhere"
	key := b.known.Desired[0].Key
	own(b.live[key], managed("plumb", metav1.ManagedFieldsOperationApply, "", `{"f:spec":{"f:replicas":{}}}`, 1))
	got, err := b.operator().Blame(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"spec.replicas = 2 by https://example.com/a/b//web/all.yaml?ref=v1:1 false  "}, told(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
