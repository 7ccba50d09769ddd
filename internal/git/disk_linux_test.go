package git_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"syscall"
	"testing"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
)

// TestDiskFull: a full disk is told as what it is, and fetching goes on once
// there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	mount := func(flags uintptr, size string) error {
		return syscall.Mount("tmpfs", data, "tmpfs", flags, "size="+size)
	}
	if err := mount(0, "1m"); err != nil {
		t.Skipf("can't mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(data, syscall.MNT_DETACH) })
	repo := gittest.NewRepo(t)
	files := map[string]string{}
	for i := range 200 {
		random := make([]byte, 10_000)
		_, _ = rand.Read(random)
		files[fmt.Sprint("file", i)] = hex.EncodeToString(random)
	}
	repo.Commit(files)
	m := newMirror(t, newProgramWith(t, git.Options{Data: data}), repo.Dir)
	for range 2 {
		_, err := m.Fetch(t.Context(), git.Credentials{}, []git.Ref{main})
		checkFailure(t, err, git.ErrDiskFull, repo.Dir, "free space")
	}
	if err := mount(syscall.MS_REMOUNT, "20m"); err != nil {
		t.Fatal(err)
	}
	fetch(t, m, git.Credentials{}, main)
}
