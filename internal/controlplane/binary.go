package controlplane

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// BinaryName is the program that holds all components; BinaryVariable names the environment variable that says where it is.
const (
	BinaryName     = "plumb-kubernetes"
	BinaryVariable = "PLUMB_KUBERNETES"
)

// findBinary looks where it was told (named, then the environment), or else beside the running program and in bin/ of the checkout around it.
// It never looks in the working folder: that may be someone else's checkout, with someone else's program in it.
func findBinary(named string) (string, error) {
	for _, told := range []struct{ by, path string }{{"the caller", named}, {BinaryVariable, os.Getenv(BinaryVariable)}} {
		if told.path == "" {
			continue
		}
		if err := runnable(told.path); err != nil {
			return "", fmt.Errorf("%s, named by %s: %w: run `make kubernetes` in a checkout of Plumb to build it", BinaryName, told.by, err)
		}
		return filepath.Abs(told.path)
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find %s: %w", BinaryName, err)
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return "", fmt.Errorf("find %s: %w", BinaryName, err)
	}
	candidates := []string{filepath.Join(filepath.Dir(self), BinaryName)}
	if checkout, ok := Checkout(filepath.Dir(self)); ok {
		candidates = append(candidates, filepath.Join(checkout, "bin", BinaryName))
	}
	for _, candidate := range candidates {
		if runnable(candidate) == nil {
			return candidate, nil
		}
	}
	return "", fmt.Errorf("no %s at %s: run `make kubernetes` in a checkout of Plumb to build it, or set %s to where it is",
		BinaryName, strings.Join(candidates, " or "), BinaryVariable)
}

func runnable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return errors.New(path + " is not a program")
	}
	return nil
}

// Checkout is the checkout of Plumb that dir lies in.
func Checkout(dir string) (string, bool) {
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module plumb.dev/plumb\n") {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}
