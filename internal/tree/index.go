package tree

import (
	"maps"
	"slices"
	"sync"
)

// Index finds, for changes of a tree, whose inputs they meet. Asking costs what
// the changes and the answer do, however many names and paths there are. The
// zero value is ready; it is safe for concurrent use.
type Index struct {
	mu     sync.RWMutex
	inputs map[string]Inputs
	// Who has a path among its inputs: at all, for its content, for its listing.
	present, content, listed readers
}

// readers are names by path.
type readers map[string][]string

// Set replaces what is known of a name.
func (x *Index) Set(name string, in Inputs) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remove(name)
	if x.inputs == nil {
		x.inputs, x.present, x.content, x.listed = map[string]Inputs{}, readers{}, readers{}, readers{}
	}
	x.inputs[name] = in
	for path, i := range in.byPath {
		x.present.add(path, name)
		if i.Content != "" {
			x.content.add(path, name)
		}
		if i.Listing != "" {
			x.listed.add(path, name)
		}
	}
}

// Remove forgets a name.
func (x *Index) Remove(name string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.remove(name)
}

func (x *Index) remove(name string) {
	for path := range x.inputs[name].byPath {
		x.present.remove(path, name)
		x.content.remove(path, name)
		x.listed.remove(path, name)
	}
	delete(x.inputs, name)
}

// Inputs are what was set for a name.
func (x *Index) Inputs(name string) (Inputs, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	in, known := x.inputs[name]
	return in, known
}

// Affected are the names whose inputs the changes meet, sorted: those for which
// Inputs.Touched is true.
func (x *Index) Affected(changes []Change) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	met := map[string]bool{}
	folders := map[string]bool{} // those whose listing changed
	for _, c := range changes {
		if c.Kind == Modified {
			mark(met, x.content[c.Path])
			continue
		}
		mark(met, x.present[c.Path])
		folders[parent(c.Path)] = true
	}
	for folder := range folders {
		mark(met, x.listed[folder])
	}
	return slices.Sorted(maps.Keys(met))
}

func mark(met map[string]bool, names []string) {
	for _, name := range names {
		met[name] = true
	}
}

func (r readers) add(path, name string) { r[path] = append(r[path], name) }

func (r readers) remove(path, name string) {
	names := r[path]
	i := slices.Index(names, name)
	if i < 0 {
		return
	}
	last := len(names) - 1
	names[i], names[last] = names[last], ""
	if last == 0 {
		delete(r, path)
		return
	}
	r[path] = names[:last]
}
