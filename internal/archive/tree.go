package archive

import (
	"fmt"
	"strings"

	"plumb.dev/plumb/internal/gitobject"
	"plumb.dev/plumb/internal/tree"
)

// Tree is the tree that has these files, in memory. Its objects are named by
// their content, as Git would name them in a repository of SHA-256; so trees
// of two archives can be compared.
func Tree(files []File) (tree.Tree, error) {
	top := &folder{}
	for _, f := range files {
		if err := top.put(f.Name, f); err != nil {
			return tree.Tree{}, err
		}
	}
	s := &store{folders: map[string][]tree.Entry{}, blobs: map[string][]byte{}}
	root, err := s.add(top)
	if err != nil {
		return tree.Tree{}, err
	}
	return tree.New(s, root), nil
}

// folder is a folder before it has an id.
type folder struct {
	files   map[string]File
	folders map[string]*folder
}

func (f *folder) put(name string, file File) error {
	at, below, deeper := strings.Cut(name, "/")
	_, isFile := f.files[at]
	_, isFolder := f.folders[at]
	switch {
	case at == "" || isFile || isFolder && !deeper:
		return fmt.Errorf("%q can't be where it is", file.Name)
	case !deeper:
		if f.files == nil {
			f.files = map[string]File{}
		}
		f.files[at] = file
		return nil
	case !isFolder:
		if f.folders == nil {
			f.folders = map[string]*folder{}
		}
		f.folders[at] = &folder{}
	}
	return f.folders[at].put(below, file)
}

// store keeps the objects of a tree. It isn't changed once it is made.
type store struct {
	folders map[string][]tree.Entry
	blobs   map[string][]byte
}

func (s *store) add(f *folder) (string, error) {
	var lines []gitobject.Line
	for name, file := range f.files {
		o := gitobject.New(gitobject.SHA256, gitobject.KindBlob, file.Content)
		s.blobs[o.ID] = file.Content
		lines = append(lines, gitobject.Line{Mode: gitobject.ModeOf(file.Mode), Name: name, ID: o.ID})
	}
	for name, below := range f.folders {
		id, err := s.add(below)
		if err != nil {
			return "", err
		}
		lines = append(lines, gitobject.Line{Mode: gitobject.ModeOf(tree.Folder), Name: name, ID: id})
	}
	content, err := gitobject.EncodeFolder(lines)
	if err != nil {
		return "", err
	}
	o := gitobject.New(gitobject.SHA256, gitobject.KindTree, content)
	s.folders[o.ID], err = gitobject.ParseFolder(content, len(o.ID)/2)
	return o.ID, err
}

// Folder implements tree.Store.
func (s *store) Folder(id string) ([]tree.Entry, error) {
	entries, ok := s.folders[id]
	if !ok {
		return nil, fmt.Errorf("no folder %s", id)
	}
	return entries, nil
}

// Blob implements tree.Store.
func (s *store) Blob(id string, limit int64) ([]byte, error) {
	content, ok := s.blobs[id]
	switch {
	case !ok:
		return nil, fmt.Errorf("no file %s", id)
	case int64(len(content)) > limit:
		return nil, fmt.Errorf("%w: %d bytes", tree.ErrTooLarge, len(content))
	}
	return content, nil
}
