// Package hostile_test gives a running daemon what is wrong or hostile, and
// holds it to four promises: it says what is wrong, where and what to do;
// everything else goes on; nothing that was live is lost; and once the mistake
// is mended it recovers by itself.
//
// The daemon is the real program in a process of its own, under the race
// detector when the tests are; the cluster is a real control plane, which the
// tests share; repositories are served by git itself. What happens inside of
// one part is tested beside that part; here is what people see.
package hostile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"plumb.dev/plumb/internal/controlplane"
	"plumb.dev/plumb/internal/controlplane/controlplanetest"
)

func TestMain(m *testing.M) { controlplanetest.Main(m) }

// program is the daemon's and the command line's program, built from this checkout.
var program = sync.OnceValues(build)

// build builds it where Git and make take nothing for theirs. A link is all
// that is left to do after the tests of the other packages.
func build() (string, error) {
	top, err := checkout()
	if err != nil {
		return "", err
	}
	if err := look(filepath.Join(top, "cmd"), filepath.Join(top, "internal"), filepath.Join(top, "api")); err != nil {
		return "", err
	}
	args := []string{"build", "-ldflags=-w", "-o"}
	path := filepath.Join(top, ".cache", "hostile", "plumb")
	if raceEnabled {
		path += "-race"
		args = []string{"build", "-race", "-ldflags=-w", "-o"}
	}
	cmd := exec.Command("go", append(args, path, "./cmd/plumb")...)
	cmd.Dir = top
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build plumb: %w\n%s", err, out)
	}
	return path, nil
}

// look looks at every file that the program is built from: go test then knows
// that these tests depend on them, and runs them anew when one has changed.
func look(folders ...string) error {
	var errs []error
	for _, folder := range folders {
		errs = append(errs, filepath.WalkDir(folder, func(_ string, _ fs.DirEntry, err error) error { return err }))
	}
	return errors.Join(errs...)
}

func checkout() (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	top, ok := controlplane.Checkout(here)
	if !ok {
		return "", fmt.Errorf("%s is in no checkout of Plumb", here)
	}
	return top, nil
}
