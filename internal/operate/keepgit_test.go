package operate_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/operate"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/release"
)

// rig is an App in a real repository, with what is live of it made up.
type rig struct {
	*bench
	ground *ground
}

func (r rig) Known(context.Context, string) (pipeline.Known, error) { return r.known, nil }

func newRig(t *testing.T, files map[string]string, path string) (rig, *operate.Operator) {
	t.Helper()
	g := newGround(t, map[string]string{"shop/web": path})
	head := g.push(release.Succeeded, files)
	g.follow()
	r := rig{newBench(t, files, path), g}
	r.known.Ref, r.known.Held.Commit = g.ref, head
	op := r.operator()
	op.Fleet, op.Source, op.Past, op.Commit = r, g.source, g.source, g.operator.Commit
	return r, op
}

// TestKeepPushesToGit: the commit lands on its branch whatever others push
// meanwhile, and their lines stay.
func TestKeepPushesToGit(t *testing.T) {
	t.Parallel()
	r, op := newRig(t, map[string]string{"web/all.yaml": webManifest}, "web")
	r.change(t, "Deployment", "/spec/replicas", int64(5))
	n := 0
	race := gittest.Race(gittest.DuringPush, 3, func() {
		n++
		r.ground.repo.Commit(map[string]string{"web/all.yaml": fmt.Sprintf("# theirs %d\n%s", n, webManifest)})
	})
	r.ground.server.Wrap(func(next http.Handler) http.Handler { return race(mayPush(next)) })
	got, err := op.Keep(t.Context(), operate.Keep{App: "shop/web", Branch: "main", By: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Kept) != 1 || got.Kept[0].Origin != (object.Origin{File: "web/all.yaml", Line: 11}) || got.Branch != "main" {
		t.Errorf("told %+v", got)
	}
	want := "# theirs 3\n" + strings.Replace(webManifest, "replicas: 2 #", "replicas: 5 #", 1)
	if diff := cmp.Diff(strings.TrimSpace(want), r.ground.repo.Git("show", "main:web/all.yaml")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if stat := r.ground.repo.Git("show", "--stat", "--format=", got.Commit); !strings.Contains(stat, "1 insertion(+), 1 deletion(-)") {
		t.Errorf("the commit changes\n%s", stat)
	}
}

// TestKeepBeginsABranch: the branch that is followed stays as it is.
func TestKeepBeginsABranch(t *testing.T) {
	t.Parallel()
	r, op := newRig(t, overlay(), "prod")
	head := r.ground.repo.Head()
	r.change(t, "Deployment", "/spec/template/spec/containers/0/image", "shop:1.5")
	got, err := op.Keep(t.Context(), operate.Keep{App: "shop/web"})
	if err != nil {
		t.Fatal(err)
	}
	if r.ground.repo.Head() != head || r.ground.repo.Git("rev-parse", got.Branch+"^") != head {
		t.Errorf("told %+v", got)
	}
	if text := r.ground.repo.Git("show", got.Branch+":prod/kustomization.yaml"); !strings.Contains(text, "newTag: \"1.5\" # released\n") {
		t.Error(text)
	}
}

// TestBlameReadsGit: each line has the commit that wrote it.
func TestBlameReadsGit(t *testing.T) {
	t.Parallel()
	r, op := newRig(t, overlay(), "prod")
	first := r.known.Held.Commit
	changed := overlay()
	changed["prod/kustomization.yaml"] = strings.Replace(changed["prod/kustomization.yaml"], "1.4", "1.5", 1)
	second := r.ground.push(release.Succeeded, changed)
	r.ground.source.Refresh(r.known.Ref.URL)
	for h := range r.ground.source.Heads() {
		if h.Revision.Commit == second {
			break
		}
	}
	r.bench = newBench(t, changed, "prod")
	r.known.Ref, r.known.Held.Commit = r.ground.ref, second
	key := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "prod-web"}
	own(r.live[key], managed("plumb", metav1.ManagedFieldsOperationApply, "",
		`{"f:spec":{"f:replicas":{},"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:image":{}}}}}}}`, 1))
	op.Fleet, op.Reader = r, r
	got, err := op.Blame(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Fields) != 2 || got.Fields[0].Line.Commit != first || got.Fields[1].Line.Commit != second {
		t.Fatalf("told %v", told(got))
	}
	if l := got.Fields[1].Line; l.Origin.String() != "prod/kustomization.yaml:5" || l.Author == "" || l.Subject == "" || l.Date.IsZero() {
		t.Errorf("told %+v", l)
	}
}
