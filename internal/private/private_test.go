package private_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"plumb.dev/plumb/internal/private"
)

const secret = "hunter2-5ecr3t"

func written(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestWhoMayRead: the owner, and the group at most for reading.
func TestWhoMayRead(t *testing.T) {
	t.Parallel()
	path := written(t, secret)
	for mode, fine := range map[os.FileMode]bool{
		0o600: true, 0o400: true, 0o640: true, 0o440: true, 0o644: false, 0o604: false, 0o660: false, 0o620: false, 0o606: false, 0o610: false, 0o601: false,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		content, err := private.Read(path)
		if (err == nil) != fine || fine && string(content) != secret {
			t.Errorf("mode %04o: %v", mode, err)
		}
		if err != nil && (!strings.Contains(err.Error(), "chmod 600 "+path) || strings.Contains(err.Error(), secret)) {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}

func TestNoFile(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		pipe: "is no file", t.TempDir(): "is no file", "/none": "no such file",
		written(t, strings.Repeat("x", private.MaxBytes+1)): "larger than",
	} {
		if _, err := private.Read(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", path, err, says)
		}
	}
}

// TestReadAgain: a file that changed counts without a restart, and one that
// became broken is told of until it is mended.
func TestReadAgain(t *testing.T) {
	t.Parallel()
	path, parsed := written(t, "one"), 0
	f, err := private.Open(path, func(b []byte) (string, error) {
		parsed++
		if string(b) == "broken" {
			return "", errors.New("is broken")
		}
		return string(b), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	age := time.Duration(0)
	expect := func(content, want string) {
		t.Helper()
		age += time.Hour
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := f.Current(); got != want || (err == nil) != (want != "") {
				t.Errorf("%q: got %q, %v", content, got, err)
			}
		}
	}
	expect("one", "one")
	expect("broken", "")
	expect("two", "two")
	if parsed != 4 {
		t.Errorf("parsed %d times, want once for what is sound, and each time for what isn't", parsed)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Current(); err == nil {
		t.Error("others can read it now, and it counts still")
	}
}
