// Package gittest makes Git repositories and serves them, for tests: over HTTP
// and HTTPS by git's own http-backend, and over SSH by git's own programs behind
// a small SSH server. They can be pushed to where a test allows it. It is not for
// use outside tests.
package gittest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/tree/treetest"
)

// Repo is a bare repository in a folder of its own.
type Repo struct {
	// Dir is the repository; Root is the folder that it is served from.
	Root, Dir string
	t         testing.TB
	branch    string
	commits   int
}

// NewRepo makes an empty repository whose default branch is main.
func NewRepo(t testing.TB) *Repo {
	t.Helper()
	root := t.TempDir()
	r := &Repo{Root: root, Dir: filepath.Join(root, "repo.git"), t: t, branch: "main"}
	r.git(nil, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", r.Dir)
	r.Git("config", "http.receivepack", "false")
	return r
}

// Remake makes the repository anew, empty, with another object format.
func (r *Repo) Remake(format string) {
	r.t.Helper()
	if err := os.RemoveAll(r.Dir); err != nil {
		r.t.Fatal(err)
	}
	r.git(nil, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--object-format="+format, r.Dir)
	r.AllowPush()
}

// Remove is what Commit takes for the content of a file that goes.
const Remove = "@remove"

// Commit adds a commit to the current branch and returns its id. Files that
// aren't named stay. Content is as in package treetest: a link is "-> target";
// besides, Remove removes a file or folder.
func (r *Repo) Commit(files map[string]string) string {
	r.t.Helper()
	return r.CommitTo(r.branch, files)
}

// CommitTo adds a commit to a branch and makes it the current one. Where the
// branch is new it starts from the one before, and comes to be with the commit.
func (r *Repo) CommitTo(branch string, files map[string]string) string {
	r.t.Helper()
	parent := ""
	for _, name := range []string{r.branch, branch} {
		if r.exists("refs/heads/" + name) {
			parent = "refs/heads/" + name
		}
	}
	r.branch = branch
	return r.commit(files, parent)
}

// Orphan puts a commit with only these files in place of the current branch, as
// a force push of an unrelated history does.
func (r *Repo) Orphan(files map[string]string) string {
	r.t.Helper()
	r.Git("update-ref", "-d", "refs/heads/"+r.branch)
	return r.commit(files, "")
}

// commit streams one commit into git fast-import, which is quick for many files.
func (r *Repo) commit(files map[string]string, parent string) string {
	r.t.Helper()
	r.commits++
	var in bytes.Buffer
	message := fmt.Sprintf("Commit %d\n\nWith a body.\n", r.commits)
	fmt.Fprintf(&in, "commit refs/heads/%s\nauthor Ada Author <ada@example.com> %d +0200\n", r.branch, 1_700_000_000+r.commits)
	fmt.Fprintf(&in, "committer Carl Committer <carl@example.com> %d +0000\ndata %d\n%s\n", 1_700_000_000+r.commits, len(message), message)
	if parent != "" {
		fmt.Fprintf(&in, "from %s^0\n", parent)
	}
	for path, content := range files {
		switch {
		case content == Remove:
			fmt.Fprintf(&in, "D %q\n", path)
		case strings.HasPrefix(content, treetest.Submodule):
			fmt.Fprintf(&in, "M 160000 %040x %q\n", len(content), path)
		case strings.HasPrefix(content, treetest.LinkTo):
			target := strings.TrimPrefix(content, treetest.LinkTo)
			fmt.Fprintf(&in, "M 120000 inline %q\ndata %d\n%s\n", path, len(target), target)
		case strings.HasPrefix(content, treetest.Exec):
			fmt.Fprintf(&in, "M 100755 inline %q\ndata %d\n%s\n", path, len(content), content)
		default:
			fmt.Fprintf(&in, "M 100644 inline %q\ndata %d\n%s\n", path, len(content), content)
		}
	}
	r.git(&in, "--git-dir", r.Dir, "fast-import", "--quiet", "--force")
	return r.Head()
}

// Head is the id of the current branch's commit.
func (r *Repo) Head() string {
	r.t.Helper()
	return r.Git("rev-parse", "refs/heads/"+r.branch)
}

// Branch makes name the current branch; where it is new it starts at the
// commit of the branch before.
func (r *Repo) Branch(name string) {
	r.t.Helper()
	if !r.exists("refs/heads/"+name) && r.exists("refs/heads/"+r.branch) {
		r.Git("update-ref", "refs/heads/"+name, r.Head())
	}
	r.branch = name
}

// Reset moves the current branch, as a force push does.
func (r *Repo) Reset(commit string) {
	r.t.Helper()
	r.Git("update-ref", "refs/heads/"+r.branch, commit)
}

// DeleteBranch deletes a branch.
func (r *Repo) DeleteBranch(name string) {
	r.t.Helper()
	r.Git("update-ref", "-d", "refs/heads/"+name)
}

// DefaultBranch makes HEAD point to a branch.
func (r *Repo) DefaultBranch(name string) {
	r.t.Helper()
	r.Git("symbolic-ref", "HEAD", "refs/heads/"+name)
}

// Tag makes or moves a tag, annotated, at the current branch's commit.
func (r *Repo) Tag(name string) {
	r.t.Helper()
	r.Git("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "tag", "--force", "--annotate", "--message", name, name, r.Head())
}

// UpdateRefs carries out lines of git update-ref --stdin.
func (r *Repo) UpdateRefs(lines string) {
	r.t.Helper()
	r.git(bytes.NewBufferString(lines), "--git-dir", r.Dir, "update-ref", "--stdin")
}

// Git runs a git command in the repository and returns what it printed, trimmed.
func (r *Repo) Git(args ...string) string {
	r.t.Helper()
	return r.git(nil, append([]string{"--git-dir", r.Dir}, args...)...)
}

// Store puts an object into the repository, whatever is wrong with it.
func (r *Repo) Store(kind string, content []byte) string {
	r.t.Helper()
	return r.git(bytes.NewBuffer(content), "--git-dir", r.Dir, "hash-object", "-w", "-t", kind, "--literally", "--stdin")
}

func (r *Repo) exists(ref string) bool {
	cmd := gitCommand("--git-dir", r.Dir, "rev-parse", "--verify", "--quiet", ref)
	return cmd.Run() == nil
}

func (r *Repo) git(stdin *bytes.Buffer, args ...string) string {
	r.t.Helper()
	cmd := gitCommand(args...)
	if stdin != nil {
		cmd.Stdin = stdin
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// gitCommand runs git without anyone's settings.
func gitCommand(args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Env = environ()
	return cmd
}

func environ() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C"}
}

// Rename moves the repository within the folder that it is served from.
func (r *Repo) Rename(name string) {
	r.t.Helper()
	to := filepath.Join(r.Root, name)
	if err := os.Rename(r.Dir, to); err != nil {
		r.t.Fatal(err)
	}
	r.Dir = to
}
