// Package folder is a folder of this machine as a tree, as it is at the moment:
// for commands that render what isn't committed yet, with no daemon.
//
// It is never used by the daemon, which reads commits only. The tree is that of
// the Git checkout which holds the folder, so that a base outside of the folder
// is found; nothing outside of the checkout can be read. What is in .git is not
// part of it.
package folder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/tree"
)

// Open is the checkout around a folder or file, or the folder itself where
// there is none, and the path of it in there.
func Open(name string) (files tree.Tree, below string, err error) {
	return open(name, func(folder string) string { return folder })
}

// Beside is what Open is, but where there is no checkout that of the working
// directory, if the folder lies in it: so an overlay finds the bases beside it.
func Beside(name string) (files tree.Tree, below string, err error) {
	return open(name, around)
}

func open(name string, otherwise func(folder string) string) (files tree.Tree, below string, err error) {
	absolute, err := filepath.Abs(name)
	if err != nil {
		return tree.Tree{}, "", fmt.Errorf("%s: %w", name, err)
	}
	if absolute, err = filepath.EvalSymlinks(absolute); err != nil {
		return tree.Tree{}, "", err
	}
	top, err := topOf(absolute, otherwise)
	if err != nil {
		return tree.Tree{}, "", err
	}
	root, err := os.OpenRoot(top)
	if err != nil {
		return tree.Tree{}, "", err
	}
	below, err = filepath.Rel(top, absolute)
	if err != nil {
		return tree.Tree{}, "", err
	}
	return tree.New(store{root}, "."), filepath.ToSlash(below), nil
}

// topOf is the nearest folder above that has a .git, or else what stands in for
// it.
func topOf(absolute string, otherwise func(folder string) string) (string, error) {
	info, err := os.Stat(absolute)
	if err != nil {
		return "", err
	}
	start := absolute
	if !info.IsDir() {
		start = filepath.Dir(absolute)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return otherwise(start), nil
		}
	}
}

// around is the working directory if a folder lies in it, or else the folder.
func around(folder string) string {
	here, err := os.Getwd()
	if err == nil {
		here, err = filepath.EvalSymlinks(here)
	}
	if err != nil || !strings.HasPrefix(folder, strings.TrimSuffix(here, "/")+"/") {
		return folder
	}
	return here
}

// store reads a folder by path; an object's id is its path. os.Root keeps all
// reading inside, whatever links there are.
type store struct{ root *os.Root }

// Folder implements tree.Store.
func (s store) Folder(id string) ([]tree.Entry, error) {
	dir, err := s.root.Open(id)
	if err != nil {
		return nil, notFound(id, err)
	}
	defer func() { _ = dir.Close() }() // it was only read
	found, err := dir.ReadDir(-1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	entries := make([]tree.Entry, 0, len(found))
	for _, f := range found {
		if mode, ok := modeOf(f.Type()); ok && f.Name() != ".git" {
			entries = append(entries, tree.Entry{Name: f.Name(), Mode: mode, ID: path.Join(id, f.Name())})
		}
	}
	slices.SortFunc(entries, func(a, b tree.Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, nil
}

// modeOf leaves out what Git doesn't keep: devices, pipes, sockets.
func modeOf(m fs.FileMode) (tree.Mode, bool) {
	switch {
	case m.IsRegular():
		return tree.File, true
	case m.IsDir():
		return tree.Folder, true
	case m&fs.ModeSymlink != 0:
		return tree.Link, true
	}
	return tree.File, false
}

// Blob implements tree.Store. Of a link it is what the link says, as in Git.
func (s store) Blob(id string, limit int64) ([]byte, error) {
	if target, err := s.root.Readlink(id); err == nil {
		return []byte(filepath.ToSlash(target)), nil
	}
	f, err := s.root.Open(id)
	if err != nil {
		return nil, notFound(id, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s: %w: more than %d bytes", id, tree.ErrTooLarge, limit)
	}
	return content, nil
}

func notFound(id string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", id, tree.ErrNotFound)
	}
	return err
}
