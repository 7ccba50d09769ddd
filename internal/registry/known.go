package registry

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// known is what became of each Want of a repository when it was asked last. It
// outlives a restart: who asks while the repository is away learns what it was.
type known map[string]Package

// maxKnown bounds how many are remembered of one repository.
const maxKnown = 1000

// key names a Want.
func (w Want) key() string {
	b, _ := json.Marshal(w) // texts
	return DigestOf(b)
}

const knownName = "known.json"

func (r *Repository) knownFile() string {
	return filepath.Join(r.registry.store.dir, r.folder, knownName)
}

// Known is what a Want was when it was fetched last, if that is still here.
func (r *Repository) Known(w Want) (Package, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.remembered()[w.key()]
	if ok {
		_, err := os.Stat(r.registry.store.path(place{r.folder, p.Digest}))
		ok = err == nil && digestForm.MatchString(p.Digest)
	}
	return p, ok
}

// remembered is what is known, read once. It is called with mu held.
func (r *Repository) remembered() known {
	if r.known != nil {
		return r.known
	}
	r.known = known{}
	content, err := os.ReadFile(r.knownFile())
	if err == nil && json.Unmarshal(content, &r.known) != nil || r.known == nil {
		r.known = known{} // it is damaged, and made anew
	}
	return r.known
}

// learn keeps what came of a look.
func (r *Repository) learn(results map[Want]Result) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := maps.Clone(r.remembered())
	for w, result := range results {
		if result.Err == nil {
			r.known[w.key()] = result.Package
		}
	}
	if maps.Equal(before, r.known) {
		return nil
	}
	for _, old := range slices.Sorted(maps.Keys(before)) {
		if len(r.known) > maxKnown {
			delete(r.known, old)
		}
	}
	content, err := json.Marshal(r.known)
	if err != nil {
		return err
	}
	return replaceFile(r.knownFile(), content)
}
