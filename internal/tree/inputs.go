package tree

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// Input is what a reader learned of one path, and so all that may change what
// it made of it. The path holds no links: they are inputs of their own.
type Input struct {
	// Mode is what was there, if Present. An executable counts as a file.
	Mode    Mode
	Present bool
	// Content is the blob id of a file whose content was read, or of a link
	// that was passed; empty where it did not matter.
	Content string
	// Listing is a hash of the names and modes of a folder that was listed;
	// empty where it was only passed. What is in the entries does not count.
	Listing string
}

// Inputs are all that a reader read, looked for and did not find, listed, and
// passed on the way. They are a value: nothing changes them.
//
// A path is looked for from the root, so every folder above an input is one as
// well; of an absent path, only its first name that is missing.
type Inputs struct {
	byPath map[string]Input
}

// InputsOf are inputs that were recorded before, as All yielded them.
func InputsOf(all iter.Seq2[string, Input]) Inputs {
	return Inputs{byPath: maps.Collect(all)}
}

// All yields the inputs, sorted by path. The root is "".
func (in Inputs) All() iter.Seq2[string, Input] {
	return func(yield func(string, Input) bool) {
		for _, p := range slices.Sorted(maps.Keys(in.byPath)) {
			if !yield(p, in.byPath[p]) {
				return
			}
		}
	}
}

// Len is how many paths there are.
func (in Inputs) Len() int { return len(in.byPath) }

// Hash names what was read: equal hashes mean that every read of the one reader
// answers as it did for the other, so it is a key for what was made of it.
func (in Inputs) Hash() string {
	h := sha256.New()
	for p, i := range in.All() {
		fmt.Fprintf(h, "%q %t %d %s %s\n", p, i.Present, i.Mode, i.Content, i.Listing)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Touched says whether changes meet the inputs. If they don't, reading the same
// again after the changes yields the same. The cost grows with the changes.
func (in Inputs) Touched(changes []Change) bool {
	return slices.ContainsFunc(changes, in.touchedBy)
}

func (in Inputs) touchedBy(c Change) bool {
	i, known := in.byPath[c.Path]
	if c.Kind == Modified {
		return known && i.Content != ""
	}
	return known || in.byPath[parent(c.Path)].Listing != ""
}

// Valid says whether every input is in t as it was when it was recorded. It
// answers what Touched does where there are no changes to go by, at the cost of
// looking at every input. It is false as well when t can't be read.
func (in Inputs) Valid(t Tree) bool {
	if len(t.mounts) == 0 {
		return in.valid(t)
	}
	own, others := in.Split(slices.Collect(maps.Keys(t.mounts))...)
	for name, other := range others {
		if !other.valid(t.mounts[name]) {
			return false
		}
	}
	return own.valid(t)
}

func (in Inputs) valid(t Tree) bool {
	p := probe{tree: t, folders: map[string]Entry{"": {Mode: Folder, ID: t.root}}}
	for path, i := range in.byPath {
		now, err := p.look(path, i.Listing != "")
		if err != nil || !i.matches(now) {
			return false
		}
	}
	return true
}

// matches says whether a fresh look found what i has. A fresh look has the
// content's id whether or not it mattered.
func (i Input) matches(now Input) bool {
	return i.Present == now.Present && i.Mode == now.Mode && i.Listing == now.Listing &&
		(i.Content == "" || i.Content == now.Content)
}

// probe looks paths up without following links, and remembers folders.
type probe struct {
	tree    Tree
	folders map[string]Entry
}

func (p probe) look(path string, list bool) (Input, error) {
	e, found, err := p.entry(path)
	if err != nil || !found {
		return Input{}, err
	}
	now := Input{Mode: kind(e.Mode), Present: true}
	if e.Mode == File || e.Mode == Executable || e.Mode == Link {
		now.Content = e.ID
	}
	if e.Mode == Folder && list {
		entries, err := p.tree.store.Folder(e.ID)
		if err != nil {
			return Input{}, err
		}
		now.Listing = listing(entries)
	}
	return now, nil
}

// entry finds what lies at a path, by way of true folders only.
func (p probe) entry(at string) (Entry, bool, error) {
	if e, known := p.folders[at]; known {
		return e, true, nil
	}
	above, found, err := p.entry(parent(at))
	if err != nil || !found || above.Mode != Folder {
		return Entry{}, false, err
	}
	e, found, err := p.tree.child(above.ID, path.Base(at))
	if found && e.Mode == Folder {
		p.folders[at] = e
	}
	return e, found, err
}

// kind is a mode as far as it is an input: nothing that reads a tree runs what
// is in it, so an executable is a file.
func kind(m Mode) Mode {
	if m == Executable {
		return File
	}
	return m
}

// listing is the hash of what a folder holds: names and modes.
func listing(entries []Entry) string {
	h := sha256.New()
	for _, e := range entries {
		fmt.Fprintf(h, "%d %q\n", kind(e.Mode), e.Name)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// parent is the folder that a path lies in; of a path in the root it is "".
func parent(p string) string {
	return p[:max(strings.LastIndexByte(p, '/'), 0)]
}
