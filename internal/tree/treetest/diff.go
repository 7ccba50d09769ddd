package treetest

import (
	"fmt"
	"path"

	"plumb.dev/plumb/internal/tree"
)

// Diff lists the paths that differ between two trees, folders as well, as a
// source does between two commits. It costs a walk of what differs.
func Diff(from, to tree.Tree) ([]tree.Change, error) {
	d := differ{from: from, to: to}
	err := d.folder("", true, true)
	return d.changes, err
}

type differ struct {
	from, to tree.Tree
	changes  []tree.Change
}

// folder compares what is below a path in the trees that have it as a folder.
func (d *differ) folder(at string, inFrom, inTo bool) error {
	before, err := list(d.from, at, inFrom)
	if err != nil {
		return err
	}
	after, err := list(d.to, at, inTo)
	if err != nil {
		return err
	}
	for name, old := range before {
		if err := d.entry(path.Join(at, name), old, after[name]); err != nil {
			return err
		}
	}
	for name, e := range after {
		if _, had := before[name]; !had {
			if err := d.entry(path.Join(at, name), tree.Entry{}, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// entry compares one name; an entry without an id is absent.
func (d *differ) entry(at string, old, now tree.Entry) error {
	sameKind := plain(old) == plain(now)
	switch {
	case old.ID == now.ID && old.Mode == now.Mode:
		return nil
	case old.ID != "" && now.ID != "" && sameKind:
		d.add(at, tree.Modified)
	default:
		if old.ID != "" {
			d.add(at, tree.Removed)
		}
		if now.ID != "" {
			d.add(at, tree.Added)
		}
	}
	wasFolder := old.ID != "" && old.Mode == tree.Folder
	isFolder := now.ID != "" && now.Mode == tree.Folder
	if wasFolder || isFolder {
		return d.folder(at, wasFolder, isFolder)
	}
	return nil
}

func (d *differ) add(at string, kind tree.ChangeKind) {
	d.changes = append(d.changes, tree.Change{Path: at, Kind: kind})
}

func plain(e tree.Entry) tree.Mode {
	if e.Mode == tree.Executable {
		return tree.File
	}
	return e.Mode
}

func list(t tree.Tree, at string, there bool) (map[string]tree.Entry, error) {
	if !there {
		return nil, nil
	}
	entries, err := t.ReadDir(at)
	if err != nil {
		return nil, fmt.Errorf("compare trees: %w", err)
	}
	byName := make(map[string]tree.Entry, len(entries))
	for _, e := range entries {
		byName[e.Name] = e
	}
	return byName, nil
}
