package tree

import (
	"maps"
	"strings"
)

// MountMark begins the names under which other trees are mounted.
const MountMark = "@"

// Mount is the tree with others beside it: what lies in one is read as NAME/PATH,
// where the name begins with MountMark. A name that is in the tree itself can't
// be reached any more.
//
// Each tree stays closed: no link leads from one into another, and neither does
// "..", and mounts of mounts are not seen. Inputs of a mounted tree begin with
// its name.
func (t Tree) Mount(others map[string]Tree) Tree {
	mounts := maps.Clone(t.mounts)
	if mounts == nil {
		mounts = make(map[string]Tree, len(others))
	}
	for name, other := range others {
		other.mounts = nil
		mounts[name] = other
	}
	t.mounts = mounts
	return t
}

// Mounted is the name of the tree that a path lies in, and the rest of the path;
// the name is empty where that is the tree itself.
func Mounted(path string) (name, rest string) {
	for strings.HasPrefix(path, "./") {
		path = path[2:]
	}
	if !strings.HasPrefix(path, MountMark) {
		return "", path
	}
	name, rest, _ = strings.Cut(path, "/")
	return name, rest
}

// mounted is the mounted tree that a path leads into.
func (t Tree) mounted(path string) (other Tree, name, rest string, is bool) {
	name, rest = Mounted(path)
	other, is = t.mounts[name]
	return other, name, rest, is
}

// beyond resolves a path in a mounted tree.
func (t Tree) beyond(name, rest, asked string, see sight) (place, error) {
	p, err := t.resolve(rest, func(path string, e Entry, found bool) {
		if see != nil {
			see(under(name, path), e, found)
		}
	})
	p.asked, p.path, p.store = asked, under(name, p.path), t.store
	if err != nil {
		err = &elsewhere{name, err}
	}
	return p, err
}

// under is a path of a mounted tree as it is read.
func under(name, path string) string {
	if path == "" {
		return name
	}
	return name + "/" + path
}

// elsewhere is an error about a path of a mounted tree.
type elsewhere struct {
	name string
	err  error
}

func (e *elsewhere) Error() string { return e.name + ": " + e.err.Error() }
func (e *elsewhere) Unwrap() error { return e.err }

// Split parts inputs into those of the tree itself, and those of each of the
// mounted trees, by the paths that they have there.
func (in Inputs) Split(mounts ...string) (own Inputs, others map[string]Inputs) {
	own, others = Inputs{byPath: map[string]Input{}}, map[string]Inputs{}
	for _, name := range mounts {
		others[name] = Inputs{byPath: map[string]Input{}}
	}
	for path, i := range in.byPath {
		name, rest := Mounted(path)
		if other, is := others[name]; is {
			other.byPath[rest] = i
		} else {
			own.byPath[path] = i
		}
	}
	return own, others
}
