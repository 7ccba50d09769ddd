package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"plumb.dev/plumb/internal/client"
	"plumb.dev/plumb/internal/controlplane"
)

// stand is what the demo stands on: a folder with a control plane, a repository, and a daemon between them.
type stand struct {
	checkout string // of Plumb
	dir      string
	env      []string // what the user's commands find besides the exports
	lock     *os.File
	kube     controlplane.Status
	forge    *forge // where the fleet is served from; nil where the daemon reads it from its folder
	daemon   *tied
	client   *client.Client
}

func (s *stand) bin() string        { return filepath.Join(s.checkout, "bin") }
func (s *stand) fleet() string      { return filepath.Join(s.dir, "fleet") }
func (s *stand) data() string       { return filepath.Join(s.dir, "data") }
func (s *stand) kubernetes() string { return filepath.Join(s.dir, "kubernetes") }
func (s *stand) log() string        { return filepath.Join(s.dir, "plumb.log") }
func (s *stand) kubeconfig() string { return s.kube.Kubeconfig }

// take makes the folder, or takes that of an earlier demo, whose things it removes.
func (s *stand) take(ctx context.Context, tell func(string)) (string, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return "", fmt.Errorf("make the demo's folder: %w", err)
	}
	limit, cancel := context.WithTimeout(ctx, 4*endGrace) // for what was killed just before, on a machine that is busy
	defer cancel()
	if err := s.hold(limit, tell); err != nil {
		return "", cmp.Or(ctx.Err(), err)
	}
	if err := controlplane.Delete(ctx, s.kubernetes()); err != nil {
		return "", err
	}
	for _, old := range []string{s.fleet(), s.data(), s.log()} {
		if err := os.RemoveAll(old); err != nil {
			return "", fmt.Errorf("remove what is left of an earlier demo: %w", err)
		}
	}
	return "a folder of its own: " + s.dir, nil
}

// hold takes the folder's lock. The daemon keeps it open as well: after a demo that was killed, it is free once all has ended.
func (s *stand) hold(ctx context.Context, tell func(string)) (err error) {
	if s.lock, err = os.OpenFile(filepath.Join(s.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return fmt.Errorf("lock the demo's folder: %w", err)
	}
	err = until(ctx, func() (bool, error) {
		err := syscall.Flock(int(s.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err == nil, err
		}
		if holder := s.holder(); holder != 0 && syscall.Kill(holder, 0) == nil {
			return false, fmt.Errorf("another demo (process %d) runs in %s: end it with Ctrl-C where it was started", holder, s.dir)
		}
		tell("an earlier demo was killed, and what it started is about to end")
		return false, nil
	})
	if err != nil {
		return err
	}
	if err := s.lock.Truncate(0); err != nil {
		return fmt.Errorf("lock the demo's folder: %w", err)
	}
	_, err = s.lock.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return err
}

// holder is the process that took the lock last.
func (s *stand) holder() int {
	text := make([]byte, 20)
	n, _ := s.lock.ReadAt(text, 0)
	pid, _ := strconv.Atoi(string(text[:n]))
	return pid
}

// until asks every now and then until the answer is yes, an error, or ctx is done. It is for what tells nobody when it changes.
func until(ctx context.Context, done func() (bool, error)) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// startKubernetes starts a control plane that ends with this program.
func (s *stand) startKubernetes(ctx context.Context, tell func(string)) (string, error) {
	status, err := controlplane.Up(ctx, controlplane.Options{
		Dir: s.kubernetes(), Binary: filepath.Join(s.bin(), controlplane.BinaryName), DieWithCaller: true, Progress: tell,
	})
	if err != nil {
		return "", err
	}
	s.kube = status
	return "Kubernetes: etcd, API server, controllers, scheduler and a simulated node, at " + status.Server, nil
}

// makeFleet makes a repository from the examples.
func (s *stand) makeFleet(ctx context.Context, _ func(string)) (string, error) {
	if err := os.CopyFS(s.fleet(), os.DirFS(filepath.Join(s.checkout, "examples", "fleet"))); err != nil {
		return "", fmt.Errorf("copy the examples: %w", err)
	}
	steps := [][]string{
		{"init", "--quiet", "--initial-branch=main", "--template="},
		// The user's own settings stay out of it, except the name.
		{"config", "commit.gpgSign", "false"}, {"config", "core.hooksPath", "/dev/null"}, {"config", "core.excludesFile", "../excluded"},
	}
	if _, err := s.git(ctx, "config", "user.email"); err != nil { // nobody has said who is at work here
		steps = append(steps, []string{"config", "user.name", "Ada"}, []string{"config", "user.email", "ada@example.com"})
	}
	steps = append(steps, []string{"add", "--all"}, []string{"commit", "--quiet", "--message=Begin with the example fleet"})
	if err := os.WriteFile(filepath.Join(s.dir, "excluded"), []byte("*.bak\n"), 0o600); err != nil {
		return "", err
	}
	for _, step := range steps {
		if _, err := s.git(ctx, step...); err != nil {
			return "", fmt.Errorf("make the repository: %w", err)
		}
	}
	return "a Git repository made from examples/fleet, in " + s.fleet(), nil
}

// git runs a git command in the fleet.
func (s *stand) git(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "git", args...)
	command.Dir, command.Env = s.fleet(), s.environ()
	out, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// startDaemon starts Plumb, and waits until it can be talked to.
func (s *stand) startDaemon(ctx context.Context, _ func(string)) (string, error) {
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return "", err
	}
	defer log.Close()
	args := []string{"run", "--root", s.fleet(), "--kubeconfig", s.kubeconfig(), "--data", s.data(), "--listen", "127.0.0.1:0"}
	if s.forge != nil {
		args[2] = s.forge.url()
		args = append(args, "--git-credentials", s.credentials())
	}
	plumb := exec.Command(filepath.Join(s.bin(), "plumb"), args...)
	plumb.Dir, plumb.Stdout, plumb.Stderr = s.dir, log, log
	if s.daemon, err = tie(plumb, s.lock); err != nil {
		return "", err
	}
	limit, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err = until(limit, func() (bool, error) {
		select {
		case <-s.daemon.ended:
			return false, s.died()
		default:
		}
		s.client, err = s.connect()
		return err == nil, nil
	})
	if err != nil {
		return "", fmt.Errorf("start Plumb: %w", err)
	}
	return "Plumb holds the one true to the other; its log is " + s.log(), nil
}

// connect makes a client from what the daemon leaves in its data folder.
func (s *stand) connect() (*client.Client, error) {
	address, err := os.ReadFile(filepath.Join(s.data(), "address"))
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(filepath.Join(s.data(), "token"))
	if err != nil {
		return nil, err
	}
	return client.New(client.Options{Server: strings.TrimSpace(string(address)), Token: strings.TrimSpace(string(token))})
}

// died tells how the daemon ended, and the last that it said.
func (s *stand) died() error {
	text, _ := os.ReadFile(s.log()) // there may be none
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Errorf("plumb run ended (%w); the end of its log %s:\n%s", s.daemon.err, s.log(), strings.Join(lines[max(0, len(lines)-10):], "\n"))
}

// stop ends all that runs, and returns when it has ended.
func (s *stand) stop(ctx context.Context) error {
	if s.daemon != nil {
		s.daemon.end()
	}
	return errors.Join(s.forge.close(), controlplane.Down(ctx, s.kubernetes()))
}

// environ is what a user's commands find: the demo's programs, and what these need to know.
func (s *stand) environ() []string {
	return append(slices.Clone(s.env), s.exports()...)
}

// exports are the variables that a user sets in another terminal.
func (s *stand) exports() []string {
	return []string{"PATH=" + s.bin() + string(os.PathListSeparator) + os.Getenv("PATH"), "PLUMB_DATA=" + s.data(), "KUBECONFIG=" + s.kubeconfig()}
}
