package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/history/sqlite"
	"plumb.dev/plumb/internal/object"
)

// pushing runs commands that need no daemon, against a fleet's cluster.
type pushing struct {
	*fleet
	dir string // a folder of manifests that is in no repository
}

func newPushing(t *testing.T) pushing {
	t.Helper()
	f := newFleet(t, controlplanetest.Shared(t))
	dir := filepath.Join(t.TempDir(), "shop")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return pushing{f, dir}
}

// write writes a manifest into the folder.
func (p pushing) write(name, content string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// run runs a command and expects its exit code and texts in what it says.
func (p pushing) run(ctx context.Context, code int, command []string, says ...string) {
	p.t.Helper()
	all := p.runs(ctx, code, command)
	for _, text := range says {
		if !strings.Contains(all, text) {
			p.t.Errorf("plumb %s doesn't say %q:\n%s", strings.Join(command, " "), text, all)
		}
	}
}

// runs runs a command, expects its exit code, and returns all that it says.
func (p pushing) runs(ctx context.Context, code int, command []string) string {
	p.t.Helper()
	binary, err := program()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, binary, append(command, "--kubeconfig", p.cluster.plane.Kubeconfig())...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Dir = filepath.Dir(p.dir)
	cmd.Env = environment()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the exit code tells
	all := stdout.String() + stderr.String()
	if got := cmd.ProcessState.ExitCode(); got != code {
		p.t.Fatalf("plumb %s ended with code %d, not %d:\n%s", strings.Join(command, " "), got, code, all)
	}
	return all
}

func (p pushing) diff(code int, says ...string) {
	p.t.Helper()
	p.run(p.t.Context(), code, []string{"diff", "./shop", "-n", p.namespace}, says...)
}

func (p pushing) apply(code int, more []string, says ...string) {
	p.t.Helper()
	p.run(p.t.Context(), code, append([]string{"apply", "./shop", "-n", p.namespace, "--yes", "--by", "Ada", "--data", p.data}, more...), says...)
}

// on record are the releases that were kept in the data folder.
func (p pushing) recorded() (lines []string) {
	p.t.Helper()
	store, _, err := sqlite.Open(p.t.Context(), sqlite.Options{Path: filepath.Join(p.data, "history.db")})
	if err != nil {
		p.t.Fatal(err)
	}
	defer store.Close()
	releases, err := store.List(p.t.Context(), history.Query{})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, r := range releases {
		lines = append(lines, fmt.Sprint(strings.TrimPrefix(r.App, p.namespace+"/"), " ", r.Trigger, " by ", r.Actor, ": ", len(r.Changes), " ", r.Outcome))
	}
	return lines
}

// A folder is compared, applied and compared again, with the exit codes that a pipeline goes by, and a daemon whose App declares the same takes
// the objects over as they are.
func TestPushAFolder(t *testing.T) {
	t.Parallel()
	p := newPushing(t)
	p.write("a.yaml", configMap("a", "x", "1"))
	p.write("b.yaml", configMap("b", "x", "1"))
	p.diff(2, "+ ConfigMap/a", "2 to create")
	p.apply(0, nil, "created", "is in line and healthy")
	p.diff(0)
	p.apply(0, nil, "is in line and healthy")

	p.write("a.yaml", configMap("a", "x", "2"))
	if err := os.Remove(filepath.Join(p.dir, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	p.diff(2, "data.x")
	p.apply(0, []string{"--prune"}, "updated", "pruned")
	if o := p.cluster.at(t, p.key("ConfigMap", "b")); o != nil {
		t.Error("what the folder doesn't declare any more is still there")
	}
	p.write("bad.yaml", "kind: [broken")
	p.diff(1, "bad.yaml")
	p.apply(1, nil, "bad.yaml")
	p.write("bad.yaml", "# nothing\n")
	p.run(t.Context(), 3, []string{"apply", "shop", "--yes"}, "--root")
	if diff := cmp.Diff([]string{"shop manual by Ada: 2 Succeeded", "shop manual by Ada: 2 Succeeded"}, p.recorded()); diff != "" {
		t.Errorf("on record (-want +got)\n%s", diff)
	}

	before := p.identities([]object.Key{p.key("ConfigMap", "a")})
	p.commit(map[string]string{"apps/web.yaml": p.app("web"), "web/a.yaml": configMap("a", "x", "2")})
	p.data = filepath.Join(t.TempDir(), "other")
	p.start()
	p.step("web declaration c1 by Ada Author: update ConfigMap/a = Succeeded")
	if diff := cmp.Diff(before, p.identities([]object.Key{p.key("ConfigMap", "a")})); diff != "" {
		t.Errorf("the object was made anew (-before +after)\n%s", diff)
	}
}

// An App that was pushed as its root declares it is in line for a daemon of that root, which changes nothing; and while a daemon holds the root,
// nobody else pushes it.
func TestPushAnApp(t *testing.T) {
	t.Parallel()
	p := newPushing(t)
	p.commit(map[string]string{"apps/web.yaml": p.app("web"), "web/a.yaml": configMap("a", "x", "1"), "web/b.yaml": configMap("b", "x", "1")})
	push := []string{"apply", p.namespace + "/web", "--root", p.root, "--yes", "--by", "Ada", "--data", p.data}
	p.run(t.Context(), 0, push, "created", "is in line and healthy")
	keys := []object.Key{p.key("ConfigMap", "a"), p.key("ConfigMap", "b")}
	var before []string
	for _, key := range keys {
		before = append(before, p.live(key).GetResourceVersion())
	}

	p.start()
	p.step("web manual c1 by Ada: create ConfigMap/a, create ConfigMap/b = Succeeded")
	for i, key := range keys {
		if version := p.live(key).GetResourceVersion(); version != before[i] {
			t.Errorf("the daemon wrote %s though nothing was to be changed", key)
		}
	}

	p.commit(map[string]string{"web/b.yaml": configMap("b", "x", "2")})
	p.step("web commit c2 by Ada Author: update ConfigMap/b = Succeeded")
	p.run(t.Context(), 1, push, "in use by another plumb")
	elsewhere := append(push[:len(push)-1:len(push)-1], filepath.Join(t.TempDir(), "elsewhere"))
	p.commit(map[string]string{"web/b.yaml": configMap("b", "x", "3")})
	p.run(t.Context(), 4, elsewhere, "holds the root")
	p.step("web commit c3 by Ada Author: update ConfigMap/b = Succeeded")
	p.daemon.stop()
	p.run(t.Context(), 0, elsewhere, "is in line and healthy")
	p.start()
}

// What a Secret holds is told by no command and kept in no file, whether the Secret is sound or not.
func TestPushTellsNoSecret(t *testing.T) {
	t.Parallel()
	p := newPushing(t)
	canaries := []string{"canary-one-4f1d", "canary-two-9b27"}
	secret := func(content string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n" + content + "\n"
	}
	var said strings.Builder
	for _, step := range []struct {
		content string
		code    int
	}{
		{secret("stringData: {password: " + canaries[0] + "}"), 0},
		{secret("stringData: {password: " + canaries[1] + "}"), 0},
		{secret("data: {password: \"" + canaries[0] + " is no base64\"}"), 1},
		{secret("stringdata: {password: " + canaries[0] + "}"), 1},
	} {
		p.write("a.yaml", step.content)
		for _, command := range [][]string{{"diff", "./shop", "-n", p.namespace}, {"diff", "./shop", "-n", p.namespace, "-o", "json"},
			{"apply", "./shop", "-n", p.namespace, "--yes", "--data", p.data}} {
			code := step.code
			if command[0] == "diff" {
				code = 2 // what the server refuses differs as well
			}
			said.WriteString(p.runs(t.Context(), code, command))
		}
	}
	if err := filepath.WalkDir(p.data, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		said.Write(readFile(t, path))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, canary := range canaries {
		for _, form := range []string{canary, base64.StdEncoding.EncodeToString([]byte(canary))} {
			if i := strings.Index(said.String(), form); i >= 0 {
				t.Errorf("%s was told: …%.300s", form, said.String()[max(0, i-200):])
			}
		}
	}
	if n := strings.Count(said.String(), "Secret/"); n < 8 {
		t.Errorf("the Secret is named %d times only, so nothing was tested:\n%s", n, said.String())
	}
}

// A rollout that fails fails the command, and one that is interrupted is on record.
func TestPushThatFails(t *testing.T) {
	t.Parallel()
	p := newPushing(t)
	p.write("web.yaml", `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {nodeSelector: {there: isnt}, containers: [{name: main, image: "example.com/main:1"}]}
`)
	p.apply(2, []string{"--timeout", "2s"}, "waiting", "not healthy 2s after it was applied")

	p.write("web.yaml", strings.Replace(string(readFile(t, filepath.Join(p.dir, "web.yaml"))), "main:1", "main:2", 1))
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	go func() {
		until(t, func() string {
			if o := p.cluster.at(t, p.key("Deployment.apps", "web")); !strings.Contains(fmt.Sprint(o.Object["spec"]), "main:2") {
				return "the second image is not applied"
			}
			return ""
		})
		interrupt()
	}()
	p.run(ctx, 2, []string{"apply", "./shop", "-n", p.namespace, "--yes", "--by", "Ada", "--data", p.data}, "interrupted")
	if diff := cmp.Diff([]string{"shop manual by Ada: 1 Failed", "shop manual by Ada: 1 Failed"}, p.recorded()); diff != "" {
		t.Errorf("on record (-want +got)\n%s", diff)
	}
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
