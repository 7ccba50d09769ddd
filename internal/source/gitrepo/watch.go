package gitrepo

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// watch tells when the refs of a repository on this machine change. It is a
// short cut only: where it can't be had, the next look finds the change.
type watch struct {
	changed func() // is told of a change

	watcher *fsnotify.Watcher
	folders []watched
}

// watched is a folder as it was when the watch on it began.
type watched struct {
	path string
	info fs.FileInfo
}

// maxWatched bounds the folders that are watched in one repository.
const maxWatched = 1000

// on makes sure that the repository is watched. It is called before each look,
// so that nothing goes unseen in between.
func (w *watch) on(repository string) {
	if w.watcher != nil && w.current() {
		return
	}
	w.close()
	kept := gitFolders(repository)
	if len(kept) == 0 {
		return
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return
	}
	w.watcher, w.folders = watcher, nil
	for _, folder := range kept {
		if info, err := os.Stat(folder); err == nil && watcher.Add(folder) == nil {
			w.folders = append(w.folders, watched{folder, info})
		}
		for _, below := range []string{"refs", "reftable"} {
			addBelow(watcher, filepath.Join(folder, below))
		}
	}
	go forward(watcher, w.changed)
}

// current says whether the folders are still the ones that were there.
func (w *watch) current() bool {
	for _, f := range w.folders {
		info, err := os.Stat(f.path)
		if err != nil || !os.SameFile(info, f.info) {
			return false
		}
	}
	return len(w.folders) > 0
}

func (w *watch) close() {
	if w.watcher != nil {
		_ = w.watcher.Close()
		w.watcher = nil
	}
}

// forward tells of changes until the watcher is closed.
func forward(watcher *fsnotify.Watcher, changed func()) {
	for {
		select {
		case event, ok := <-watcher.Events:
			if !ok {
				return
			}
			if !meansChange(event.Name) {
				continue
			}
			if event.Has(fsnotify.Create) {
				addBelow(watcher, event.Name) // if it is a folder
			}
			changed()
		case _, ok := <-watcher.Errors: // such as too many events at once
			if !ok {
				return
			}
			changed()
		}
	}
}

// meansChange says whether a file is one that a branch, tag or HEAD is kept in.
func meansChange(path string) bool {
	slashed := filepath.ToSlash(path)
	name := filepath.Base(path)
	switch {
	case strings.HasSuffix(name, ".lock"):
		return false
	case name == "HEAD", name == "packed-refs":
		return true
	}
	return strings.Contains(slashed, "/refs/") || strings.Contains(slashed, "/reftable/") || strings.HasSuffix(slashed, "/refs")
}

// addBelow watches a folder and all below it.
func addBelow(watcher *fsnotify.Watcher, folder string) {
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && len(watcher.WatchList()) < maxWatched {
			_ = watcher.Add(path)
		}
		return nil
	})
}

// gitFolders are the folders that a repository keeps its HEAD and its refs in:
// one, or two for a worktree of another repository.
func gitFolders(repository string) []string {
	folder := filepath.Join(repository, ".git")
	info, err := os.Stat(folder)
	switch {
	case err != nil: // a bare repository
		folder = repository
	case !info.IsDir():
		if folder = pointed(folder, "gitdir: "); folder == "" {
			return nil
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "HEAD")); err != nil {
		return nil
	}
	folders := []string{folder}
	if common := pointed(filepath.Join(folder, "commondir"), ""); common != "" {
		folders = append(folders, common)
	}
	return folders
}

// pointed is the folder that a file of git's names, relative to where it lies.
func pointed(file, prefix string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	path, ok := strings.CutPrefix(strings.TrimSpace(string(b)), prefix)
	if !ok || path == "" {
		return ""
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(file), path)
	}
	return path
}
