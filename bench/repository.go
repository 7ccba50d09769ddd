package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// repositoryName is the folder of the repository below that which is served.
const repositoryName = "fleet.git"

// repository is a bare repository that commits are written to directly, as
// quick as a push and without its cost.
type repository struct {
	root string // the folder that is served
	dir  string
}

// commit is one commit: files with their new content; others stay.
type commit struct {
	message string
	files   map[string]string
}

func newRepository(ctx context.Context, root string, first commit) (*repository, error) {
	r := &repository{root: root, dir: filepath.Join(root, repositoryName)}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	if err := r.git(ctx, nil, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", r.dir); err != nil {
		return nil, err
	}
	return r, r.commit(ctx, first)
}

// commit adds a commit to the branch main.
func (r *repository) commit(ctx context.Context, c commit) error {
	var in bytes.Buffer
	who := fmt.Sprintf("Ada Author <ada@example.com> %d +0000", time.Now().Unix())
	fmt.Fprintf(&in, "commit refs/heads/main\nauthor %s\ncommitter %s\ndata %d\n%s\n", who, who, len(c.message), c.message)
	if _, err := os.Stat(filepath.Join(r.dir, "refs", "heads", "main")); err == nil {
		in.WriteString("from refs/heads/main^0\n")
	}
	for _, path := range slices.Sorted(maps.Keys(c.files)) {
		content := c.files[path]
		fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
	}
	return r.git(ctx, &in, "--git-dir", r.dir, "fast-import", "--quiet")
}

func (r *repository) git(ctx context.Context, in *bytes.Buffer, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Env = gitEnvironment()
	if in != nil {
		cmd.Stdin = in
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// gitEnvironment keeps anyone's settings out.
func gitEnvironment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "LC_ALL=C"}
}
