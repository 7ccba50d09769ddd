package deliver_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/deliver"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/tree"
)

// web is a chart that a registry has.
var web = v1alpha1.Chart{Repository: "https://charts.example.com", Name: "web", Version: "1.x"}

// chartOf are the files of its package: a ConfigMap with a color and a size.
func chartOf(size string) map[string]string {
	return map[string]string{
		"Chart.yaml":        "apiVersion: v2\nname: web\nversion: 1.0.0\n",
		"values.yaml":       "color: none\n",
		"templates/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}\"}\ndata:\n  color: \"{{ .Values.color }}\"\n  size: " + size + "\n",
	}
}

// push makes a package, and tells of it as what a Ref is now.
func (f *fleet) push(ref source.Ref, version string, files map[string]string, changes ...tree.Change) {
	f.t.Helper()
	f.repo.mu.Lock()
	f.repo.commits = append(f.repo.commits, files)
	n := len(f.repo.commits) - 1
	f.repo.mu.Unlock()
	f.Tell(deliver.News{
		Head:    source.Head{Ref: ref, Revision: release.Revision{URL: ref.URL, Ref: version, Commit: fmt.Sprintf("%040d", n)}},
		Changes: changes, Complete: len(changes) > 0,
	})
}

// TestAChartFromElsewhere: an App waits for its chart, is rendered with the
// value files of its own repository, and follows both.
func TestAChartFromElsewhere(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.files["a/values.yaml"] = "color: red\n"
	first := f.commit(nil)
	f.declare(true, f.app("a", func(a *v1alpha1.App) {
		a.Spec.Source.Chart = &web
		a.Spec.Render.Helm = &v1alpha1.Helm{ReleaseName: "a", ValueFiles: []string{"values.yaml"}}
	}))
	f.until("a", "waits for its chart", func(s status.App) bool { return strings.Contains(s.Message, "waiting for the chart web") })
	ref := source.RefOf(nil, &web)
	f.push(ref, "web 1.0.0", chartOf("s"))
	s := f.synced("a", first)
	if s.Source.With != "web 1.0.0" || len(s.Source.Beside) != 1 || s.Source.Beside[0].Version != "1.0.0" {
		t.Errorf("it tells %+v", s.Source)
	}
	f.untilColor("a", "red")

	f.push(ref, "web 1.1.0", chartOf("m"), tree.Change{Path: "templates/cm.yaml"})
	list := f.settledReleases("a", 2)
	if r := list[1]; r.Trigger != release.TriggerSource || r.Revision.Commit != first || r.Revision.With != "web 1.1.0" || r.Outcome != release.Succeeded {
		t.Errorf("it is recorded as %+v", r)
	}
	f.push(ref, "web 1.1.1", chartOf("m"), tree.Change{Path: "README.md", Kind: tree.Added})
	f.until("a", "moves on", func(s status.App) bool { return s.Source.With == "web 1.1.1" && s.Unchanged })

	second := f.commit(map[string]string{"a/values.yaml": "color: green\n"})
	f.synced("a", second)
	f.untilColor("a", "green")
	if list := f.settledReleases("a", 3); list[2].Trigger != release.TriggerCommit || list[2].Revision.With != "web 1.1.1" {
		t.Errorf("it is recorded as %+v", list[2])
	}

	f.Tell(deliver.News{Head: source.Head{Ref: ref, Revision: release.Revision{Commit: fmt.Sprintf("%040d", 3)}, Err: fmt.Errorf("the registry is away")}})
	f.until("a", "tells that its chart can't be read", func(s status.App) bool { return strings.Contains(s.Source.Error, "registry is away") })
}

// TestSourcesBeside: values of another repository are an App's inputs.
func TestSourcesBeside(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	team := v1alpha1.Git{URL: "memory://team", Branch: "main"}
	for path, content := range chartOf("s") {
		f.files["a/"+path] = content
	}
	first := f.commit(nil)
	f.declare(true, f.app("a", func(a *v1alpha1.App) {
		a.Spec.Source.With = []v1alpha1.Other{{Name: "team", Git: &team}}
		a.Spec.Render.Helm = &v1alpha1.Helm{ReleaseName: "a", ValueFiles: []string{"@team/prod.yaml"}}
	}))
	ref := source.RefOf(&team, nil)
	f.push(ref, "refs/heads/main", map[string]string{"prod.yaml": "color: red\n"})
	f.synced("a", first)
	f.untilColor("a", "red")
	f.push(ref, "refs/heads/main", map[string]string{"prod.yaml": "color: blue\n"}, tree.Change{Path: "prod.yaml"})
	f.untilColor("a", "blue")
	if list := f.settledReleases("a", 2); list[1].Trigger != release.TriggerSource || !strings.HasPrefix(list[1].Revision.With, "team ") {
		t.Errorf("it is recorded as %+v", list[1])
	}
}

// TestAChartThatFails: a version that isn't healthy in time holds the App until
// there is another one, and isn't rolled back by a commit.
func TestAChartThatFails(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.stop()
	f.rollback = func(context.Context, string, release.Release) (status.RolledBack, error) {
		t.Error("a commit was made for it")
		return status.RolledBack{}, nil
	}
	f.start()
	first := f.commit(nil)
	f.declare(true, f.app("a", func(a *v1alpha1.App) {
		a.Spec.Source.Chart = &web
		a.Spec.Source.Path = ""
		a.Spec.Sync.OnFailure = v1alpha1.FailureRollback
		a.Spec.Health.Timeout.Duration = brief
		a.Spec.Render.Helm = &v1alpha1.Helm{ReleaseName: "a"}
	}))
	ref := source.RefOf(nil, &web)
	f.push(ref, "web 1.0.0", chartOf("s"))
	f.synced("a", first)
	bad := chartOf("m")
	bad["templates/pod.yaml"] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: never}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n" +
		"    spec: {nodeSelector: {there: is-none}, containers: [{name: x, image: nginx}]}\n"
	f.push(ref, "web 1.1.0", bad)
	s := f.until("a", "is held", func(s status.App) bool { return s.Hold != nil })
	if !strings.Contains(s.Hold.Message, "web 1.1.0 came from elsewhere") {
		t.Errorf("it says %q", s.Hold.Message)
	}
	f.push(ref, "web 1.1.1", chartOf("l"))
	f.until("a", "goes on", func(s status.App) bool {
		return s.Hold == nil && s.Source.With == "web 1.1.1" && s.Sync == status.Synced
	})
}
