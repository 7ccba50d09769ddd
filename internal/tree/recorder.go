package tree

import (
	"fmt"
	"strings"
)

// Recorder reads a tree and records what was read. It is used by one reader at
// a time, and holds it to the tree's total limits.
//
// It shows nothing that it does not record: entries have no object ids, and an
// executable is a file like others.
type Recorder struct {
	tree  Tree
	seen  map[string]Input
	files int
	bytes int64
}

// Record reads t and records it.
func Record(t Tree) *Recorder {
	return &Recorder{tree: t, seen: map[string]Input{}}
}

// Inputs are what was read so far.
func (r *Recorder) Inputs() Inputs {
	byPath := make(map[string]Input, len(r.seen))
	for p, i := range r.seen {
		byPath[p] = i
	}
	return Inputs{byPath: byPath}
}

// ReadFile implements Reader.
func (r *Recorder) ReadFile(path string) ([]byte, error) {
	p, err := r.tree.resolve(path, r.see)
	if err != nil {
		return nil, err
	}
	i := r.seen[p.path]
	again := i.Content != ""
	if kind(p.entry.Mode) == File {
		i.Content = strings.Clone(p.entry.ID) // inputs live longer than what the id came with
		r.seen[p.path] = i
	}
	b, err := r.tree.readFile(p)
	if err != nil || again {
		return b, err
	}
	return b, r.spend(p, 1, len(b))
}

// ReadDir implements Reader.
func (r *Recorder) ReadDir(path string) ([]Entry, error) {
	p, err := r.tree.resolve(path, r.see)
	if err != nil {
		return nil, err
	}
	entries, err := r.tree.readDir(p)
	if err != nil {
		return nil, err
	}
	if i := r.seen[p.path]; i.Listing == "" {
		i.Listing = listing(entries)
		r.seen[p.path] = i
		if err := r.spend(p, len(entries), 0); err != nil {
			return nil, err
		}
	}
	shown := make([]Entry, len(entries))
	for n, e := range entries {
		shown[n] = Entry{Name: e.Name, Mode: kind(e.Mode)}
	}
	return shown, nil
}

// Stat implements Reader.
func (r *Recorder) Stat(path string) (Entry, error) {
	p, err := r.tree.resolve(path, r.see)
	if err != nil {
		return Entry{}, err
	}
	e := p.stat()
	return Entry{Name: e.Name, Mode: kind(e.Mode)}, nil
}

// see records one step of a resolution. What a link holds decides where the
// path leads, so passing it is reading it.
func (r *Recorder) see(path string, e Entry, found bool) {
	if _, known := r.seen[path]; known {
		return
	}
	i := Input{Mode: kind(e.Mode), Present: found}
	if e.Mode == Link {
		i.Content = strings.Clone(e.ID)
	}
	r.seen[path] = i
}

// spend counts what was read or listed for the first time.
func (r *Recorder) spend(p place, files, bytes int) error {
	limits := r.tree.limits.withDefaults()
	r.files += files
	r.bytes += int64(bytes)
	switch {
	case r.files > limits.Files:
		return fmt.Errorf("%s: %w: more than %d files were read or listed", shown(p.asked), ErrTooLarge, limits.Files)
	case r.bytes > limits.TotalBytes:
		return fmt.Errorf("%s: %w: more than %d bytes were read in all", p.asked, ErrTooLarge, limits.TotalBytes)
	}
	return nil
}
