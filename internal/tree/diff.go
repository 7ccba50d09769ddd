package tree

import (
	"fmt"
)

const (
	// These bound a comparison, so that no repository can be made to fill the
	// memory by it: the paths that differ, their length in all, and how deep
	// folders are nested.
	maxChanges   = 1_000_000
	maxPathBytes = 128 << 20
	maxDepth     = 1000
)

// Diff lists the paths that differ between two trees, sorted so that folders
// come before what is in them. It reads only the folders that differ, and says
// what git diff-tree -r -t --no-renames would say: a renamed file was removed
// and added, a folder that came or went has everything in it listed as well.
func Diff(from, to Tree) ([]Change, error) {
	if from.root == to.root {
		return nil, nil
	}
	d := comparison{from: from.store, to: to.store}
	if err := d.folders("", from.root, to.root, 0); err != nil {
		return nil, fmt.Errorf("compare trees: %w", err)
	}
	return d.changes, nil
}

// comparison is one comparison under way.
type comparison struct {
	from, to Store
	changes  []Change
	bytes    int
}

// folders compares two folders by their ids; an empty id stands for an empty folder.
func (d *comparison) folders(at, from, to string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%w: folders are nested more than %d deep", ErrTooLarge, maxDepth)
	}
	before, err := entries(d.from, from)
	if err != nil {
		return fmt.Errorf("list %s: %w", shown(at), err)
	}
	after, err := entries(d.to, to)
	if err != nil {
		return fmt.Errorf("list %s: %w", shown(at), err)
	}
	for len(before) > 0 || len(after) > 0 {
		var name string
		switch {
		case len(before) == 0:
			name = after[0].Name
		case len(after) == 0:
			name = before[0].Name
		default:
			name = min(before[0].Name, after[0].Name)
		}
		var old, now Entry
		old, before = next(before, name)
		now, after = next(after, name)
		if err := d.entry(join(at, name), old, now, depth); err != nil {
			return err
		}
	}
	return nil
}

func join(folder, name string) string {
	if folder == "" {
		return name
	}
	return folder + "/" + name
}

// next takes the first entry if it has the name.
func next(entries []Entry, name string) (Entry, []Entry) {
	if len(entries) == 0 || entries[0].Name != name {
		return Entry{}, entries
	}
	return entries[0], entries[1:]
}

func entries(s Store, folder string) ([]Entry, error) {
	if folder == "" {
		return nil, nil
	}
	return s.Folder(folder)
}

// entry compares one name; an entry without an id is absent.
func (d *comparison) entry(at string, old, now Entry, depth int) error {
	switch {
	case old.ID == now.ID && old.Mode == now.Mode:
		return nil
	case old.ID != "" && now.ID != "" && kind(old.Mode) == kind(now.Mode):
		d.changes = append(d.changes, Change{Path: at, Kind: Modified})
	default:
		if old.ID != "" {
			d.changes = append(d.changes, Change{Path: at, Kind: Removed})
		}
		if now.ID != "" {
			d.changes = append(d.changes, Change{Path: at, Kind: Added})
		}
	}
	if d.bytes += len(at); len(d.changes) > maxChanges || d.bytes > maxPathBytes {
		return fmt.Errorf("%w: more than %d paths, or %d bytes of paths, differ", ErrTooLarge, maxChanges, maxPathBytes)
	}
	was, is := old.folder(), now.folder()
	if was == "" && is == "" {
		return nil
	}
	return d.folders(at, was, is, depth+1)
}

// folder is the entry's id if it is a folder.
func (e Entry) folder() string {
	if e.Mode == Folder {
		return e.ID
	}
	return ""
}
