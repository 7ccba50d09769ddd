package git_test

import (
	"fmt"
	"testing"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
)

// BenchmarkReadFile reads files of a thousand folders, one by one.
func BenchmarkReadFile(b *testing.B) {
	repo := gittest.NewRepo(b)
	files := map[string]string{}
	for i := range 1000 {
		files[fmt.Sprintf("apps/app-%d/deployment.yaml", i)] = fmt.Sprint("kind: Deployment ", i)
	}
	id := repo.Commit(files)
	m := newMirror(b, newProgram(b), repo.Dir)
	fetch(b, m, git.Credentials{}, main)
	t, err := m.Tree(id)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		if _, err := t.ReadFile(fmt.Sprintf("apps/app-%d/deployment.yaml", i%1000)); err != nil {
			b.Fatal(err)
		}
	}
}
