package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"plumb.dev/plumb/internal/controlplane"
)

// asProgram is set for a child of these tests that is to be the program itself.
const asProgram = "PLUMB_DEMO_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// limit is far above what anything here takes, on a machine with more to do.
const limit = 2 * time.Minute

// program is a run of the demo, and what it prints.
type program struct {
	t       *testing.T
	command *exec.Cmd
	lines   chan string
}

func demoIn(t *testing.T, dir string, args ...string) *program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, lines: make(chan string, 10_000)}
	p.command = exec.Command(self, append([]string{"--checkout", checkout(t), "--dir", dir}, args...)...)
	p.command.Env = append(os.Environ(), asProgram+"=1")
	out, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.command.Stderr = p.command.Stdout
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.command.Process.Kill() }) // it has ended, unless the test failed
	go func() {
		defer close(p.lines)
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			p.lines <- strings.TrimRight(line, "\n")
		}
	}()
	return p
}

// checkout is the one that these tests stand in.
func checkout(t *testing.T) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir, ok := controlplane.Checkout(here)
	if !ok {
		t.Fatalf("%s is in no checkout of Plumb", here)
	}
	return dir
}

// await reads what the program prints up to a line with this text in it.
func (p *program) await(text string) string {
	p.t.Helper()
	var seen []string
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("it ended without saying %q, but:\n%s", text, strings.Join(seen, "\n"))
			}
			if strings.Contains(line, text) {
				return line
			}
			seen = append(seen, line)
		case <-timer.C:
			p.t.Fatalf("it doesn't say %q, but:\n%s", text, strings.Join(seen, "\n"))
		}
	}
}

// end sends a signal and waits for the end, with its exit code.
func (p *program) end(signal os.Signal) int {
	p.t.Helper()
	if err := p.command.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	for range p.lines { // to the end, for Wait closes what they are read from
	}
	_ = p.command.Wait() // the exit code says how
	return p.command.ProcessState.ExitCode()
}

// awaitNothingLeft waits until no process of a demo in a folder runs.
func awaitNothingLeft(t *testing.T, dir string) {
	t.Helper()
	var found []string
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	err := until(ctx, func() (done bool, err error) {
		found, err = left("", dir)
		return len(found) == 0, err
	})
	if err != nil {
		t.Fatalf("%v; processes are left:\n%s", err, strings.Join(found, "\n"))
	}
}

// in gives a command in the fleet of a demo.
func in(t *testing.T, dir, text string) {
	t.Helper()
	s := stand{checkout: checkout(t), dir: dir, env: os.Environ()}
	s.kube.Kubeconfig = filepath.Join(s.kubernetes(), "kubeconfig")
	command := exec.Command("sh", "-c", text)
	command.Dir, command.Env = s.fleet(), s.environ()
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", text, err, out)
	}
}

const ready = "Ctrl-C ends all of it"

func TestDemo(t *testing.T) {
	dir := t.TempDir()
	t.Run("tells what happens, and Ctrl-C ends all of it", func(t *testing.T) {
		p := demoIn(t, dir)
		p.await(ready)
		in(t, dir, "git rm -q cache/network-policy.yaml && git -c user.name=Grace -c user.email=g@example.com commit -qm 'cache: let everyone in'")
		p.await("default/cache: commit by Grace: cache: let everyone in")
		p.await("- NetworkPolicy/shop/cache")
		p.await("in line and healthy after")
		other := demoIn(t, dir)
		other.await("another demo (process " + strconv.Itoa(p.command.Process.Pid) + ")")
		if code := p.end(os.Interrupt); code != 0 {
			t.Errorf("exit code %d after Ctrl-C", code)
		}
		awaitNothingLeft(t, dir)
	})
	t.Run("a second one begins afresh, and takes with it what it started when it is killed", func(t *testing.T) {
		p := demoIn(t, dir)
		p.await(ready)
		if _, err := os.Stat(filepath.Join(dir, "fleet", "cache", "network-policy.yaml")); err != nil {
			t.Errorf("the fleet is that of an earlier demo: %v", err)
		}
		p.end(syscall.SIGKILL)
	})
	t.Run("a third one may start at once", func(t *testing.T) {
		p := demoIn(t, dir)
		p.await(ready)
		if code := p.end(syscall.SIGKILL); code != -1 {
			t.Errorf("exit code %d of what was killed", code)
		}
		awaitNothingLeft(t, dir)
	})
}

func TestEndedBeforeItRuns(t *testing.T) {
	for _, test := range []struct {
		signal syscall.Signal
		at     string
	}{
		{syscall.SIGINT, "starting Kubernetes"}, {syscall.SIGKILL, "starting Kubernetes"}, {syscall.SIGINT, "starting Plumb"},
	} {
		t.Run(fmt.Sprintf("%v while %s", test.signal, test.at), func(t *testing.T) {
			dir := t.TempDir()
			p := demoIn(t, dir)
			p.await(test.at)
			if code := p.end(test.signal); test.signal == syscall.SIGINT && code != 0 {
				t.Errorf("exit code %d", code)
			}
			awaitNothingLeft(t, dir)
		})
	}
}

func TestEndedWhileItBuilds(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			dir := t.TempDir()
			started := filepath.Join(dir, "started")
			p := demoIn(t, dir, "--build", "touch "+quoted(started)+"; sh -c 'sleep 1000; : "+dir+"'")
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			if err := until(ctx, func() (bool, error) { _, err := os.Stat(started); return err == nil, nil }); err != nil {
				t.Fatal(err)
			}
			if code := p.end(signal); signal == syscall.SIGINT && code != 0 {
				t.Errorf("exit code %d", code)
			}
			awaitNothingLeft(t, dir)
		})
	}
}

func TestBuildThatFails(t *testing.T) {
	p := demoIn(t, t.TempDir(), "--build", "echo internal/plan; echo 'plan.go:3: no such thing'; exit 7")
	p.await("plan.go:3: no such thing")
	for range p.lines {
	}
	if err := p.command.Wait(); err == nil {
		t.Error("the demo succeeded though its build failed")
	}
}
