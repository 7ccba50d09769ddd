package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// fleet is a repository that declares Apps, the daemon that follows it, and the cluster that is held to it.
type fleet struct {
	t         testing.TB
	cluster   *cluster
	namespace string // of the Apps, and of their objects unless they say otherwise; no other test has it
	repo      *gittest.Repo
	root      string         // what the daemon is told to follow
	tolerated *regexp.Regexp // errors of attempts that are part of the test; nil means none
	served    bool           // over HTTP, so that the daemon has to be told of a push
	data      string
	more      []string // further arguments of the daemon
	daemon    *daemon
	commits   []string // those that were made, the oldest first; people's name of the first is c1
	said      declared // what Git said when it was last worked out
	told      int64    // the newest release that a step has accounted for
}

// newFleet makes a fleet with an empty repository on this machine, and no daemon yet.
func newFleet(t testing.TB, plane *controlplanetest.Plane) *fleet {
	t.Helper()
	f := &fleet{t: t, cluster: newCluster(t, plane), namespace: plane.Namespace(t), repo: gittest.NewRepo(t), data: filepath.Join(t.TempDir(), "data")}
	f.root = f.repo.Dir
	return f
}

// serveHTTP makes the daemon follow the repository over HTTP.
func (f *fleet) serveHTTP() *gittest.Server {
	server := f.repo.ServeHTTP()
	f.root, f.served = server.Repo(f.repo), true
	return server
}

// start starts the daemon, which ends well when the test does.
func (f *fleet) start() {
	f.t.Helper()
	first := f.daemon == nil
	f.daemon = startDaemon(f.t, f.data, f.args()...)
	if !first {
		return
	}
	f.t.Cleanup(func() {
		if f.daemon.running() {
			f.daemon.stop()
		}
		f.daemon.sound()
		if f.t.Failed() {
			f.t.Log(f.daemon.tail())
		}
	})
}

// args is what the daemon is told.
func (f *fleet) args() []string {
	return append([]string{"--root", f.root, "--kubeconfig", f.cluster.plane.Kubeconfig()}, f.more...)
}

// restart stops the daemon and starts it again.
func (f *fleet) restart() {
	f.t.Helper()
	f.daemon.stop()
	f.start()
}

// app is the declaration of an App that delivers the folder of its name. More are further lines of its spec.
func (f *fleet) app(name string, more ...string) string {
	return f.appFrom(name, "path: "+name, more...)
}

// appFrom is the declaration of an App with any source.
func (f *fleet) appFrom(name, source string, more ...string) string {
	text := fmt.Sprintf("apiVersion: plumb.dev/v1alpha1\nkind: App\nmetadata: {name: %s, namespace: %s}\nspec:\n  source: {%s}\n", name, f.namespace, source)
	for _, line := range more {
		text += "  " + line + "\n"
	}
	return text
}

// commit adds a commit with these files, and tells its name: c1, c2 and so on. Content is as in package gittest.
func (f *fleet) commit(files map[string]string) string {
	f.t.Helper()
	return f.push(f.repo.Commit(files))
}

// push makes a commit known: to the test by its name, and to the daemon, unless it sees for itself.
func (f *fleet) push(commit string) string {
	f.t.Helper()
	f.commits = append(f.commits, commit)
	if f.served && f.daemon != nil && f.daemon.running() {
		f.daemon.hook(f.root)
	}
	return f.nameOf(commit)
}

// file is the content of a file at the newest commit.
func (f *fleet) file(path string) string {
	f.t.Helper()
	return f.repo.Git("show", f.repo.Head()+":"+path) + "\n"
}

// edited is a file of the newest commit with something replaced, for a commit. There must be something to replace.
func (f *fleet) edited(path, pattern, replacement string) map[string]string {
	f.t.Helper()
	before := f.file(path)
	after := regexp.MustCompile(pattern).ReplaceAllString(before, replacement)
	if before == after {
		f.t.Fatalf("%s: nothing matches %s", path, pattern)
	}
	return map[string]string{path: after}
}

// nameOf is people's name of a commit.
func (f *fleet) nameOf(commit string) string {
	if i := slices.Index(f.commits, commit); i >= 0 {
		return fmt.Sprintf("c%d", i+1)
	}
	return "unknown commit " + commit
}

// inLine waits until the daemon says that all that Git declares is delivered and healthy, and checks that it is so: the cluster is exactly what
// Git says, but for these differences. It returns what Git says.
func (f *fleet) inLine(but ...string) declared {
	f.t.Helper()
	d := f.says()
	until(f.t, func() string { return f.unsettled(d) })
	if diff := cmp.Diff(but, f.cluster.differs(f.t, d, f.namespace)); diff != "" {
		f.t.Fatalf("the daemon says that all is in line, but it is not (-want +got)\n%s", diff)
	}
	return d
}

// says is what Git says now. It is worked out once for each state of the repository.
func (f *fleet) says() declared {
	f.t.Helper()
	if refs := f.repo.Git("for-each-ref"); f.said.refs != refs {
		f.said = declaredAt(f.t, f.repo, f.repo.Git("rev-parse", "HEAD"))
		f.said.refs = refs
	}
	return f.said
}

// unsettled says what of the fleet is not yet as Git says, by the daemon's own account.
func (f *fleet) unsettled(d declared) string {
	f.t.Helper()
	if !f.daemon.running() {
		f.t.Fatalf("the daemon ended: %s\n%s", f.daemon.cmd.ProcessState, f.daemon.tail())
	}
	root, err := f.daemon.client.Root(f.t.Context())
	if err != nil {
		return err.Error()
	}
	if root.Revision != d.head || len(root.Problems) > 0 {
		return fmt.Sprintf("the root stands at %s (%v), not at %s", f.nameOf(root.Revision), root.Problems, f.nameOf(d.head))
	}
	apps, err := f.daemon.client.Apps(f.t.Context(), client.Filter{})
	if err != nil {
		return err.Error()
	}
	if what := unsettledApps(apps, d); what != "" {
		return what
	}
	running, err := f.daemon.client.Releases(f.t.Context(), history.Query{Outcome: release.Running})
	if err != nil {
		return err.Error()
	}
	for _, r := range running {
		return fmt.Sprintf("release %d of %s is still running", r.ID, r.App)
	}
	return ""
}

// unsettledApps says which of the declared Apps is missing or not in line and healthy, or which should not be there.
func unsettledApps(apps []status.App, d declared) string {
	undelivered := maps.Clone(d.apps)
	for _, app := range apps {
		commit, declared := undelivered[app.ID()]
		switch {
		case !declared:
			return fmt.Sprintf("%s should not be there: %s", app.ID(), app.Message)
		case app.Sync != status.Synced, !health.Enough(app.Health), app.Revision != commit, app.Source.Newest != commit:
			return fmt.Sprintf("%s is %s, %s, at %.8s of %.8s, not at %.8s: %s", app.ID(), app.Sync, app.Health, app.Revision, app.Source.Newest, commit, app.Message)
		}
		delete(undelivered, app.ID())
	}
	for id := range undelivered {
		return id + " is not there"
	}
	return ""
}

// status is how one App stands, by the daemon's own account; it is empty while the daemon does not know the App.
func (f *fleet) status(app string) status.App {
	f.t.Helper()
	apps, err := f.daemon.client.Apps(f.t.Context(), client.Filter{Namespace: f.namespace})
	if err != nil {
		f.t.Fatal(err)
	}
	if i := slices.IndexFunc(apps, func(s status.App) bool { return s.Name == app }); i >= 0 {
		return apps[i]
	}
	return status.App{}
}

// awaitStatus waits until an App stands as wanted.
func (f *fleet) awaitStatus(app, what string, wanted func(status.App) bool) status.App {
	f.t.Helper()
	var s status.App
	until(f.t, func() string {
		if s = f.status(app); s.Name != "" && wanted(s) {
			return ""
		}
		return fmt.Sprintf("%s is not %s: %s, %s, failures %d: %s (source: %s)", app, what, s.Sync, s.Health, s.Failures, s.Message, s.Source.Error)
	})
	return s
}

// key is the key of an object in the fleet's namespace. The kind is Kind or Kind.group.
func (f *fleet) key(kind, name string) object.Key {
	kind, group, _ := strings.Cut(kind, ".")
	return object.Key{Group: group, Kind: kind, Namespace: f.namespace, Name: name}
}

// live reads an object that must be there.
func (f *fleet) live(key object.Key) *unstructured.Unstructured {
	f.t.Helper()
	o := f.cluster.at(f.t, key)
	if o == nil {
		f.t.Fatalf("%s is not there", key)
	}
	return o
}

// configMap is a manifest. Data is KEY, VALUE and so on.
func configMap(name string, data ...string) string {
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata:\n"
	for i := 0; i+1 < len(data); i += 2 {
		text += fmt.Sprintf("  %s: %q\n", data[i], data[i+1])
	}
	return text
}

// folder reads the files below a folder of this machine, for a commit: name them as they are below prefix.
func folder(t testing.TB, dir, prefix string) map[string]string {
	t.Helper()
	files := map[string]string{}
	if err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(dir, path)
		files[filepath.ToSlash(filepath.Join(prefix, below))] = string(text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

// together puts several commits' files into one.
func together(commits ...map[string]string) map[string]string {
	all := map[string]string{}
	for _, files := range commits {
		maps.Copy(all, files)
	}
	return all
}
