package kustomize

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// files is the tree as the library sees it: a disk that can't be written to, with
// the repository's top in one folder, and what the App asks for on top in another;
// see overlay.go. What is mounted is there as NAME in every folder of the tree, so that a
// path that begins with NAME leads to it from wherever it is written.
type files struct{ *build }

var errReadOnly = errors.New("a repository's files can't be changed by a build")

// treePath is a path of the library's as the tree has it, or an error for one
// that isn't in it.
func (b *build) treePath(p string) (string, error) {
	at := path.Clean("/" + p)
	if rest, in := strings.CutPrefix(at, treeFolder); in && (rest == "" || rest[0] == '/') {
		return b.real(strings.TrimPrefix(rest, "/")), nil
	}
	if rest, in := strings.CutPrefix(at, overlayFolder+"/"+tree.MountMark); in {
		return b.real(tree.MountMark + rest), nil // a base that the App's own parameters name
	}
	return "", fmt.Errorf("%s: %w", at, tree.ErrNotFound)
}

// real is a path of the tree, where what is mounted may be in the middle.
func (b *build) real(at string) string {
	names := strings.Split(at, "/")
	for i := len(names) - 1; i > 0; i-- {
		if _, isBase := b.remotes.bases[names[i]]; isBase {
			return strings.Join(names[i:], "/")
		}
	}
	for i := 1; i < len(names); i++ {
		if strings.HasPrefix(names[i], tree.MountMark) && b.isMount(strings.Join(names[:i], "/"), names[i]) {
			return strings.Join(names[i:], "/")
		}
	}
	return at
}

// isMount says whether a name in a folder stands for what is mounted under it: if
// the folder has nothing of that name itself.
func (b *build) isMount(folder, name string) bool {
	at := folder + "/" + name
	is, known := b.mounts[at]
	if !known {
		_, own := b.files.Stat(at)
		_, other := b.files.Stat(name)
		is = own != nil && other == nil
		b.mounts[at] = is
	}
	return is
}

// ReadFile hands out a file, vetted first where it is a kustomization.
func (f files) ReadFile(p string) ([]byte, error) {
	if f.refused != nil {
		return nil, f.refused
	}
	if content, is := f.over[path.Clean("/"+p)]; is {
		return slices.Clone(content), nil
	}
	at, err := f.treePath(p)
	if err != nil {
		return nil, err
	}
	content, err := f.files.ReadFile(at)
	if err != nil {
		return nil, err
	}
	if slices.Contains(render.KustomizationFiles(), path.Base(at)) {
		content, err = f.vet(at, f.depth(p), content)
	} else {
		err = manifest.CheckExpansion(at, content)
	}
	if f.handed += len(content); f.handed > maxBytes {
		err = fmt.Errorf("%s: more than %d bytes are read for this build, files that are used again counted again; split the App", at, maxBytes)
	}
	if err != nil {
		f.refused = err
		return nil, err
	}
	f.read[at] = content
	f.sources.take(at, content)
	return slices.Clone(content), nil // the store's bytes are not the library's to change
}

// CleanedAbs parts a path into folder and file name.
func (f files) CleanedAbs(p string) (filesys.ConfirmedDir, string, error) {
	at := path.Clean("/" + p)
	e, err := f.stat(at)
	if err != nil {
		return "", "", err
	}
	if e.Mode == tree.Folder {
		return filesys.ConfirmedDir(at), "", nil
	}
	dir, name := path.Split(at)
	return filesys.ConfirmedDir(path.Clean(dir)), name, nil
}

func (f files) stat(p string) (tree.Entry, error) {
	if f.refused != nil {
		return tree.Entry{}, f.refused
	}
	p = path.Clean("/" + p)
	if _, is := f.over[p]; is {
		return tree.Entry{Mode: tree.File}, nil
	}
	if p == overlayFolder {
		return tree.Entry{Mode: tree.Folder}, nil
	}
	at, err := f.treePath(p)
	if err != nil {
		return tree.Entry{}, err
	}
	return f.files.Stat(at)
}

// depth is how many bases name each other on the way to a path.
func (f files) depth(p string) int {
	n := 0
	for name := range strings.SplitSeq(p, "/") {
		if _, isBase := f.remotes.bases[name]; isBase {
			n++
		}
	}
	return n
}

// IsDir says whether a path is a folder.
func (f files) IsDir(p string) bool {
	e, err := f.stat(p)
	return err == nil && e.Mode == tree.Folder
}

// Exists says whether there is anything at a path.
func (f files) Exists(p string) bool {
	_, err := f.stat(p)
	return err == nil
}

// ReadDir lists the names in a folder.
func (f files) ReadDir(p string) ([]string, error) {
	if f.refused != nil {
		return nil, f.refused
	}
	at, err := f.treePath(p)
	if err != nil {
		return nil, err
	}
	entries, err := f.files.ReadDir(at)
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names, err
}

// Glob lists the paths that match a pattern in its last name.
func (f files) Glob(pattern string) ([]string, error) {
	dir, last := path.Split(pattern)
	names, err := f.ReadDir(dir)
	if err != nil {
		return nil, nil // no folder, no match
	}
	var found []string
	for _, name := range names {
		matched, err := path.Match(last, name)
		if err != nil {
			return nil, err
		}
		if matched {
			found = append(found, dir+name)
		}
	}
	return found, nil
}

// The library's builds neither walk nor open files, and nothing may write.

// Walk is not there.
func (files) Walk(string, filepath.WalkFunc) error { return errReadOnly }

// Open is not there.
func (files) Open(string) (filesys.File, error) { return nil, errReadOnly }

// Create is not there.
func (files) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir is not there.
func (files) Mkdir(string) error { return errReadOnly }

// MkdirAll is not there.
func (files) MkdirAll(string) error { return errReadOnly }

// RemoveAll is not there.
func (files) RemoveAll(string) error { return errReadOnly }

// WriteFile is not there.
func (files) WriteFile(string, []byte) error { return errReadOnly }

// inside says whether a path as a kustomization in a folder gives it stays in
// the repository, and what it is there. What is mounted is a repository of its
// own: nothing in it leads out.
func (b *build) inside(folder, given string) (string, bool) {
	at := path.Join(folder, given)
	if at == ".." || strings.HasPrefix(at, "../") || path.IsAbs(given) {
		return "", false
	}
	at = b.real(strings.TrimPrefix(at, "./"))
	if at == "." {
		at = ""
	}
	from, _ := tree.Mounted(folder)
	to, _ := tree.Mounted(at)
	return at, from == "" || from == to
}
