package tree

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// With is the tree with other content in some files, by path; nil content is
// no file. Nothing is written: it is for looking at what an edit would yield.
//
// A path that leads through links edits what they lead to. What is new in the
// tree has ids of its own, made from the content, that no Git object has.
func (t Tree) With(files map[string][]byte) (Tree, error) {
	top := &change{}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		p, err := t.resolve(path, nil)
		if _, name, _, is := t.mounted(path); is {
			return Tree{}, fmt.Errorf("%s: %w: it is of %s, which is edited where it comes from", path, ErrOutside, name)
		}
		switch {
		case err == nil && p.entry.Mode == Folder:
			return Tree{}, fmt.Errorf("%s %w, not a file", shown(path), ErrFolder)
		case err == nil:
			top.put(strings.Split(p.path, "/"), files[path])
		case errors.Is(err, ErrNotFound) && simple(path):
			top.put(strings.Split(path, "/"), files[path])
		default:
			return Tree{}, err
		}
	}
	o := &overlay{below: t.store, folders: map[string][]Entry{}, blobs: map[string][]byte{}}
	root, err := o.folder(t.root, top)
	if err != nil {
		return Tree{}, err
	}
	t.store, t.root = o, root
	return t, nil
}

// Real is the path of a file or folder with no links in it.
func (t Tree) Real(path string) (string, error) {
	p, err := t.resolve(path, nil)
	return p.path, err
}

// simple says whether a path names a file without a way round.
func simple(path string) bool {
	for name := range strings.SplitSeq(path, "/") {
		if name == "" || name == "." || name == ".." {
			return false
		}
	}
	return true
}

// change is what becomes of one name: a file's content, or what changes in a
// folder.
type change struct {
	isFile  bool
	content []byte
	below   map[string]*change
}

func (c *change) put(path []string, content []byte) {
	if c.below == nil {
		c.below = map[string]*change{}
	}
	next := c.below[path[0]]
	if next == nil {
		next = &change{}
		c.below[path[0]] = next
	}
	if len(path) == 1 {
		next.isFile, next.content = true, content
		return
	}
	next.put(path[1:], content)
}

// overlay is a store with some objects more.
type overlay struct {
	below   Store
	folders map[string][]Entry
	blobs   map[string][]byte
}

// folder is the id of a folder after a change; an empty id is no folder.
func (o *overlay) folder(id string, c *change) (string, error) {
	var entries []Entry
	if id != "" {
		have, err := o.below.Folder(id)
		if err != nil {
			return "", err
		}
		entries = slices.Clone(have)
	}
	for _, name := range slices.Sorted(maps.Keys(c.below)) {
		i, found := slices.BinarySearchFunc(entries, name, func(e Entry, name string) int { return strings.Compare(e.Name, name) })
		was := Entry{Name: name}
		if found {
			was = entries[i]
			entries = slices.Delete(entries, i, i+1)
		}
		is, stays, err := o.entry(was, found, c.below[name])
		if err != nil {
			return "", err
		}
		if stays {
			entries = slices.Insert(entries, i, is)
		}
	}
	if len(entries) == 0 {
		return "", nil
	}
	made := name("folder", []byte(fmt.Sprintf("%q", entries)))
	o.folders[made] = entries
	return made, nil
}

// entry is one name after a change. It says false where nothing is left.
func (o *overlay) entry(was Entry, found bool, c *change) (Entry, bool, error) {
	is := Entry{Name: was.Name}
	switch {
	case c.isFile && c.content == nil:
		return is, false, nil
	case c.isFile:
		if found && was.Mode == Executable {
			is.Mode = Executable
		}
		is.ID = name("blob", c.content)
		o.blobs[is.ID] = c.content
		return is, true, nil
	case found && was.Mode != Folder:
		return is, false, fmt.Errorf("%s %w", was.Name, ErrNotFolder)
	}
	var err error
	is.Mode = Folder
	is.ID, err = o.folder(was.ID, c)
	return is, is.ID != "", err
}

// name is the id of an object of an overlay.
func name(kind string, content []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %d\x00", kind, len(content))
	h.Write(content)
	return "edited-" + hex.EncodeToString(h.Sum(nil))
}

// Folder implements Store.
func (o *overlay) Folder(id string) ([]Entry, error) {
	if entries, mine := o.folders[id]; mine {
		return entries, nil
	}
	if id == "" {
		return nil, nil
	}
	return o.below.Folder(id)
}

// Blob implements Store.
func (o *overlay) Blob(id string, limit int64) ([]byte, error) {
	b, mine := o.blobs[id]
	switch {
	case !mine:
		return o.below.Blob(id, limit)
	case int64(len(b)) > limit:
		return nil, ErrTooLarge
	}
	return b, nil
}
