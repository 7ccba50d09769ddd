package deliver_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/deliver"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/history/sqlite"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/render/helm"
	"plumb.dev/plumb/internal/render/plain"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target/kube"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/tree/treetest"
)

func TestMain(m *testing.M) { controlplanetest.Main(m) }

const (
	// patience is for whatever comes sooner or later, on a machine that has other work.
	patience = 2 * time.Minute
	// brief is the time for health of an App that has to run out of it: what is sound takes less.
	brief = 5 * time.Second
)

// repository is a source in memory: one repository, whose commits are numbers.
type repository struct {
	mu      sync.Mutex
	commits []map[string]string
}

func (r *repository) Follow(map[source.Ref]time.Duration) {}
func (r *repository) Refresh(string) int                  { return 0 }
func (r *repository) Heads() <-chan source.Head           { return nil }
func (r *repository) Diff(_, _, _ string) ([]tree.Change, error) {
	return nil, fmt.Errorf("is not asked here")
}

func (r *repository) Tree(_, commit string) (tree.Tree, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var n int
	if _, err := fmt.Sscanf(commit, "%040d", &n); err != nil {
		return tree.Tree{}, err
	}
	return treetest.New(r.commits[n]), nil
}

// fleet is an engine over the repository and a namespace of a real cluster.
type fleet struct {
	*deliver.Engine
	t         *testing.T
	repo      *repository
	history   *sqlite.Store
	ref       source.Ref
	namespace string
	files     map[string]string
	live      dynamic.Interface
	stop      func()
	data      string
	root      string
	lookEvery time.Duration
	now       func() time.Time
	past      source.Past
	rollback  func(context.Context, string, release.Release) (status.RolledBack, error)
}

type silent struct{}

func (silent) Released(release.Release)            {}
func (silent) Rendered(time.Duration, bool, error) {}
func (silent) Corrected(string, int)               {}
func (silent) Missed(string, int)                  {}
func (silent) Panicked(string)                     {}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	live, err := dynamic.NewForConfig(controlplanetest.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, repo: &repository{}, namespace: controlplanetest.Namespace(t), files: map[string]string{}, live: live, data: t.TempDir()}
	f.ref = source.Ref{URL: "memory://" + f.namespace, Branch: "main"}
	f.root = f.ref.URL
	f.start()
	t.Cleanup(func() { f.stop() })
	return f
}

// open opens the history.
func (f *fleet) open() *sqlite.Store {
	f.t.Helper()
	store, _, err := sqlite.Open(f.t.Context(), sqlite.Options{Path: filepath.Join(f.data, "history.db")})
	if err != nil {
		f.t.Fatal(err)
	}
	return store
}

// start starts an engine, as a daemon that comes up does.
func (f *fleet) start() {
	f.t.Helper()
	store := f.open()
	cluster, err := kube.New(controlplanetest.Config(f.t), kube.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.t.Context()))
	watching, stopWatching := context.WithCancel(ctx)
	cluster.Run(watching)
	f.history = store
	f.Engine = deliver.New(deliver.Parts{
		Source: f.repo, Past: f.past, Renderer: render.Set{helm.New(), plain.Renderer{}}, Target: cluster, History: store,
		Root: f.root, RootRef: f.ref, LookEvery: f.lookEvery, Now: f.now, Rollback: f.rollback, Log: slog.New(slog.DiscardHandler), Observe: silent{},
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := f.Run(ctx); err != nil {
			f.t.Error(err)
		}
	}()
	f.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
		stopWatching()
		cluster.Wait()
		if err := store.Close(); err != nil {
			f.t.Error(err)
		}
	})
}

// commit changes files ("" removes one) and tells the engine.
func (f *fleet) commit(files map[string]string) string {
	f.t.Helper()
	for name, content := range files {
		f.files[name] = content
		if content == "" {
			delete(f.files, name)
		}
	}
	return f.tell(f.store())
}

// store makes a commit of the files.
func (f *fleet) store() (n int) {
	f.repo.mu.Lock()
	defer f.repo.mu.Unlock()
	f.repo.commits = append(f.repo.commits, maps.Clone(f.files))
	return len(f.repo.commits) - 1
}

func (f *fleet) news(n int) deliver.News {
	revision := release.Revision{Commit: fmt.Sprintf("%040d", n), Author: "Ada <ada@example.com>", Message: "change"}
	return deliver.News{Head: source.Head{Ref: f.ref, Revision: revision}}
}

func (f *fleet) tell(n int) string {
	news := f.news(n)
	f.Tell(news)
	return news.Head.Revision.Commit
}

// app is a declaration of one folder.
func (f *fleet) app(name string, change ...func(*v1alpha1.App)) deliver.Declaration {
	app := v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: name}}
	app.Spec.Source.Git = &v1alpha1.Git{URL: f.ref.URL, Branch: f.ref.Branch}
	app.Spec.Source.Path = name
	app.Spec.Source.Every.Duration = time.Minute
	app.Spec.Target.Namespace = f.namespace
	app.Spec.Health.Timeout.Duration = time.Minute
	for _, c := range change {
		c(&app)
	}
	return deliver.Declaration{App: app, Origin: object.Origin{File: name + ".yaml", Line: 1}}
}

func (f *fleet) declare(settled bool, apps ...deliver.Declaration) {
	at := release.Revision{Commit: "root", Author: "Root <root@example.com>"}
	f.Tell(deliver.News{Declared: &deliver.Declared{Apps: apps, Settled: settled, At: at}})
}

// until waits for an App to stand as wanted.
func (f *fleet) until(name, what string, holds func(status.App) bool) status.App {
	f.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		d, err := f.Detail(f.t.Context(), f.namespace+"/"+name)
		if err == nil && holds(d.App) {
			return d.App
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s never came to be %s: %+v (%v)", name, what, d, err)
		}
		f.tick()
	}
}

// tick lets a little time pass on the server's side: one request.
func (f *fleet) tick() {
	if _, err := f.maps().Get(f.t.Context(), "none", metav1.GetOptions{}); err == nil {
		f.t.Fatal("there is a ConfigMap named none")
	}
}

func (f *fleet) synced(name, commit string) status.App {
	f.t.Helper()
	return f.until(name, "in line at "+commit, func(s status.App) bool {
		return s.Sync == status.Synced && s.Health == status.Healthy && s.Revision == commit
	})
}

func (f *fleet) maps() dynamic.ResourceInterface {
	return f.live.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(f.namespace)
}

// live is one field of a ConfigMap, or false when it isn't there.
func (f *fleet) color(name string) (string, bool) {
	f.t.Helper()
	u, err := f.maps().Get(f.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		return "", false
	}
	color, _, err := unstructured.NestedString(u.Object, "data", "color")
	if err != nil {
		f.t.Fatal(err)
	}
	return color, true
}

func (f *fleet) untilColor(name, want string) {
	f.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		got, _ := f.color(name)
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s is %q, want %q; the Apps stand as %+v", name, got, want, f.Apps())
		}
	}
}

func (f *fleet) releases(name string) []release.Release {
	f.t.Helper()
	list, err := f.history.List(f.t.Context(), history.Query{App: f.namespace + "/" + name})
	if err != nil {
		f.t.Fatal(err)
	}
	slices.Reverse(list)
	return list
}

// settled are an App's releases, once the newest has ended.
func (f *fleet) settledReleases(name string, n int) []release.Release {
	f.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		list := f.releases(name)
		if len(list) == n && list[n-1].Outcome == release.Succeeded {
			return list
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("want %d releases, the last one succeeded: %+v", n, list)
		}
		f.tick()
	}
}

func paint(name, color string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {color: %s}\n", name, color)
}

func TestACommitReachesTheCluster(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/b.yaml": paint("b", "blue")})
	f.synced("one", first)
	second := f.commit(map[string]string{"one/a.yaml": paint("a", "red"), "one/b.yaml": ""})
	f.synced("one", second)
	if got, _ := f.color("a"); got != "red" {
		t.Errorf("a is %q", got)
	}
	if _, there := f.color("b"); there {
		t.Error("b was not pruned")
	}
	list := f.settledReleases("one", 2)
	if list[0].Trigger != release.TriggerDeclaration && list[0].Trigger != release.TriggerCommit {
		t.Errorf("the first release was triggered by %s", list[0].Trigger)
	}
	if list[1].Trigger != release.TriggerCommit || list[1].Revision.Commit != second || len(list[1].Changes) != 2 {
		t.Errorf("the second release is %+v", list[1])
	}
	third := f.commit(map[string]string{"one/notes.txt": "nothing that is applied"})
	f.synced("one", third)
	f.settledReleases("one", 2) // a commit that changes no object is no release
}

// Who waits for news sees all that one event brought.
func TestNewsIsToldWhenAllOfItIsThere(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	for n := 1; n <= 20; n++ {
		var all []deliver.Declaration
		for i := range n {
			all = append(all, f.app(fmt.Sprint("app-", i)))
		}
		news := f.Changed()
		f.declare(true, all...)
		<-news
		if got := len(f.Apps()); got != n {
			t.Fatalf("of %d Apps that one commit declares %d are there", n, got)
		}
	}
}

func TestAnObjectIsHandedOverWithoutBeingDeleted(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"), f.app("two"))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/b.yaml": paint("b", "blue"), "two/c.yaml": paint("c", "blue")})
	f.synced("one", first)
	f.synced("two", first)
	before, err := f.maps().Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	second := f.commit(map[string]string{"one/a.yaml": "", "two/a.yaml": paint("a", "blue")})
	f.synced("one", second)
	f.synced("two", second)
	after, err := f.maps().Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if before.GetUID() != after.GetUID() {
		t.Error("the object was deleted and made again")
	}
	if got := after.GetLabels()[object.LabelApp]; got != object.AppLabel(f.namespace+"/two") {
		t.Errorf("it belongs to %s now", got)
	}
}

func TestTwoAppsThatDeclareOneObject(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"), f.app("two"))
	f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "two/a.yaml": paint("a", "red"), "two/b.yaml": paint("b", "red")})
	s := f.until("two", "refused one object", func(s status.App) bool {
		return strings.Contains(s.Message, "is declared by the Apps") && s.Sync == status.OutOfSync
	})
	if !strings.Contains(s.Message, f.namespace+"/one") || !strings.Contains(s.Message, f.namespace+"/two") || !strings.Contains(s.Message, "two/a.yaml:1") {
		t.Errorf("the message names not both, or not where: %s", s.Message)
	}
	f.untilColor("a", "blue")
	f.untilColor("b", "red")
	third := f.commit(map[string]string{"one/a.yaml": "", "one/z.yaml": paint("z", "blue")})
	f.synced("two", third)
	f.untilColor("a", "red")
}

func TestNothingRenderedPrunesNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	f.synced("one", first)
	f.commit(map[string]string{"one/a.yaml": "# nothing here\n"})
	s := f.until("one", "kept", func(s status.App) bool { return strings.Contains(s.Message, "declares no object at all") })
	if _, there := f.color("a"); !there {
		t.Error("an empty render pruned everything")
	}
	_ = s
	f.declare(true, f.app("one", func(a *v1alpha1.App) { a.Spec.Sync.AllowEmpty = true }))
	f.untilGone("a")
}

func (f *fleet) untilGone(name string) {
	f.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		if _, there := f.color(name); !there {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s is still there", name)
		}
	}
}

func TestPruneNeverKeepsAnObject(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	kept := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: k, annotations: {plumb.dev/prune: never}}\ndata: {color: blue}\n"
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/k.yaml": kept})
	f.synced("one", first)
	second := f.commit(map[string]string{"one/k.yaml": ""})
	s := f.synced("one", second)
	if !strings.Contains(s.Message, "plumb.dev/prune is never") {
		t.Errorf("what is kept is not told: %q", s.Message)
	}
	if _, there := f.color("k"); !there {
		t.Error("it was pruned")
	}
}

func TestARemovedAppIsPrunedAlsoWhenNobodyWatched(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"), f.app("two"), f.app("three"))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "two/b.yaml": paint("b", "blue"), "three/c.yaml": paint("c", "blue")})
	for _, name := range []string{"one", "two", "three"} {
		f.synced(name, first)
	}
	f.declare(true, f.app("two"), f.app("three"))
	f.untilGone("a")
	f.stop()
	f.start()
	f.declare(false, f.app("three"))
	f.tell(0)
	f.synced("three", first)
	if _, there := f.color("b"); !there {
		t.Error("an App was pruned though a mistake in the root may hide it")
	}
	f.declare(true, f.app("three"))
	f.untilGone("b")
}

func TestARestartChangesNothingAndRecordsNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	f.synced("one", first)
	f.settledReleases("one", 1)
	before, _ := f.maps().Get(t.Context(), "a", metav1.GetOptions{})
	f.stop()
	f.start()
	f.declare(true, f.app("one"))
	f.tell(0)
	f.synced("one", first)
	f.settledReleases("one", 1)
	after, _ := f.maps().Get(t.Context(), "a", metav1.GetOptions{})
	if before.GetResourceVersion() != after.GetResourceVersion() {
		t.Error("a restart wrote to an object that was in line")
	}
}

func TestOneBadObjectHidesNoOther(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.commit(map[string]string{
		"one/a.yaml":   paint("a", "blue"),
		"one/bad.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 99999}]}\n",
		"one/new.yaml": "apiVersion: v1\nkind: Gizmo\nmetadata: {name: g}\n",
	})
	f.untilColor("a", "blue")
	s := f.until("one", "telling of the unknown kind", func(s status.App) bool { return strings.Contains(s.Message, "serves no Gizmo") })
	if s.Sync == status.Synced || !strings.Contains(s.Message, "one/new.yaml:1") {
		t.Errorf("the App stands as %+v", s)
	}
	second := f.commit(map[string]string{"one/new.yaml": ""})
	s = f.until("one", "telling of the refused object", func(s status.App) bool { return strings.Contains(s.Message, "99999") })
	if s.Failures == 0 || s.RetryAt.IsZero() || s.Sync != status.OutOfSync {
		t.Errorf("the App stands as %+v", s)
	}
	third := f.commit(map[string]string{"one/bad.yaml": ""})
	f.synced("one", third)
	_ = second
}

func TestDependenciesComeFirst(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	needs := func(name string) func(*v1alpha1.App) {
		return func(a *v1alpha1.App) {
			a.Spec.DependsOn = []v1alpha1.Dependency{{Name: name, Namespace: f.namespace}}
		}
	}
	f.declare(true,
		f.app("base"), f.app("top", needs("base")), f.app("lost", needs("nobody")), f.app("x", needs("y")), f.app("y", needs("x")),
	)
	files := map[string]string{"base/a.yaml": "not: [yaml"}
	for _, name := range []string{"top", "lost", "x", "y"} {
		files[name+"/c.yaml"] = paint(name, "blue")
	}
	f.commit(files)
	f.until("top", "waiting", func(s status.App) bool { return strings.Contains(s.Message, "waits for "+f.namespace+"/base") })
	f.until("lost", "waiting in vain", func(s status.App) bool { return strings.Contains(s.Message, "which is not declared") })
	f.until("x", "in a circle", func(s status.App) bool { return strings.Contains(s.Message, "dependsOn goes in a circle") })
	if _, there := f.color("top"); there {
		t.Error("an App did not wait for what it depends on")
	}
	second := f.commit(map[string]string{"base/a.yaml": paint("base", "blue")})
	f.synced("base", second)
	f.synced("top", second)
}

func TestTheNewestCommitWins(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	var last string
	for i := range 30 {
		last = f.commit(map[string]string{"one/a.yaml": paint("a", fmt.Sprintf("c%d", i))})
	}
	f.synced("one", last)
	if got, _ := f.color("a"); got != "c29" {
		t.Errorf("a is %q", got)
	}
	for _, r := range f.releases("one") {
		if r.Outcome == release.Failed {
			t.Errorf("release %d failed: %s", r.ID, r.Reason)
		}
	}
}

func TestAPanicStaysWithItsApp(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.repo.commits = append(f.repo.commits, nil) // a tree that can't be had: index out of range below
	f.declare(true, f.app("one"))
	f.tell(99)
	s := f.until("one", "telling of the panic", func(s status.App) bool { return strings.Contains(s.Message, "please report it") })
	if s.Sync != status.Unknown {
		t.Errorf("the App stands as %+v", s)
	}
	commit := f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	f.synced("one", commit)
}

func TestValidateFirstAppliesNothingWhereOneIsRefused(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one", func(a *v1alpha1.App) { a.Spec.Sync.Validate = v1alpha1.ValidateFirst }))
	f.commit(map[string]string{
		"one/a.yaml":   paint("a", "blue"),
		"one/bad.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 99999}]}\n",
	})
	f.until("one", "refused", func(s status.App) bool { return strings.Contains(s.Message, "99999") && s.Failures > 0 })
	if _, there := f.color("a"); there {
		t.Error("an object was applied though another one is refused")
	}
	second := f.commit(map[string]string{"one/bad.yaml": ""})
	f.synced("one", second)
}

func TestABrokenCommitIsRecordedAsFailed(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.commit(map[string]string{"one/a.yaml": paint("a", "blue")})
	f.settledReleases("one", 1)
	broken := f.commit(map[string]string{"one/a.yaml": "not: [yaml"})
	f.until("one", "telling of the mistake", func(s status.App) bool { return strings.Contains(s.Message, "one/a.yaml:1") })
	f.stop()
	f.start() // it is known from before, and not recorded again
	f.declare(true, f.app("one"))
	f.tell(1)
	f.until("one", "telling of the mistake", func(s status.App) bool { return strings.Contains(s.Message, "one/a.yaml:1") })
	mended := f.commit(map[string]string{"one/a.yaml": paint("a", "red")})
	f.synced("one", mended)
	list := f.settledReleases("one", 3)
	if r := list[1]; r.Outcome != release.Failed || r.Revision.Commit != broken || r.Finished.IsZero() || !strings.Contains(r.Reason, "one/a.yaml:1") {
		t.Errorf("the broken commit is recorded as %+v", r)
	}
}

func TestAReleaseWithAnUnknownKindDoesNotSucceed(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/g.yaml": "apiVersion: v1\nkind: Gizmo\nmetadata: {name: g}\n"})
	f.untilColor("a", "blue")
	f.until("one", "telling of the kind", func(s status.App) bool { return strings.Contains(s.Message, "serves no Gizmo") })
	list, deadline := f.releases("one"), time.Now().Add(20*time.Second) // what happened is written down beside the engine
	for len(list) != 1 || list[0].Outcome != release.Failed || !strings.Contains(list[0].Reason, "Gizmo") {
		if time.Now().After(deadline) {
			t.Fatalf("the releases are %+v", list)
		}
		f.tick()
		list = f.releases("one")
	}
	f.synced("one", f.commit(map[string]string{"one/g.yaml": ""}))
}

// What is told right after a sync was asked for is not what failed before it.
func TestASyncIsTriedBeforeItIsJudged(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.commit(map[string]string{"one/a.yaml": fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: %s-none}\n", f.namespace)})
	before := f.until("one", "failing", func(s status.App) bool { return s.Failures > 0 })
	id := f.namespace + "/one"
	for range 3 {
		if err := f.Sync(t.Context(), id, "ana"); err != nil {
			t.Fatal(err)
		}
		if shown := f.Apps()[0]; !shown.Syncing && shown.Failures <= before.Failures {
			t.Errorf("it failed %d times before and %d times after the sync, which counts as over", before.Failures, shown.Failures)
		}
		after := f.until("one", "through with its sync", func(s status.App) bool { return !s.Syncing })
		if after.Failures <= before.Failures {
			t.Errorf("it failed %d times before and %d times after the sync, which is over", before.Failures, after.Failures)
		}
		before = after
	}
	f.synced("one", f.commit(map[string]string{"one/a.yaml": paint("a", "blue")}))
}

func TestARemovalNamesWhoRemovedTheApp(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"), f.app("two"))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "two/b.yaml": paint("b", "blue")})
	f.synced("one", first)
	f.settledReleases("one", 1)
	f.declare(true, f.app("two"))
	f.untilGone("a")
	r := f.settledReleases("one", 2)[1]
	if r.Trigger != release.TriggerRemoval || r.Revision.Commit != "root" || r.Actor != "Root <root@example.com>" {
		t.Errorf("the removal is recorded as %+v", r)
	}
}

// An App that is declared by the commit that also moves objects to it is
// rendered later than the App that they leave; they must wait for it.
func TestObjectsMoveToANewAppWithoutBeingDeleted(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	first := f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/b.yaml": paint("b", "blue")})
	f.synced("one", first)
	before, err := f.maps().Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f.files["two/a.yaml"] = paint("a", "blue")
	delete(f.files, "one/a.yaml")
	news := f.news(f.store())
	news.Declared = &deliver.Declared{Apps: []deliver.Declaration{f.app("one"), f.app("two")}, Settled: true}
	f.Tell(news)
	f.synced("two", news.Head.Revision.Commit)
	f.synced("one", news.Head.Revision.Commit)
	after, err := f.maps().Get(t.Context(), "a", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if before.GetUID() != after.GetUID() {
		t.Error("the object was deleted and made again")
	}
}

func TestALostMemoryChangesNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	f.declare(true, f.app("one"))
	f.commit(map[string]string{"one/a.yaml": paint("a", "blue"), "one/b.yaml": paint("b", "blue")})
	second := f.commit(map[string]string{"one/b.yaml": paint("b", "red")})
	f.synced("one", second)
	before, _ := f.maps().Get(t.Context(), "a", metav1.GetOptions{})
	f.stop()
	f.data = t.TempDir()
	f.start()
	f.declare(true, f.app("one"))
	f.tell(1)
	f.synced("one", second)
	after, _ := f.maps().Get(t.Context(), "a", metav1.GetOptions{})
	if before.GetResourceVersion() != after.GetResourceVersion() || len(f.releases("one")) != 0 {
		t.Errorf("a daemon that lost its memory wrote to what is in line, or recorded %+v", f.releases("one"))
	}
}
