package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommitsAreServed(t *testing.T) {
	f := newFleet(3, 2)
	repo, err := newRepository(t.Context(), filepath.Join(t.TempDir(), "git"), commit{message: "Begin", files: f.files})
	if err != nil {
		t.Fatal(err)
	}
	if err := repo.commit(t.Context(), f.turn("app-0001", "turn-1")); err != nil {
		t.Fatal(err)
	}
	served, err := serveGit(t.Context(), repo.root)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := served.close(); err != nil {
			t.Error(err)
		}
	}()
	clone := filepath.Join(t.TempDir(), "clone")
	if err := repo.git(t.Context(), nil, "clone", "--quiet", "--bare", served.url+"/"+repositoryName, clone); err != nil {
		t.Fatal(err)
	}
	show := exec.CommandContext(t.Context(), "git", "--git-dir", clone, "show", "--stat=100", "--format=%s", "main")
	show.Env = gitEnvironment()
	out, err := show.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"Turn app-0001", "apps/app-0001/settings.yaml | 2 +-", "1 file changed"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
