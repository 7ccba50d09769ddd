// Package controlplanetest gives tests a real Kubernetes control plane: one per test binary, started by the first test that asks, with a fresh
// namespace for each test.
//
//	func TestMain(m *testing.M) { controlplanetest.Main(m) }
//
//	func TestApply(t *testing.T) {
//		config, namespace := controlplanetest.Config(t), controlplanetest.Namespace(t)
//		…
//	}
//
// It ends with the test binary, also by a panic, a timeout or kill -9. A test that stops and starts components takes one of its own with [Own].
// When the program with the components is not built, tests fail and say how to build it; they are never skipped.
package controlplanetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"plumb.dev/plumb/internal/controlplane"
)

// shared is the control plane of this test binary; package testing offers no other place to hold what several tests use.
var shared = sync.OnceValues(func() (*Plane, error) { return start("shared", controlplane.Options{}) })

// Main runs the tests of a package and removes the control plane that they used. It exits the program.
func Main(m *testing.M) {
	code := m.Run()
	if err := removeAll(); err != nil {
		fmt.Fprintln(os.Stderr, "controlplanetest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// Shared is the control plane that all tests of this binary use.
func Shared(t testing.TB) *Plane {
	t.Helper()
	plane, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return plane
}

// Config is how to reach the shared control plane as its administrator, with no limit on the client's rate.
func Config(t testing.TB) *rest.Config {
	t.Helper()
	return Shared(t).Config(t)
}

// Kubeconfig is the path of a kubeconfig for the shared control plane.
func Kubeconfig(t testing.TB) string {
	t.Helper()
	return Shared(t).Kubeconfig()
}

// Namespace makes a namespace of the test's own in the shared control plane; it goes when the test ends.
func Namespace(t testing.TB) string {
	t.Helper()
	return Shared(t).Namespace(t)
}

// Own starts a control plane for this test alone, and removes it when the test ends. It costs some seconds and 700 MB of memory.
func Own(t testing.TB, o controlplane.Options) *Plane {
	t.Helper()
	plane, err := start("own", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := controlplane.Delete(context.Background(), plane.Dir); err != nil {
			t.Error(err)
		}
	})
	return plane
}

// Plane is a control plane that runs.
type Plane struct {
	Dir    string // its folder, for the functions of package controlplane
	config *rest.Config
}

// start runs a control plane in a temporary folder that carries the id of this process.
func start(name string, o controlplane.Options) (*Plane, error) {
	sweep()
	dir, err := os.MkdirTemp("", fmt.Sprintf("%s%d-%s-", folders, os.Getpid(), name))
	if err != nil {
		return nil, err
	}
	o.Dir, o.DieWithCaller = dir, true
	if o.Binary == "" {
		if o.Binary, err = binary(); err != nil {
			return nil, err
		}
	}
	status, err := controlplane.Up(context.Background(), o)
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", status.Kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1 // client-go's way to say: no limit
	return &Plane{dir, config}, nil
}

// binary is the program with the components: of this checkout, unless the environment names another. Tests run in the folder of their package.
func binary() (string, error) {
	if os.Getenv(controlplane.BinaryVariable) != "" {
		return "", nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	checkout, ok := controlplane.Checkout(dir)
	if !ok {
		return "", fmt.Errorf("tests of Plumb run in a checkout, and %s is in none", dir)
	}
	return filepath.Join(checkout, "bin", controlplane.BinaryName), nil
}

// Config is how to reach the control plane as its administrator, with no limit on the client's rate.
func (p *Plane) Config(testing.TB) *rest.Config { return rest.CopyConfig(p.config) }

// Kubeconfig is the path of a kubeconfig for the control plane.
func (p *Plane) Kubeconfig() string { return filepath.Join(p.Dir, "kubeconfig") }

// Kill ends one component as a crash does.
func (p *Plane) Kill(t testing.TB, c controlplane.Component) {
	t.Helper()
	if err := controlplane.Kill(t.Context(), p.Dir, c); err != nil {
		t.Fatal(err)
	}
}

// Stop ends one component and lets it finish what it is at.
func (p *Plane) Stop(t testing.TB, c controlplane.Component) {
	t.Helper()
	if err := controlplane.Stop(t.Context(), p.Dir, c); err != nil {
		t.Fatal(err)
	}
}

// Start starts one component that was stopped or killed, on the port that it had, and waits until the API server is ready.
func (p *Plane) Start(t testing.TB, c controlplane.Component) {
	t.Helper()
	if err := controlplane.Start(t.Context(), p.Dir, c); err != nil {
		t.Fatal(err)
	}
}

// Restart stops a component and starts it again.
func (p *Plane) Restart(t testing.TB, c controlplane.Component) {
	t.Helper()
	p.Stop(t, c)
	p.Start(t, c)
}

// Status tells how the control plane stands.
func (p *Plane) Status(t testing.TB) controlplane.Status {
	t.Helper()
	status, err := controlplane.Read(t.Context(), p.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// folders is what the folders of tests are called, before the id of the process that runs them.
const folders = "plumb-test-"

// removeAll stops and removes what this test binary started.
func removeAll() error {
	planes, err := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("%s%d-*", folders, os.Getpid())))
	if err != nil {
		return err
	}
	for _, dir := range planes {
		if err := controlplane.Delete(context.Background(), dir); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes the folders of test binaries that were killed before they could. Their processes ended with them.
func sweep() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), folders+"*"))
	for _, dir := range left {
		id, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), folders), "-")
		pid, err := strconv.Atoi(id)
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir) // or else it is another user's, and theirs to remove
		}
	}
}
