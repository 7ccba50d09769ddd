package dev

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"plumb.dev/plumb/internal/cli"
	"plumb.dev/plumb/internal/controlplane"
	"plumb.dev/plumb/internal/usage"
)

// devFolderVariable makes this test binary run `plumb dev up --die-with-caller` in the folder it names, as a process of its own.
const devFolderVariable = "PLUMB_TEST_DEV_FOLDER"

// TestDevUpAsProcess is that process; in an ordinary run there is nothing for it to do.
func TestDevUpAsProcess(t *testing.T) {
	dir := os.Getenv(devFolderVariable)
	if dir == "" {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(cli.Run(ctx, []string{"dev", "up", "--die-with-caller", "--dir", dir}, cli.Env{More: []func(cli.Env) *cobra.Command{Command}}))
}

// plumbDev runs a command in this process.
func plumbDev(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var outs, errs bytes.Buffer
	code = cli.Run(t.Context(), append([]string{"dev"}, args...), cli.Env{More: []func(cli.Env) *cobra.Command{Command}, Out: &outs, Err: &errs})
	return code, outs.String(), errs.String()
}

// kubernetes makes the control plane's program of this checkout the one that is found.
func kubernetes(t *testing.T) {
	t.Helper()
	if os.Getenv(controlplane.BinaryVariable) != "" {
		return
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	checkout, ok := controlplane.Checkout(dir)
	if !ok {
		t.Fatalf("%s is in no checkout of Plumb", dir)
	}
	t.Setenv(controlplane.BinaryVariable, filepath.Join(checkout, "bin", controlplane.BinaryName))
}

func wantAll(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
}

func TestDevUpStatusDown(t *testing.T) {
	kubernetes(t)
	dir := filepath.Join(t.TempDir(), "it's here")
	t.Cleanup(func() { _ = controlplane.Delete(context.Background(), dir) })

	code, out, errOut := plumbDev(t, "up", "--nodes", "2", "--dir", dir)
	if code != usage.ExitOK {
		t.Fatalf("exit code %d:\n%s", code, errOut)
	}
	wantAll(t, out, "https://127.0.0.1:", "with 2 nodes", `export KUBECONFIG='`, `it'\''s here/kubeconfig'`, "Logs are in "+dir+"/logs")
	wantAll(t, errOut, "etcd started", "kube-apiserver is ready", "nodes ready: 2")

	code, out, _ = plumbDev(t, "status", "--dir", dir)
	if code != usage.ExitOK {
		t.Errorf("status: exit code %d", code)
	}
	wantAll(t, out, "COMPONENT", "kube-scheduler", "running", "export KUBECONFIG=")

	if err := controlplane.Kill(t.Context(), dir, controlplane.Scheduler); err != nil {
		t.Fatal(err)
	}
	code, out, errOut = plumbDev(t, "status", "--dir", dir)
	if code != usage.ExitError {
		t.Errorf("status without a scheduler: exit code %d", code)
	}
	wantAll(t, out, "stopped")
	wantAll(t, errOut, "not running: kube-scheduler", "plumb dev up")

	for _, args := range [][]string{{"up"}, {"up"}, {"down"}, {"down"}, {"down", "--delete"}, {"down", "--delete"}} {
		if code, _, errOut := plumbDev(t, append(args, "--dir", dir)...); code != usage.ExitOK {
			t.Errorf("%v: exit code %d:\n%s", args, code, errOut)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("deleted, the folder is still there")
	}
}

func TestDevStatusForPrograms(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "never")
	code, out, _ := plumbDev(t, "status", "-o", "json", "--dir", dir)
	if code != usage.ExitError {
		t.Errorf("exit code %d, want %d", code, usage.ExitError)
	}
	var status controlplane.Status
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	if status.Running || status.Dir != dir || len(status.Components) != 5 {
		t.Errorf("status %+v", status)
	}
	_, out, _ = plumbDev(t, "status", "-o", "yaml", "--dir", dir)
	wantAll(t, out, "running: false\n", "kubeconfig: "+dir)
}

func TestDevUsage(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"up", "--nodes", "0"}, "at least 1"},
		{[]string{"status", "-o", "xml"}, "xml"},
		{[]string{"sideways"}, "sideways"},
	} {
		code, _, errOut := plumbDev(t, append(test.args, "--dir", t.TempDir())...)
		if code != usage.ExitUsage {
			t.Errorf("%v: exit code %d, want %d", test.args, code, usage.ExitUsage)
		}
		wantAll(t, errOut, test.want)
	}
}

func TestDevUpWithoutTheProgram(t *testing.T) {
	t.Setenv(controlplane.BinaryVariable, filepath.Join(t.TempDir(), "plumb-kubernetes"))
	code, _, errOut := plumbDev(t, "up", "--dir", filepath.Join(t.TempDir(), "plane"))
	if code != usage.ExitError {
		t.Errorf("exit code %d, want %d", code, usage.ExitError)
	}
	wantAll(t, errOut, "make kubernetes")
}

func TestDevFolder(t *testing.T) {
	for _, test := range []struct {
		name, flag, state, home, want string
	}{
		{"named", "here", "/state", "/home/me", "here"},
		{"of the state", "", "/state", "/home/me", "/state/plumb/dev"},
		{"of the user", "", "", "/home/me", "/home/me/.local/state/plumb/dev"},
		{"a relative one is ignored", "", "state", "/home/me", "/home/me/.local/state/plumb/dev"},
		{"nowhere", "", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := map[string]string{"XDG_STATE_HOME": test.state, "HOME": test.home}
			got, err := devFolder(test.flag, func(name string) string { return env[name] })
			if got != test.want || (err != nil) != (test.want == "") {
				t.Errorf("%q (%v), want %q", got, err, test.want)
			}
		})
	}
}

func TestShellQuoted(t *testing.T) {
	for _, path := range []string{"/plain/path-1.2_x", "/with space", "/it's", `/$HOME/"x"`, "/a;b", "/größe", ""} {
		out, err := exec.Command("sh", "-c", "printf %s "+shellQuoted(path)).Output()
		if err != nil || string(out) != path {
			t.Errorf("a shell takes %s for %q (%v)", shellQuoted(path), out, err)
		}
	}
}

// devProcess runs `plumb dev up --die-with-caller`, called by a shell, and returns the shell once the control plane is ready, with the rest of
// the output, which ends when both have ended.
func devProcess(t *testing.T, dir string) (shell *exec.Cmd, rest io.Reader) {
	t.Helper()
	shell = exec.Command("sh", "-c", `"$@" & wait`, "sh", os.Args[0], "-test.run=^TestDevUpAsProcess$")
	shell.Env = append(os.Environ(), devFolderVariable+"="+dir)
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	shell.Stderr = os.Stderr
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(out)
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			t.Fatalf("it ended before it was ready: %v", err)
		}
		if strings.Contains(line, "export KUBECONFIG=") {
			return shell, reader
		}
	}
}

func TestDevUpEndsWithItsCaller(t *testing.T) {
	kubernetes(t)
	dir := t.TempDir()
	shell, rest := devProcess(t, dir)
	running, err := controlplane.Read(t.Context(), dir)
	if err != nil || !running.Running {
		t.Fatalf("it is not running: %s (%v)", running.Problem, err)
	}
	if err := shell.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // it holds the other end of its output until it ends
		defer close(ended)
		_, _ = io.Copy(io.Discard, rest)
	}()
	select {
	case <-ended:
	case <-time.After(2 * time.Minute):
		t.Fatal("it did not end with its caller")
	}
	_ = shell.Wait()
	after, err := controlplane.Read(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range after.Components {
		if c.Running {
			t.Errorf("%s is left, as process %d", c.Name, c.PID)
		}
	}
}
