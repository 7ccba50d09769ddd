package tree

import (
	"errors"
)

// Mode is what an entry of a folder is.
type Mode uint8

// The modes that Git knows.
const (
	File Mode = iota
	Executable
	Folder
	Link
	Submodule
)

// Entry is one name in a folder. ID is the Git object id, as hex.
type Entry struct {
	Name string
	Mode Mode
	ID   string
}

// Store reads objects by id. Both are immutable, so an answer holds for ever;
// it must not be changed by who gets it.
type Store interface {
	// Folder lists the entries of a tree object, sorted by name.
	Folder(id string) ([]Entry, error)
	// Blob returns the content of a blob, or ErrTooLarge where it has more than limit bytes.
	Blob(id string, limit int64) ([]byte, error)
}

// Reader reads files and folders by path. Paths are slash-separated and
// relative to the commit's root; "" and "." are the root. Links are followed
// inside the tree.
type Reader interface {
	// ReadFile returns a file's content.
	ReadFile(path string) ([]byte, error)
	// ReadDir lists a folder, sorted by name.
	ReadDir(path string) ([]Entry, error)
	// Stat says what is at path, links followed.
	Stat(path string) (Entry, error)
}

// Errors that readers branch on, each wrapped with the path it is about.
var (
	ErrNotFound  = errors.New("not in the repository")
	ErrOutside   = errors.New("leads out of the repository")
	ErrLoop      = errors.New("links in a loop")
	ErrTooLarge  = errors.New("too large")
	ErrSubmodule = errors.New("is a submodule")
	ErrLFS       = errors.New("is a Git LFS pointer")
)

// Change is one path that differs between two commits. Folders are listed as
// well as files, so that a folder that came, went, or became a file is seen.
type Change struct {
	Path string
	// Kind is Added, Removed or Modified; a change of mode is Modified unless
	// it turns a file into a folder or link, which is Removed and Added.
	Kind ChangeKind
}

// ChangeKind is how a path differs.
type ChangeKind uint8

// The kinds of change.
const (
	Modified ChangeKind = iota
	Added
	Removed
)

// Tree is one commit's files. It is immutable and safe for concurrent use.
type Tree struct {
	store Store
	root  string
}

// New is the tree whose root folder has the object id root.
func New(store Store, root string) Tree { return Tree{store: store, root: root} }
