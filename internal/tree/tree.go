package tree

import (
	"errors"
	"fmt"
	"path"
	"strings"
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
	ErrFolder    = errors.New("is a folder")
	ErrNotFolder = errors.New("is not a folder")
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

// Limits bound what may be read. A zero field means its default.
type Limits struct {
	// FileBytes bounds one file.
	FileBytes int64
	// TotalBytes and Files bound all that one Recorder reads: files that were
	// read and entries that were listed, each counted once.
	TotalBytes int64
	Files      int
}

// The default limits. Manifests are small; what is larger is a mistake, such
// as a binary that was checked in, or an attack.
const (
	DefaultFileBytes  = 16 << 20
	DefaultTotalBytes = 256 << 20
	DefaultFiles      = 500_000
)

func (l Limits) withDefaults() Limits {
	if l.FileBytes <= 0 {
		l.FileBytes = DefaultFileBytes
	}
	if l.TotalBytes <= 0 {
		l.TotalBytes = DefaultTotalBytes
	}
	if l.Files <= 0 {
		l.Files = DefaultFiles
	}
	return l
}

// Tree is one commit's files. It is immutable and safe for concurrent use.
type Tree struct {
	store  Store
	root   string
	limits Limits
	mounts map[string]Tree
}

// New is the tree whose root folder has the object id root.
func New(store Store, root string) Tree { return Tree{store: store, root: root} }

// WithLimits is the same tree, read within other limits.
func (t Tree) WithLimits(l Limits) Tree {
	t.limits = l
	return t
}

// Root is the object id of the root folder. Trees with equal roots are equal,
// but for what is mounted.
func (t Tree) Root() string { return t.root }

// ReadFile implements Reader.
func (t Tree) ReadFile(path string) ([]byte, error) {
	p, err := t.resolve(path, nil)
	if err != nil {
		return nil, err
	}
	return t.readFile(p)
}

// ReadDir implements Reader.
func (t Tree) ReadDir(path string) ([]Entry, error) {
	p, err := t.resolve(path, nil)
	if err != nil {
		return nil, err
	}
	return t.readDir(p)
}

// Stat implements Reader. A submodule is told as what it is; only reading it
// is an error.
func (t Tree) Stat(path string) (Entry, error) {
	p, err := t.resolve(path, nil)
	if err != nil {
		return Entry{}, err
	}
	return p.stat(), nil
}

func (t Tree) readFile(p place) ([]byte, error) {
	switch p.entry.Mode {
	case Folder:
		return nil, fmt.Errorf("%s %w, not a file", shown(p.asked), ErrFolder)
	case Submodule:
		return nil, submodule(p.path)
	}
	limit := t.limits.withDefaults().FileBytes
	b, err := p.store.Blob(p.entry.ID, limit)
	if errors.Is(err, ErrTooLarge) {
		return nil, fmt.Errorf("%s: %w (the limit for one file is %d bytes): keep it out of the folders that are rendered", p.asked, err, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p.asked, err)
	}
	if isPointer(b) {
		return nil, fmt.Errorf("%s %w; Plumb does not fetch LFS content yet: keep this file in Git itself", p.asked, ErrLFS)
	}
	return b, nil
}

func (t Tree) readDir(p place) ([]Entry, error) {
	switch p.entry.Mode {
	case Folder:
	case Submodule:
		return nil, submodule(p.path)
	default:
		return nil, fmt.Errorf("%s %w", p.asked, ErrNotFolder)
	}
	entries, err := p.store.Folder(p.entry.ID)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", p.asked, err)
	}
	return entries, nil
}

func submodule(path string) error {
	return fmt.Errorf("%s %w; Plumb does not follow submodules yet: vendor it or declare it as an App of its own", path, ErrSubmodule)
}

// maxPointer is the size that the Git LFS specification allows a pointer.
const maxPointer = 1024

// isPointer tells a Git LFS pointer by its first line, as Git LFS does.
func isPointer(b []byte) bool {
	return len(b) < maxPointer && strings.HasPrefix(string(b), "version https://git-lfs.github.com/spec/v1\n")
}

// stat is the entry under the name that was asked for; the root has none.
func (p place) stat() Entry {
	e := p.entry
	if name := path.Base(path.Clean(p.asked)); name != "." && name != ".." {
		e.Name = name
	}
	return e
}
