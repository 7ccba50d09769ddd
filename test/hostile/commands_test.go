package hostile_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"plumb.dev/plumb/internal/git/gittest"
)

// TestDocumentedCommands runs the commands that docs/git.md and docs/metrics.md
// show, as they stand there, but for the data folder, the daemon's address and
// the repository, and compares what they print.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	server := repo.ServeHTTP()
	s := newStand(t, how{root: server.Repo(repo)}, func(s *stand) map[string]string {
		repo.Commit(map[string]string{"apps/shop.yaml": s.declare("shop"), "shop/map.yaml": paint("shop", "red")})
		return map[string]string{"README.md": "not this one"}
	})
	s.synced(t, "shop", "")
	here := strings.NewReplacer("~/.local/share/plumb", s.data, "127.0.0.1:7586", s.address, "https://git.example.com/fleet.git", server.Repo(repo))
	ran := 0
	for _, name := range []string{"git.md", "metrics.md"} {
		for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(document(t, name), -1) {
			var script, want strings.Builder
			for line := range strings.Lines(block[1]) {
				if command, is := strings.CutPrefix(line, "$ "); is {
					script.WriteString(here.Replace(command))
				} else {
					want.WriteString(line)
				}
			}
			cmd := exec.Command("bash", "-euo", "pipefail", "-c", script.String())
			cmd.Env = append(os.Environ(), "PATH="+onPath(t)+":"+os.Getenv("PATH"))
			if got := carryOut(t, cmd); got.code != 0 || got.out != want.String() {
				t.Errorf("docs/%s: code %d\n%s%sit prints:\n%s", name, got.code, script.String(), got.err, got.out)
			}
			ran++
		}
	}
	if ran != 2 {
		t.Errorf("%d blocks of commands were run: say here how many there are", ran)
	}
}

// onPath is a folder with plumb in it.
func onPath(t *testing.T) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Symlink(path, filepath.Join(folder, "plumb")); err != nil {
		t.Fatal(err)
	}
	return folder
}
