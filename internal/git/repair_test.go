package git_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/git/gittest"
	"plumb.dev/plumb/internal/tree"
)

// mirrorDir is the folder of the one mirror in a data folder.
func mirrorDir(t *testing.T, data string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(data, "mirrors", "*", "HEAD"))
	if err != nil || len(found) != 1 {
		t.Fatalf("mirrors: %v, %v", found, err)
	}
	return filepath.Dir(found[0])
}

// each calls fn with every file of a folder whose name fits.
func each(t *testing.T, folder, pattern string, fn func(path string)) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if rel, _ := filepath.Rel(folder, path); match(pattern, rel) {
			fn(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func match(pattern, path string) bool {
	ok, _ := filepath.Match(pattern, path)
	return ok
}

// TestDamageIsMended: whatever is done to a mirror, it comes back by itself.
func TestDamageIsMended(t *testing.T) {
	t.Parallel()
	write := func(content string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			t.Helper()
			_ = os.Chmod(path, 0o600)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	truncate := func(t *testing.T, path string) {
		t.Helper()
		_ = os.Chmod(path, 0o600)
		if err := os.Truncate(path, 20); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(t *testing.T, path string) {
		t.Helper()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string]struct {
		files  string
		damage func(*testing.T, string)
	}{
		"all is gone":           {"*", remove},
		"HEAD is gone":          {"HEAD", remove},
		"HEAD is empty":         {"HEAD", write("")},
		"config is gone":        {"config", remove},
		"config is garbage":     {"config", write("[[[")},
		"refs are gone":         {"refs/plumb/heads/*", remove},
		"refs are empty":        {"refs/plumb/heads/*", write("")},
		"refs are garbage":      {"refs/plumb/heads/*", write("garbage")},
		"refs point nowhere":    {"refs/plumb/heads/*", write(strings.Repeat("ab", 20) + "\n")},
		"objects are gone":      {"objects/??/*", remove},
		"objects are empty":     {"objects/??/*", write("")},
		"objects are truncated": {"objects/??/*", truncate},
		"objects are garbage":   {"objects/??/*", write("garbage")},
		"packs are gone":        {"objects/pack/*", remove},
		"packs are truncated":   {"objects/pack/*.pack", truncate},
		"indexes are truncated": {"objects/pack/*.idx", truncate},
		"packs are garbage":     {"objects/pack/*.pack", write("garbage")},
		"locks are left":        {"refs/plumb/heads/*", func(t *testing.T, p string) { t.Helper(); write("")(t, p+".lock") }},
		"more locks are left": {"HEAD", func(t *testing.T, p string) {
			t.Helper()
			for _, name := range []string{"HEAD.lock", "packed-refs.lock", "config.lock", "shallow.lock", "objects/pack/tmp_pack_x"} {
				write("")(t, filepath.Join(filepath.Dir(p), name))
			}
		}},
	}
	for name, test := range tests {
		for variant, packed := range map[string]bool{"while it runs": false, "packed, before a restart": true} {
			t.Run(name+" "+variant, func(t *testing.T) {
				t.Parallel()
				repo := gittest.NewRepo(t)
				first := map[string]string{"file": "1", "folder/file": "2"}
				if packed { // a hundred objects and more come as a pack
					for i := range 120 {
						first[fmt.Sprint("many/", i)] = fmt.Sprint(i)
					}
				}
				repo.Commit(first)
				data := t.TempDir()
				m := newMirror(t, newProgramWith(t, git.Options{Data: data}), repo.Dir)
				fetch(t, m, git.Credentials{}, main)
				read(t, m, repo.Head(), "file", "1")
				each(t, mirrorDir(t, data), test.files, func(path string) { test.damage(t, path) })
				if packed {
					m.Close()
					m = newMirror(t, newProgramWith(t, git.Options{Data: data}), repo.Dir)
				}
				repo.Commit(map[string]string{"file": "3"})
				mendsItself(t, m, repo.Head())
			})
		}
	}
}

// mendsItself fetches and reads as a daemon does, which looks again when reading
// tells of damage; the second look at the latest must have it all.
func mendsItself(t *testing.T, m *git.Mirror, id string) {
	t.Helper()
	for attempt := range 2 {
		results, err := m.Fetch(t.Context(), git.Credentials{}, []git.Ref{main})
		if err == nil {
			err = results[main].Err
		}
		if err == nil && results[main].Commit.ID != id {
			t.Fatalf("fetched %s, want %s", results[main].Commit.ID, id)
		}
		if err == nil {
			err = readAll(m, id)
		}
		if err == nil {
			return
		}
		if attempt > 0 {
			t.Fatal(err)
		}
		select {
		case <-m.Broken():
		default:
			t.Fatalf("the mirror does not know that it is damaged: %v", err)
		}
	}
}

func readAll(m *git.Mirror, id string) error {
	files, err := m.Tree(id)
	if err != nil {
		return err
	}
	for _, path := range []string{"file", "folder/file"} {
		if _, err := files.ReadFile(path); err != nil {
			return err
		}
	}
	return nil
}

func read(t *testing.T, m *git.Mirror, commit, path, want string) {
	t.Helper()
	files, err := m.Tree(commit)
	if err != nil {
		t.Fatal(err)
	}
	got, err := files.ReadFile(path)
	if err != nil || string(got) != want {
		t.Fatalf("%s: got %q, %v, want %q", path, got, err, want)
	}
}

// TestKilledAtAnyTime: programs that are killed in the middle of a fetch leave
// nothing that the next one doesn't get over.
func TestKilledAtAnyTime(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	big := map[string]string{"file": "1", "folder/file": "2"}
	for i := range 500 {
		big[fmt.Sprint("many/", i)] = strings.Repeat(fmt.Sprint(i), 100)
	}
	repo.Commit(big)
	data := t.TempDir()
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 20 {
		id := repo.Commit(map[string]string{"file": strconv.Itoa(i)})
		m := newMirror(t, newProgramWith(t, git.Options{Data: data}), repo.Dir)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(30))*time.Millisecond)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = m.Fetch(ctx, git.Credentials{}, []git.Ref{main})
		}()
		<-ctx.Done()
		killGit(data)
		<-ended
		cancel()
		m.Close()
		m = newMirror(t, newProgramWith(t, git.Options{Data: data}), repo.Dir)
		fetch(t, m, git.Credentials{}, main)
		if err := readAll(m, id); err != nil {
			t.Fatal(err)
		}
		m.Close()
	}
}

// killGit kills the git programs that have something to do with a folder.
func killGit(folder string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		env, _ := os.ReadFile(f)
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil && pid != os.Getpid() && strings.Contains(string(env), "HOME="+folder) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// TestReaderIsReplaced: when the processes that read a mirror die, reading goes on.
func TestReaderIsReplaced(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("finds the processes in /proc")
	}
	repo := gittest.NewRepo(t)
	id := repo.Commit(map[string]string{"file": "1"})
	data := t.TempDir()
	m := newMirror(t, newProgramWith(t, git.Options{Data: data}), repo.Dir)
	fetch(t, m, git.Credentials{}, main)
	for range 3 {
		read(t, m, id, "file", "1")
		killGit(data)
	}
	select {
	case <-m.Broken():
		t.Error("a killed process is no damage")
	default:
	}
}

// TestLargeFile: a file of a hundred megabytes is refused by its size, and its
// content is never read.
func TestLargeFile(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	id := repo.Commit(map[string]string{"huge": strings.Repeat("0123456789", 10<<20), "small": "1"})
	m := newMirror(t, newProgram(t), repo.Dir)
	fetch(t, m, git.Credentials{}, main)
	files, err := m.Tree(id)
	if err != nil {
		t.Fatal(err)
	}
	least := uint64(1 << 40)
	for range 10 { // other tests take memory meanwhile
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = files.ReadFile("huge")
		runtime.ReadMemStats(&after)
		if !errors.Is(err, tree.ErrTooLarge) || !strings.Contains(err.Error(), "huge: too large: 104857600 bytes (the limit for one file is 16777216 bytes)") {
			t.Errorf("got %v, want ErrTooLarge", err)
		}
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	if least > 64<<20 {
		t.Errorf("refusing it took %d bytes of memory", least)
	}
	read(t, m, id, "small", "1")
}

// TestReadWhileFetchingAndTidying: readers notice nothing of what is done to the mirror.
func TestReadWhileFetchingAndTidying(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	id := repo.Commit(map[string]string{"file": "1", "folder/file": "2"})
	m := newMirror(t, newProgram(t), repo.Dir)
	fetch(t, m, git.Credentials{}, main)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := readAll(m, id); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 60 { // more packs than are left alone
		files := map[string]string{"file": fmt.Sprint(i)}
		for j := range 110 {
			files[fmt.Sprint("many/", j)] = fmt.Sprint(i, j)
		}
		repo.Commit(files)
		fetch(t, m, git.Credentials{}, main)
		if i%20 == 19 {
			if err := m.Tidy(t.Context(), []git.Ref{main}); err != nil {
				t.Error(err)
			}
		}
	}
	close(done)
	readers.Wait()
}

func TestTidyForgetsWhatIsNotWanted(t *testing.T) {
	t.Parallel()
	repo := gittest.NewRepo(t)
	repo.Commit(map[string]string{"x": "1"})
	repo.Branch("other")
	repo.Commit(map[string]string{"x": "2"})
	data := t.TempDir()
	m := newMirror(t, newProgramWith(t, git.Options{Data: data}), repo.Dir)
	fetch(t, m, git.Credentials{}, main)
	fetch(t, m, git.Credentials{}, git.Ref{Branch: "other"})
	if err := m.Tidy(t.Context(), []git.Ref{main}); err != nil {
		t.Fatal(err)
	}
	known := m.Resolve([]git.Ref{main, {Branch: "other"}})
	if known[main].Commit.ID == "" || known[git.Ref{Branch: "other"}].Commit.ID != "" {
		t.Errorf("got %v, want main alone", known)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := newProgramWith(t, git.Options{Data: data})
	var urls []git.URL
	for range 2 {
		repo := gittest.NewRepo(t)
		repo.Commit(map[string]string{"x": "1"})
		m := newMirror(t, p, repo.Dir)
		fetch(t, m, git.Credentials{}, main)
		u, err := git.ParseURL(repo.Dir)
		if err != nil {
			t.Fatal(err)
		}
		urls = append(urls, u)
	}
	count := func() int {
		found, _ := filepath.Glob(filepath.Join(data, "mirrors", "*"))
		return len(found)
	}
	if err := p.Sweep(nil, time.Hour); err != nil || count() != 2 {
		t.Errorf("%d mirrors are left of those just fetched (%v)", count(), err)
	}
	if err := p.Sweep(urls[:1], -time.Second); err != nil || count() != 1 {
		t.Errorf("%d mirrors are left, want the one in use (%v)", count(), err)
	}
}
