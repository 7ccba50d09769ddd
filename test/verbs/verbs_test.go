package verbs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"plumb.dev/plumb/internal/controlplane"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/server"
)

// web has connections of its own: those of http.DefaultClient break when some test server ends.
var web = &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}

func TestMain(m *testing.M) { controlplanetest.Main(m) }

// program is the plumb that is tested, built once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	checkout, ok := controlplane.Checkout(dir)
	if !ok {
		return "", fmt.Errorf("these tests run in a checkout, and %s is in none", dir)
	}
	binary := filepath.Join(checkout, ".cache", "verbs", "plumb")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/plumb")
	cmd.Dir = checkout
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build plumb: %w\n%s", err, out)
	}
	return binary, nil
})

// patience is how long anything that is waited for may take: far above what it takes.
const patience = 60 * time.Second

// The passwords of the Git server's accounts. They must not be found in anything that a script leaves behind.
const (
	readerPassword = "canary-reader-6c1f9e"
	writerPassword = "canary-writer-b07d55"

	credentialsFile = "credentials.yaml"
)

func TestVerbs(t *testing.T) {
	t.Parallel()
	plumb, err := program()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return setUp(env, t, plumb) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"plumb": runPlumb, "tells": tells, "daemon": runDaemon, "commit": commit, "newest": newest, "branch": branch, "clone": clone, "deny": deny,
			"live": live, "edit": edit, "put": put, "remove": remove, "helm": askHelm, "approve": approve, "pending": pending, "moved": moved, "happened": happened, "metric": metric, "ends": ends, "keep": keep, "many": many,
		},
	})
}

// stage is what one script plays on.
type stage struct {
	plumb     string
	namespace string
	repo      *gittest.Repo
	forge     *gittest.Server
	live      dynamic.Interface
	cmd       *exec.Cmd
	ended     chan struct{}
}

type stageKey struct{}

func setUp(env *testscript.Env, t *testing.T, plumb string) error {
	s := &stage{plumb: plumb, namespace: controlplanetest.Namespace(t), repo: gittest.NewRepo(t)}
	s.forge = s.repo.ServeHTTP()
	s.repo.AllowPush()
	s.forge.Wrap(gittest.RequireAccounts(map[string]gittest.Account{
		"reader": {Password: readerPassword}, "writer": {Password: writerPassword, MayPush: true},
	}))
	var err error
	if s.live, err = dynamic.NewForConfig(controlplanetest.Config(t)); err != nil {
		return err
	}
	work := env.WorkDir
	url := s.forge.Repo(s.repo)
	accounts := fmt.Sprintf("- {url: %s, username: reader, password: %s}\n- {url: %[1]s, writes: true, username: writer, password: %[3]s}\n",
		url, readerPassword, writerPassword)
	if err := os.WriteFile(filepath.Join(work, credentialsFile), []byte(accounts), 0o600); err != nil {
		return err
	}
	env.Setenv("HOME", filepath.Join(work, "home"))
	env.Setenv("KUBECONFIG", controlplanetest.Kubeconfig(t))
	env.Setenv("PLUMB_DATA", filepath.Join(work, "data"))
	env.Setenv("PLUMB_BY", "grace")
	env.Setenv("NS", s.namespace)
	env.Setenv("REPO", url)
	env.Values[stageKey{}] = s
	env.Defer(func() {
		s.end(syscall.SIGTERM)
		for _, found := range leaked(work) {
			t.Errorf("%s: %s", filepath.Base(work), found)
		}
	})
	return nil
}

// leaked finds the passwords in what a script left, but for the files that they were given in.
func leaked(dir string) (found []string) {
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || filepath.Base(path) == credentialsFile {
			return nil
		}
		content, err := os.ReadFile(path)
		for _, secret := range []string{readerPassword, writerPassword} {
			if err == nil && strings.Contains(string(content), secret) {
				found = append(found, "the password "+secret+" stands in "+path)
			}
		}
		return nil
	})
	return found
}

func of(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

// runPlumb is `plumb [code=N] ARGUMENT...`: it fails for any other exit code than N, which is 0 unless it is given.
func runPlumb(ts *testscript.TestScript, neg bool, args []string) {
	want := 0
	if len(args) > 0 {
		if text, given := strings.CutPrefix(args[0], "code="); given {
			n, err := strconv.Atoi(text)
			ts.Check(err)
			want, args = n, args[1:]
		}
	}
	got := 0
	if err := ts.Exec(of(ts).plumb, args...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if neg || got != want {
		ts.Fatalf("plumb %s: exit code %d, want %d", strings.Join(args, " "), got, want)
	}
}

// tells is `tells PATTERN ARGUMENT...`: it asks plumb again and again until what it prints matches the pattern.
func tells(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: tells PATTERN ARGUMENT...")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	s := of(ts)
	s.until(ts, strings.Join(args, " "), func() bool {
		return ts.Exec(s.plumb, args[1:]...) == nil && pattern.MatchString(ts.ReadFile("stdout"))
	})
}

// runDaemon is `daemon start [FLAG...]`, `daemon stop` and `daemon kill`.
func runDaemon(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	switch {
	case len(args) > 0 && args[0] == "start":
		s.start(ts, args[1:])
	case len(args) == 1 && args[0] == "stop":
		s.end(syscall.SIGTERM)
	case len(args) == 1 && args[0] == "kill":
		s.end(syscall.SIGKILL)
	default:
		ts.Fatalf("usage: daemon start [FLAG...] | stop | kill")
	}
}

func (s *stage) start(ts *testscript.TestScript, args []string) {
	data := ts.Getenv("PLUMB_DATA")
	address := filepath.Join(data, server.AddressFile)
	_ = os.Remove(address) // of one that was killed
	log, err := os.OpenFile(ts.MkAbs("daemon.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	s.cmd = exec.Command(s.plumb, append([]string{
		"run", "--root", ts.Getenv("REPO"), "--git-credentials", ts.MkAbs(credentialsFile),
		"--kubeconfig", ts.Getenv("KUBECONFIG"), "--data", data, "--listen", "127.0.0.1:0",
	}, args...)...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + ts.Getenv("HOME")}
	ts.Check(s.cmd.Start())
	s.ended = make(chan struct{})
	go func() {
		_ = s.cmd.Wait() // how it ended is in its log
		close(s.ended)
	}()
	s.until(ts, "the daemon to listen", func() bool {
		_, err := os.Stat(address)
		return err == nil
	})
}

// end ends the daemon, if there is one.
func (s *stage) end(how os.Signal) {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(how) // it may have ended by itself
	<-s.ended
	s.cmd = nil
}

// until asks again and again until something holds.
func (s *stage) until(ts *testscript.TestScript, what string, holds func() bool) {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-deadline.C:
			log, _ := os.ReadFile(ts.MkAbs("daemon.log"))
			ts.Fatalf("waited in vain for %s; the daemon says:\n%s", what, log)
		case <-s.ended:
			log, _ := os.ReadFile(ts.MkAbs("daemon.log"))
			ts.Fatalf("the daemon ended while %s was waited for:\n%s", what, log)
		case <-again.C:
		}
	}
}

// commit is `commit DIR`: what is in DIR becomes the next commit of main, and the daemon is told by a webhook. NAMESPACE in a file stands for the
// script's namespace; a file named NAME.removed removes NAME. The commit's ID is in $COMMIT afterwards.
func commit(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: commit DIR")
	}
	s := of(ts)
	ts.Setenv("COMMIT", s.repo.Commit(s.filesOf(ts, args[0])))
	s.notify(ts)
}

// newest is `newest`: $COMMIT is the newest commit of main, whoever made it.
func newest(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 0 {
		ts.Fatalf("usage: newest")
	}
	ts.Setenv("COMMIT", of(ts).repo.Head())
}

// branch is `branch NAME DIR`: what is in DIR is committed to a new branch.
func branch(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: branch NAME DIR")
	}
	s := of(ts)
	s.repo.Branch(args[0])
	s.repo.CommitTo(args[0], s.filesOf(ts, args[1]))
}

// clone is `clone DIR`: the repository as it is now is cloned into DIR.
func clone(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: clone DIR")
	}
	ts.Check(ts.Exec("git", "clone", "--quiet", of(ts).repo.Dir, ts.MkAbs(args[0])))
}

// filesOf are the files of a folder of the script, as they are committed.
func (s *stage) filesOf(ts *testscript.TestScript, folder string) map[string]string {
	dir, files := ts.MkAbs(folder), map[string]string{}
	ts.Check(filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if of, removed := strings.CutSuffix(name, ".removed"); removed {
			files[of] = gittest.Remove
		} else {
			files[name] = strings.ReplaceAll(string(content), "NAMESPACE", s.namespace)
		}
		return err
	}))
	return files
}

// notify tells the daemon, if there is one, that the repository changed.
func (s *stage) notify(ts *testscript.TestScript) {
	if s.cmd == nil {
		return
	}
	data := ts.Getenv("PLUMB_DATA")
	address, err := os.ReadFile(filepath.Join(data, server.AddressFile))
	ts.Check(err)
	secret, err := os.ReadFile(filepath.Join(data, server.HookSecretFile))
	ts.Check(err)
	body := fmt.Sprintf(`{"repository":{"clone_url":%q}}`, ts.Getenv("REPO"))
	mac := hmac.New(sha256.New, []byte(strings.TrimSpace(string(secret))))
	mac.Write([]byte(body))
	req, err := http.NewRequest(http.MethodPost, "http://"+strings.TrimSpace(string(address))+"/hooks/git", strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	req.Header.Set("X-GitHub-Event", "push")
	res, err := web.Do(req)
	ts.Check(err)
	ts.Check(res.Body.Close())
	if res.StatusCode >= 300 {
		ts.Fatalf("the webhook was answered with %s", res.Status)
	}
}

// deny is `deny`: from now on the forge lets nobody push.
func deny(ts *testscript.TestScript, _ bool, _ []string) {
	of(ts).repo.Hook("pre-receive", "#!/bin/sh\necho 'main is protected' >&2\nexit 1\n")
}

// resource is a ConfigMap, a Secret or a Deployment of the script's namespace, named KIND/NAME.
func (s *stage) resource(ts *testscript.TestScript, named string) (dynamic.ResourceInterface, string) {
	kinds := map[string]schema.GroupVersionResource{
		"ConfigMap": {Version: "v1", Resource: "configmaps"}, "Secret": {Version: "v1", Resource: "secrets"},
		"Deployment": {Group: "apps", Version: "v1", Resource: "deployments"},
		"Pod":        {Version: "v1", Resource: "pods"}, "Job": {Group: "batch", Version: "v1", Resource: "jobs"},
	}
	kind, name, _ := strings.Cut(named, "/")
	gvr, ok := kinds[kind]
	if !ok {
		ts.Fatalf("%s isn't KIND/NAME of a kind that scripts know", named)
	}
	return s.live.Resource(gvr).Namespace(s.namespace), name
}
