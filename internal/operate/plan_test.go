package operate_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/operate"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/redact"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/source/gitrepo"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
	"plumb.dev/plumb/internal/target/kube"
	"plumb.dev/plumb/internal/tree"
)

// estate is a root repository behind a server, whose Apps are live in a real
// API server. The file "apps" declares them, one path a line.
type estate struct {
	*testing.T
	*kube.Cluster
	repo      *gittest.Repo
	source    *gitrepo.Source
	root      source.Ref
	head      string // the commit that is held
	namespace string
	operator  *operate.Operator
}

func newEstate(t *testing.T, files map[string]string) *estate {
	t.Helper()
	e := &estate{T: t, repo: gittest.NewRepo(t), namespace: controlplanetest.Namespace(t)}
	e.root = source.Ref{URL: e.repo.ServeHTTP().Repo(e.repo), Branch: "main"}
	var err error
	none := func(git.URL) (git.Credentials, error) { return git.Credentials{}, nil }
	if e.source, err = gitrepo.New(t.Context(), gitrepo.Options{Git: git.Options{Data: t.TempDir()}, Credentials: none}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.source.Close)
	if e.Cluster, err = kube.New(controlplanetest.Config(t), kube.Options{Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	e.Cluster.Run(ctx)
	t.Cleanup(func() { cancel(); e.Wait() })
	e.operator = &operate.Operator{
		Fleet: e, Source: e.source, Looker: e.source, Past: e.source, Renderer: renderers(), Target: e.Cluster, Explorer: e.Cluster,
		Hidden: redact.New([]byte("key")), Now: time.Now, Root: e.root, RootName: "root", Declares: e.declares,
	}
	e.head = e.repo.Commit(files)
	e.source.Follow(map[source.Ref]time.Duration{e.root: 24 * time.Hour})
	select {
	case h := <-e.source.Heads():
		if h.Err != nil {
			t.Fatal(h.Err)
		}
	case <-time.After(time.Minute):
		t.Fatal("no head came")
	}
	e.settleIn()
	return e
}

// declares implements operate.Operator.Declares.
func (e *estate) declares(_ context.Context, files tree.Tree) (map[string]operate.Declared, error) {
	text, err := files.ReadFile("apps")
	if err != nil {
		return nil, err
	}
	all := map[string]operate.Declared{}
	for name := range strings.FieldsSeq(string(text)) {
		d := operate.Declared{Origin: object.Origin{File: "apps", Line: 1}}
		if name, d.Err = strings.TrimSuffix(name, "!"), nil; strings.HasSuffix(string(text), "!\n") {
			d.Err = errors.New("it is marked as broken")
		}
		d.App = v1alpha1.App{}
		d.App.Namespace, d.App.Name, d.App.Spec.Source.Path, d.App.Spec.Target.Namespace = e.namespace, name, name, e.namespace
		d.App.Spec.Source.Git = &v1alpha1.Git{URL: e.root.URL, Branch: "main"}
		all[d.App.ID()] = d
	}
	return all, nil
}

// AllKnown implements operate.Fleet.
func (e *estate) AllKnown(ctx context.Context) ([]pipeline.Known, error) {
	files, err := e.source.Tree(e.root.URL, e.head)
	if err != nil {
		return nil, err
	}
	declared, err := e.declares(ctx, files)
	if err != nil {
		return nil, err
	}
	var all []pipeline.Known
	for _, d := range declared {
		revision := release.Revision{URL: e.root.URL, Commit: e.head}
		k := pipeline.Known{App: d.App, Origin: d.Origin, Root: "root", Ref: e.root, Newest: revision, Held: revision}
		k.Actor = target.Actor{Namespace: e.namespace}
		r := pipeline.Render(ctx, e.operator.Renderer, e.Cluster, pipeline.Job{App: d.App, Root: "root", Revision: e.head, Files: files})
		k.Inputs, k.Desired, k.Failed = r.Inputs, r.Desired, r.Err
		for _, d := range k.Desired {
			if live, ok := e.Live(d.Key); !ok || live.Digest != d.Digest || live.Fingerprint == 0 {
				k.Differ = append(k.Differ, d.Key)
			}
		}
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b pipeline.Known) int { return strings.Compare(a.ID(), b.ID()) })
	return all, nil
}

// Known implements operate.Fleet.
func (e *estate) Known(ctx context.Context, id string) (pipeline.Known, error) {
	all, err := e.AllKnown(ctx)
	for _, k := range all {
		if k.ID() == id {
			return k, nil
		}
	}
	return pipeline.Known{}, errors.Join(err, errors.New("no such App"))
}

// Claims implements operate.Fleet.
func (e *estate) Claims(ctx context.Context, key object.Key) ([]operate.Claim, error) {
	all, err := e.AllKnown(ctx)
	var claims []operate.Claim
	for _, k := range all {
		for _, d := range k.Desired {
			if d.Key == key {
				claims = append(claims, operate.Claim{Key: key, App: k.ID()})
			}
		}
	}
	return claims, err
}

// settleIn applies what is declared, and waits until the view knows it.
func (e *estate) settleIn() {
	e.Helper()
	all, err := e.AllKnown(e.Context())
	if err != nil {
		e.Fatal(err)
	}
	var changes []plan.Change
	kinds := []schema.GroupKind{{Kind: "ConfigMap"}, {Kind: "Secret"}}
	for _, k := range all {
		for _, d := range k.Desired {
			changes = append(changes, plan.Change{Action: plan.Update, Key: d.Key, Desired: d})
		}
	}
	for _, o := range e.Apply(e.Context(), target.Actor{Namespace: e.namespace}, changes) {
		if o.Err != nil {
			e.Fatal(o.Key, o.Err)
		}
	}
	late := time.After(2 * time.Minute)
	for {
		known, err := e.Watch(kinds)
		there := known && err == nil
		for _, c := range changes {
			live, ok := e.Live(c.Key)
			there = there && ok && live.Digest == c.Desired.Digest
		}
		if there {
			return
		}
		select {
		case <-e.Events():
		case <-late:
			e.Fatal("what was applied isn't seen")
		}
	}
}

// fetched waits until the newest commit is fetched.
func (e *estate) fetched() {
	e.Helper()
	e.source.Refresh(e.root.URL)
	for {
		select {
		case h := <-e.source.Heads():
			if h.Revision.Commit == e.head {
				return
			}
		case <-time.After(time.Minute):
			e.Fatal("no head came")
		}
	}
}

func (e *estate) id(name string) string { return e.namespace + "/" + name }

// planned is a plan as lines.
func planned(p plan.Plan) string {
	var b strings.Builder
	b.WriteString(p.App[strings.Index(p.App, "/")+1:] + ":")
	for _, c := range p.Changes {
		b.WriteString(" " + string(c.Action) + " " + c.Key.Name)
		if c.Action == plan.Conflict {
			b.WriteString(" (" + c.Reason + ")")
		}
	}
	for _, x := range p.Extra {
		b.WriteString(" left " + x.Key.Name)
	}
	for _, x := range p.Problems {
		b.WriteString(" problem " + x.Message)
	}
	return b.String()
}

func mapOf(name, value string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {v: \"" + value + "\"}\n"
}

func homes() map[string]string {
	return map[string]string{
		"apps": "api web\n", "web/a.yaml": mapOf("a", "1"), "web/b.yaml": mapOf("b", "1"), "web/moving.yaml": mapOf("moving", "1"), "api/c.yaml": mapOf("c", "1"),
	}
}

// A plan of a branch tells what merging it would do, and not what came since
// it parted.
func TestPlanOfABranch(t *testing.T) {
	t.Parallel()
	e := newEstate(t, homes())
	e.repo.CommitTo("feature", map[string]string{"web/a.yaml": mapOf("a", "2"), "web/new.yaml": mapOf("new", "1"), "web/moving.yaml": gittest.Remove})
	e.repo.Branch("main")
	before := e.head
	e.head = e.repo.Commit(map[string]string{"web/b.yaml": mapOf("b", "2")})
	e.fetched()
	e.settleIn()
	p, err := e.operator.Plan(t.Context(), operate.PlanQuery{App: e.id("web"), Revision: "feature"})
	if err != nil {
		t.Fatal(err)
	}
	if got := planned(p); got != "web: update a create new prune moving" && got != "web: create new update a prune moving" {
		t.Errorf("it is\n%s\n%s", got, p.Text(plan.View{}))
	}
	if p.Unchanged != 1 || !p.Applicable || len(p.Revision) != 40 {
		t.Errorf("it is %+v", p)
	}
	if again, err := e.operator.Plan(t.Context(), operate.PlanQuery{App: e.id("web"), Revision: p.Revision[:10]}); err != nil || again.Hash != p.Hash {
		t.Errorf("by its commit it is another one: %s, %v", planned(again), err)
	}
	if now, err := e.operator.Plan(t.Context(), operate.PlanQuery{App: e.id("web")}); err != nil || !now.InLine() || now.Unchanged != 3 {
		t.Errorf("as it is declared now it is %s, %v", planned(now), err)
	}
	if back, err := e.operator.Plan(t.Context(), operate.PlanQuery{App: e.id("web"), Revision: before}); err != nil || planned(back) != "web: update b" {
		t.Errorf("of the commit before it is %s, %v", planned(back), err)
	}
}

func TestPlansThatCantBeMade(t *testing.T) {
	t.Parallel()
	e := newEstate(t, homes())
	e.repo.CommitTo("both", map[string]string{"web/a.yaml": mapOf("a", "2")})
	e.repo.Branch("main")
	e.head = e.repo.Commit(map[string]string{"web/a.yaml": mapOf("a", "3")})
	e.repo.CommitTo("broken", map[string]string{"web/a.yaml": "{not yaml"})
	e.fetched()
	var refusal *status.Refusal
	_, err := e.operator.Plan(t.Context(), operate.PlanQuery{App: e.id("web"), Revision: "both"})
	if !errors.As(err, &refusal) || refusal.Kind != status.Moved || !strings.Contains(err.Error(), "web/a.yaml") {
		t.Errorf("what both changed: %v", err)
	}
	_, err = e.operator.Plan(t.Context(), operate.PlanQuery{App: e.id("web"), Revision: "no-such-branch"})
	if !errors.As(err, &refusal) || refusal.Kind != status.NotThere {
		t.Errorf("what isn't there: %v", err)
	}
	if _, err = e.operator.Plan(t.Context(), operate.PlanQuery{App: e.id("nobody")}); err == nil {
		t.Error("an App that isn't declared has a plan")
	}
	p, err := e.operator.Plan(t.Context(), operate.PlanQuery{App: e.id("web"), Revision: "broken"})
	if err != nil || p.Complete || len(p.Problems) != 1 || !strings.Contains(p.Problems[0].Message, "web/a.yaml") {
		t.Errorf("what can't be rendered: %s, %v", planned(p), err)
	}
}

// A revision may change an App, add one, take one away, and hand objects over.
func TestPlansOfARevision(t *testing.T) {
	t.Parallel()
	e := newEstate(t, homes())
	e.repo.CommitTo("feature", map[string]string{
		"apps": "web fresh\n", "web/a.yaml": mapOf("a", "2"), "web/moving.yaml": "# gone\n", "fresh/moving.yaml": mapOf("moving", "1"), "fresh/x.yaml": mapOf("x", "1"),
	})
	e.repo.CommitTo("readme", map[string]string{"README.md": "hello"})
	plans, err := e.operator.PlansOf(t.Context(), "feature")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range plans {
		got = append(got, planned(p))
	}
	want := []string{"api: prune c", "fresh: update moving create x", "web: update a left moving"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("they are\n%s", strings.Join(got, "\n"))
	}
	if _, live := e.Live(object.Key{Kind: "ConfigMap", Namespace: e.namespace, Name: "x"}); live {
		t.Error("a plan has made something")
	}
	e.repo.Branch("main")
	e.repo.CommitTo("web-only", map[string]string{"web/a.yaml": mapOf("a", "2")})
	if plans, err = e.operator.PlansOf(t.Context(), "web-only"); err != nil || len(plans) != 1 || planned(plans[0]) != "web: update a" {
		t.Errorf("a change of one App's file makes %d plans, %v", len(plans), err)
	}
}

func TestPlanTellsWhatNobodyDeclares(t *testing.T) {
	t.Parallel()
	e := newEstate(t, homes())
	client, err := dynamic.NewForConfig(controlplanetest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	hand := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "hand"}, "data": map[string]any{"x": "y"}}}
	maps := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(e.namespace)
	if _, err := maps.Create(t.Context(), hand, metav1.CreateOptions{FieldManager: "kubectl-create"}); err != nil {
		t.Fatal(err)
	}
	for revision, want := range map[string]string{"": "web: left hand", "main": "web: left hand"} {
		p, err := e.operator.Plan(t.Context(), operate.PlanQuery{App: e.id("web"), Revision: revision, Undeclared: true})
		if err != nil || planned(p) != want || !p.InLine() {
			t.Errorf("at %q it is %s, %v", revision, planned(p), err)
		}
	}
	e.operator.Explorer = nil
	if _, err := e.operator.Plan(t.Context(), operate.PlanQuery{App: e.id("web"), Undeclared: true}); err == nil {
		t.Error("a target that can't tell tells")
	}
}

func TestCompareTwoApps(t *testing.T) {
	t.Parallel()
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: keys-APP}\nstringData: {same: x}\n"
	e := newEstate(t, map[string]string{"apps": "web\n", "web/a.yaml": mapOf("a", "1"), "web/s.yaml": strings.Replace(secret, "APP", "web", 1)})
	e.head = e.repo.Commit(map[string]string{"apps": "web api\n", "api/a.yaml": mapOf("a", "5")})
	e.fetched()
	c, err := e.operator.Compare(t.Context(), e.id("web"), e.id("api"))
	if err != nil || len(c.Fields) != 1 || c.Fields[0].Path != "data.v" || len(c.OnlyA) != 1 || len(c.OnlyB) != 0 {
		t.Errorf("they differ in %+v, %v", c, err)
	}
}
