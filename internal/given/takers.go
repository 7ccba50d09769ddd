package given

import (
	"maps"
	"slices"

	"plumb.dev/plumb/internal/object"
)

// Takers are which Apps take values from which objects. The zero Takers is
// empty. It is used by one at a time.
type Takers struct {
	apps  map[object.Key]map[string]struct{}
	keys  map[string][]object.Key
	moved bool
}

// Set makes an App take values from just these objects, each named once.
func (t *Takers) Set(app string, keys []object.Key) {
	if slices.Equal(keys, t.keys[app]) {
		return
	}
	if t.apps == nil {
		t.apps, t.keys = map[object.Key]map[string]struct{}{}, map[string][]object.Key{}
	}
	for _, key := range t.keys[app] {
		if delete(t.apps[key], app); len(t.apps[key]) == 0 {
			delete(t.apps, key)
		}
	}
	for _, key := range keys {
		if t.apps[key] == nil {
			t.apps[key] = map[string]struct{}{}
		}
		t.apps[key][app] = struct{}{}
	}
	t.moved = true
	if t.keys[app] = keys; len(keys) == 0 {
		delete(t.keys, app)
	}
}

// Of are the Apps that take values from an object.
func (t *Takers) Of(key object.Key) []string { return slices.Sorted(maps.Keys(t.apps[key])) }

// Moved are all objects that values are taken from, where that changed since it
// was asked the last time.
func (t *Takers) Moved() (keys []object.Key, moved bool) {
	moved, t.moved = t.moved, false
	return slices.Collect(maps.Keys(t.apps)), moved
}

// Taken is what a render took from the target.
type Taken struct {
	// Versions are those of the objects that values came from; empty of one that
	// isn't there.
	Versions map[object.Key]string
	// Served is a digest of what the target serves; empty where it wasn't asked.
	Served string
}

// Differs says whether the target has something else by now. What isn't known
// of it counts as the same.
func (t Taken) Differs(version func(object.Key) (string, bool), served string) bool {
	if t.Served != "" && served != "" && t.Served != served {
		return true
	}
	for key, before := range t.Versions {
		if now, known := version(key); known && now != before {
			return true
		}
	}
	return false
}
