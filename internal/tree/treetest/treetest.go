// Package treetest makes trees in memory, for tests of what reads trees. Object
// ids are those that Git itself would give. It is not for use outside tests.
package treetest

import (
	"crypto/sha1" // which Git names objects by
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"plumb.dev/plumb/internal/tree"
)

// The content that stands for something other than a plain file.
const (
	// LinkTo starts a symbolic link; the target follows: "-> ../base".
	LinkTo = "-> "
	// Submodule is an entry that points to another repository's commit.
	Submodule = "@submodule"
	// Exec starts an executable file; its content follows.
	Exec = "#!"
)

// New is a tree with these files: path → content, or one of LinkTo, Submodule
// and Exec. Where a path is both file and folder, the folder wins.
func New(files map[string]string) tree.Tree { return NewStore().Tree(files) }

// Store keeps objects in memory. Trees of one store share what they have in
// common. It is safe for concurrent use.
type Store struct {
	mu      sync.Mutex
	blobs   map[string][]byte
	folders map[string][]tree.Entry
	reads   int
}

// NewStore is an empty store.
func NewStore() *Store {
	return &Store{blobs: map[string][]byte{}, folders: map[string][]tree.Entry{}}
}

// Tree adds files as New does and returns their tree.
func (s *Store) Tree(files map[string]string) tree.Tree {
	s.mu.Lock()
	defer s.mu.Unlock()
	top := &folder{}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		top.put(strings.Split(path, "/"), files[path])
	}
	return tree.New(s, s.addFolder(top))
}

// Reads is how many objects were read so far.
func (s *Store) Reads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

// Folder implements tree.Store.
func (s *Store) Folder(id string) ([]tree.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	entries, ok := s.folders[id]
	if !ok {
		return nil, fmt.Errorf("no tree object %s", id)
	}
	return entries, nil
}

// Blob implements tree.Store.
func (s *Store) Blob(id string, limit int64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	b, ok := s.blobs[id]
	if !ok {
		return nil, fmt.Errorf("no blob %s", id)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%w: %d bytes", tree.ErrTooLarge, len(b))
	}
	return b, nil
}

// folder is a folder before it has an id.
type folder struct {
	files   map[string]string
	folders map[string]*folder
}

func (f *folder) put(path []string, content string) {
	name := path[0]
	if len(path) == 1 {
		if f.folders[name] == nil {
			f.files = with(f.files, name, content)
		}
		return
	}
	delete(f.files, name)
	if f.folders[name] == nil {
		f.folders = with(f.folders, name, &folder{})
	}
	f.folders[name].put(path[1:], content)
}

func with[V any](m map[string]V, name string, v V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[name] = v
	return m
}

func (s *Store) addFolder(f *folder) string {
	var entries []tree.Entry
	for name, content := range f.files {
		entries = append(entries, s.addFile(name, content))
	}
	for name, sub := range f.folders {
		entries = append(entries, tree.Entry{Name: name, Mode: tree.Folder, ID: s.addFolder(sub)})
	}
	id := folderID(entries)
	slices.SortFunc(entries, func(a, b tree.Entry) int { return strings.Compare(a.Name, b.Name) })
	s.folders[id] = entries
	return id
}

func (s *Store) addFile(name, content string) tree.Entry {
	e := tree.Entry{Name: name, Mode: tree.File}
	switch {
	case strings.HasPrefix(content, LinkTo):
		e.Mode, content = tree.Link, strings.TrimPrefix(content, LinkTo)
	case strings.HasPrefix(content, Submodule):
		e.Mode = tree.Submodule
		e.ID = objectID("commit", []byte(content))
		return e
	case strings.HasPrefix(content, Exec):
		e.Mode = tree.Executable
	}
	e.ID = objectID("blob", []byte(content))
	s.blobs[e.ID] = []byte(content)
	return e
}

// folderID hashes a folder as Git does: its entries sorted as if the names of
// folders ended in a slash.
func folderID(entries []tree.Entry) string {
	modes := map[tree.Mode]string{
		tree.File: "100644", tree.Executable: "100755", tree.Folder: "40000", tree.Link: "120000", tree.Submodule: "160000",
	}
	slices.SortFunc(entries, func(a, b tree.Entry) int { return strings.Compare(sortName(a), sortName(b)) })
	var b []byte
	for _, e := range entries {
		raw, _ := hex.DecodeString(e.ID)
		b = fmt.Appendf(b, "%s %s\x00%s", modes[e.Mode], e.Name, raw)
	}
	return objectID("tree", b)
}

func sortName(e tree.Entry) string {
	if e.Mode == tree.Folder {
		return e.Name + "/"
	}
	return e.Name
}

func objectID(kind string, content []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "%s %d\x00", kind, len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}
