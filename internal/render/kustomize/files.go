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

// files is the tree as the library sees it: a disk that can't be written to,
// with the repository's top for its root.
type files struct{ *build }

var errReadOnly = errors.New("a repository's files can't be changed by a build")

// treePath is a path of the library's as the tree has it.
func treePath(p string) string { return path.Clean("/" + p)[1:] }

// ReadFile hands out a file, vetted first where it is a kustomization.
func (f files) ReadFile(p string) ([]byte, error) {
	if f.refused != nil {
		return nil, f.refused
	}
	at := treePath(p)
	content, err := f.files.ReadFile(at)
	if err != nil {
		return nil, err
	}
	if slices.Contains(render.KustomizationFiles(), path.Base(at)) {
		content, err = f.vet(at, content)
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
	at := treePath(p)
	e, err := f.stat(at)
	if err != nil {
		return "", "", err
	}
	if e.Mode == tree.Folder {
		return filesys.ConfirmedDir("/" + at), "", nil
	}
	dir, name := path.Split("/" + at)
	return filesys.ConfirmedDir(path.Clean(dir)), name, nil
}

func (f files) stat(at string) (tree.Entry, error) {
	if f.refused != nil {
		return tree.Entry{}, f.refused
	}
	return f.files.Stat(at)
}

// IsDir says whether a path is a folder.
func (f files) IsDir(p string) bool {
	e, err := f.stat(treePath(p))
	return err == nil && e.Mode == tree.Folder
}

// Exists says whether there is anything at a path.
func (f files) Exists(p string) bool {
	_, err := f.stat(treePath(p))
	return err == nil
}

// ReadDir lists the names in a folder.
func (f files) ReadDir(p string) ([]string, error) {
	if f.refused != nil {
		return nil, f.refused
	}
	entries, err := f.files.ReadDir(treePath(p))
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
// the repository, and what it is there.
func inside(folder, given string) (string, bool) {
	at := path.Join(folder, given)
	if at == ".." || strings.HasPrefix(at, "../") || path.IsAbs(given) {
		return "", false
	}
	return treePath(at), true
}
