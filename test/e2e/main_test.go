package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"plumb.dev/plumb/internal/controlplane"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
)

func TestMain(m *testing.M) { controlplanetest.Main(m) }

// program is the plumb that is tested, built once. It stays in the checkout's cache, so that it is linked again only when it changed.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	checkout, ok := controlplane.Checkout(dir)
	if !ok {
		return "", fmt.Errorf("these tests run in a checkout, and %s is in none", dir)
	}
	args, name := []string{"build"}, "plumb"
	if withRace {
		args, name = append(args, "-race"), "plumb-race"
	}
	binary := filepath.Join(checkout, ".cache", "e2e", name)
	cmd := exec.Command("go", append(args, "-o", binary, "./cmd/plumb")...)
	cmd.Dir = checkout
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build plumb: %w\n%s", err, bytes.TrimSpace(out))
	}
	return binary, nil
})

// patience is how long anything that is waited for may take. It is far above what anything takes, for a machine that is busy with other things.
const patience = 90 * time.Second

// until asks again and again whether something holds, and fails with what is still missing when patience ends.
func until(t testing.TB, missing func() string) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		what := missing()
		if what == "" {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("after %s: %s", patience, what)
		case <-t.Context().Done():
			t.Fatalf("the test ended: %s", what)
		case <-again.C:
		}
	}
}
