package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/status"
)

// A daemon that comes up where all is in line leaves the cluster and the history as they are, also when it has lost all that it knew.
func TestRestartWritesNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	files := folder(t, "testdata/guestbook", "guestbook")
	f.commit(together(files, folder(t, "testdata/extras", "extras"), map[string]string{
		"apps/guestbook.yaml": f.app("guestbook"), "apps/extras.yaml": f.app("extras"),
		"apps/other.yaml": f.app("other"), "other/a.yaml": configMap("a", "x", "1"),
	}))
	f.start()
	f.step("guestbook declaration c1 by Ada Author: 6 changes = Succeeded", "extras declaration c1 by Ada Author: 7 changes = Succeeded",
		"other declaration c1 by Ada Author: create ConfigMap/a = Succeeded")

	before := f.versions()
	f.restart()
	f.step()
	f.commit(map[string]string{"other/a.yaml": configMap("a", "x", "2")}) // when this is done, so is all that comes before it
	f.step("other commit c2 by Ada Author: update ConfigMap/a = Succeeded")
	f.unchanged(before)

	f.daemon.kill()
	f.start()
	f.step()
	f.commit(map[string]string{"other/a.yaml": configMap("a", "x", "3")})
	f.step("other commit c3 by Ada Author: update ConfigMap/a = Succeeded")
	f.unchanged(before)

	f.daemon.stop()
	if err := os.RemoveAll(f.data); err != nil {
		t.Fatal(err)
	}
	f.told = 0
	f.start()
	f.step()
	f.commit(map[string]string{"other/a.yaml": configMap("a", "x", "4")})
	f.step("other commit c4 by Ada Author: update ConfigMap/a = Succeeded")
	f.unchanged(before)
}

// versions are the versions of all objects that the daemon holds, but for those of the App other. A controller's writes to a status count as well,
// so what has a status is left out.
func (f *fleet) versions() map[object.Key]string {
	f.t.Helper()
	versions := map[object.Key]string{}
	for key, o := range f.cluster.applied(f.t, f.namespace) {
		if strings.HasSuffix(o.Labels[object.LabelApp], ".other") {
			continue
		}
		for _, e := range o.ManagedFields {
			if e.Manager == object.FieldManager && e.Subresource == "" {
				versions[key] = o.ResourceVersion + " " + e.Time.String()
			}
		}
	}
	return versions
}

// unchanged checks that nothing was written since.
func (f *fleet) unchanged(before map[object.Key]string) {
	f.t.Helper()
	if diff := cmp.Diff(before, f.versions()); diff != "" || len(before) == 0 {
		f.t.Errorf("%d objects were in line, and yet written (-before +after)\n%s", len(before), diff)
	}
}

// Of two daemons that follow one root, one works and the other stands by, and takes over when the first ends, in whatever way.
func TestTwoDaemons(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	f.commit(map[string]string{"apps/one.yaml": f.app("one"), "one/a.yaml": configMap("a", "x", "1")})
	f.start()
	f.step("one declaration c1 by Ada Author: create ConfigMap/a = Succeeded")

	same := launch(t, f.data, f.args()...)
	<-same.ended
	if code := same.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(same.tail(), "is in use by another plumb") {
		t.Errorf("a second daemon in the same data folder ended with %d\n%s", code, same.tail())
	}

	second := *f
	second.data, second.daemon, second.told = f.data+"-of-the-second", nil, 0
	second.start()
	second.awaitStatus("one", "told that another daemon works", func(s status.App) bool { return strings.Contains(s.Message, "another daemon") })
	f.commit(map[string]string{"one/a.yaml": configMap("a", "x", "2")})
	f.step("one commit c2 by Ada Author: update ConfigMap/a = Succeeded")
	second.tells()

	f.daemon.stop()
	second.commits = f.commits
	second.commit(map[string]string{"one/a.yaml": configMap("a", "x", "3")})
	second.step("one commit c3 by Ada Author: update ConfigMap/a = Succeeded")

	f.commits = second.commits
	f.start()
	f.awaitStatus("one", "told that another daemon works", func(s status.App) bool { return strings.Contains(s.Message, "another daemon") })
	second.daemon.kill()
	f.tamperAndAwait(hand{who: "hand", app: "one", object: f.key("ConfigMap", "a"), patch: merge(`{"data":{"x":"tampered"}}`)})
	f.step("one drift c3 by hand: update ConfigMap/a = Succeeded")
}

// What the daemon knows can be asked for, and a sync be waited for, on the command line.
func TestCommands(t *testing.T) {
	t.Parallel()
	f := newFleet(t, controlplanetest.Shared(t))
	f.commit(map[string]string{"apps/one.yaml": f.app("one"), "one/a.yaml": configMap("a", "x", "1")})
	f.start()
	f.step("one declaration c1 by Ada Author: create ConfigMap/a = Succeeded")

	var apps struct{ Items []status.App }
	f.asked(f.daemon.command("get", "apps", "-o", "json"), 0, &apps)
	if len(apps.Items) != 1 || apps.Items[0].Name != "one" || apps.Items[0].Revision != f.repo.Head() || apps.Items[0].Sync != status.Synced {
		t.Errorf("plumb get apps: %+v", apps)
	}
	f.asked(f.daemon.command("sync", "one", "--wait"), 0, nil)
	var releases struct{ Items []release.Release }
	f.asked(f.daemon.command("history", "one", "-o", "json"), 0, &releases)
	if len(releases.Items) != 1 || releases.Items[0].Revision.Commit != f.repo.Head() {
		t.Errorf("plumb history: %+v", releases)
	}
	f.commit(map[string]string{"one/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: 5}\n"}) // a number is no text
	f.awaitStatus("one", "told that the commit is refused", func(s status.App) bool { return s.Failures > 0 })
	refused := f.daemon.command("sync", "one", "--wait")
	if refused.code != 1 || !strings.Contains(refused.out+refused.err, "one/a.yaml") {
		t.Errorf("plumb sync of what is refused ended with %d: %s%s", refused.code, refused.out, refused.err)
	}
	f.commit(map[string]string{"one/a.yaml": configMap("a", "x", "5")})
	f.inLine()
}

// asked checks the exit code of a command, and reads what it printed.
func (f *fleet) asked(a answer, code int, into any) {
	f.t.Helper()
	if a.code != code {
		f.t.Fatalf("the command ended with %d: %s%s", a.code, a.out, a.err)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(a.out), into); err != nil {
		f.t.Fatalf("%v: %s", err, a.out)
	}
}
