// Package sight keeps what is live, as watches and the answers to our own writes
// tell it: a small record for each object with an App's label, and what changed
// since somebody looked last.
//
// It asks no server, and knows nothing of what the records mean.
package sight

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// View keeps the records of our live objects. Watches and the answers to our own
// writes both feed it: of two records of one object, the one with the greater
// resource version wins, so that a watch which lags behind our own write can't
// bring back what was there before. The events of one kind come in the order of
// their versions, so an answer to a write that is older than the newest event
// tells nothing new. Each answer and each event costs constant time.
type View struct {
	events chan Event

	mu      sync.RWMutex
	records map[object.Key]plan.Live
	byLabel map[string]map[object.Key]struct{}
	told    map[schema.GroupKind]uint64 // the newest version that a watch brought
	pending Event
	due     map[object.Key]plan.Renewal // of Secrets with generated values
	dueNews chan struct{}
	ended   map[object.Key]plan.Live // runs of hooks that ended and are gone: both may be told at once
}

// New is a view of nothing.
func New() *View {
	return &View{
		events:  make(chan Event, 1),
		records: map[object.Key]plan.Live{}, ended: map[object.Key]plan.Live{},
		byLabel: map[string]map[object.Key]struct{}{},
		told:    map[schema.GroupKind]uint64{},
		due:     map[object.Key]plan.Renewal{},
		dueNews: make(chan struct{}, 1),
	}
}

// Put takes in what a watch brought.
func (v *View) Put(l plan.Live) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.takeNews(l)
	v.newest(l.Key.GroupKind(), l.Version)
}

// Answered takes in the answer to a write of ours. Other objects' events of
// lower versions may yet come, so it doesn't count as how far the watch has come.
func (v *View) Answered(l plan.Live) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.takeNews(l)
}

// takeNews takes a record in, unless it is of an object that came and went
// since; the caller holds the lock.
func (v *View) takeNews(l plan.Live) {
	if _, had := v.records[l.Key]; had || l.Version > v.told[l.Key.GroupKind()] {
		v.take(l)
	}
}

// take takes a record in, unless a newer one is there; the caller holds the lock.
func (v *View) take(l plan.Live) {
	old, had := v.records[l.Key]
	if had && (old.Version > l.Version || old.Version == l.Version && !old.Provisional) {
		return
	}
	if l.App == "" { // it lost its label: for us it is gone
		v.drop(l.Key, l.Version)
		return
	}
	if had && old.App != l.App {
		v.unlist(old)
	}
	l.Freed = old.Freed
	v.records[l.Key] = l
	delete(v.ended, l.Key)
	v.noteDue(l.Key, l.Renewal)
	if v.byLabel[l.App] == nil {
		v.byLabel[l.App] = map[object.Key]struct{}{}
	}
	v.byLabel[l.App][l.Key] = struct{}{}
	v.tell(l.Key, old.App, l.App)
}

// newest notes the version of what a watch brought.
func (v *View) newest(gk schema.GroupKind, version uint64) {
	v.told[gk] = max(v.told[gk], version)
}

// Remove takes out an object that vanished at a resource version.
func (v *View) Remove(key object.Key, version uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.newest(key.GroupKind(), version)
	v.drop(key, version)
}

// Missed takes out an object that the server says isn't there any more.
func (v *View) Missed(key object.Key, version uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.drop(key, version)
}

func (v *View) drop(key object.Key, version uint64) {
	old, had := v.records[key]
	if !had || old.Version > version {
		return
	}
	delete(v.records, key)
	if old.Run != nil && old.Run.Ended && len(v.ended) < mostEnded {
		old.Deleting = false // not any more: it is gone
		v.ended[key] = old
	}
	v.noteDue(key, plan.Renewal{})
	v.unlist(old)
	v.tell(key, old.App)
}

// Deleting notes that the server took our request to delete an object; the
// watch tells when it is gone.
func (v *View) Deleting(key object.Key, uid string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	l, ok := v.records[key]
	if !ok || l.UID != uid {
		return
	}
	l.Deleting, l.Health = true, health.Deleting()
	v.records[key] = l
	v.tell(key, l.App)
}

// Freed tells that what kept an object from being deleted is gone.
func (v *View) Freed(key object.Key) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if l, ok := v.records[key]; ok {
		l.Freed++
		v.records[key] = l
		v.tell(key, l.App)
	}
}

// Rejudge takes in that an object is judged anew. What is known of a newer
// version was judged by then.
func (v *View) Rejudge(l plan.Live) {
	v.mu.Lock()
	defer v.mu.Unlock()
	known, ok := v.records[l.Key]
	if !ok || known.Version > l.Version || known.App != l.App || known.Health == l.Health {
		return
	}
	known.Health, known.Run = l.Health, l.Run
	v.records[l.Key] = known
	v.tell(l.Key, l.App)
}

// Replace sets all records of one kind, as a list at a resource version tells.
func (v *View) Replace(gk schema.GroupKind, list []plan.Live, version uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.newest(gk, version)
	present := make(map[object.Key]struct{}, len(list))
	for _, l := range list {
		present[l.Key] = struct{}{}
		v.take(l)
	}
	for key := range v.records {
		if _, ok := present[key]; !ok && key.GroupKind() == gk {
			v.drop(key, version)
		}
	}
}

// Forget drops all records of a kind that the cluster doesn't serve any more.
func (v *View) Forget(gk schema.GroupKind) {
	v.Replace(gk, nil, ^uint64(0))
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.told, gk)
}

func (v *View) unlist(l plan.Live) {
	delete(v.byLabel[l.App], l.Key)
	if len(v.byLabel[l.App]) == 0 {
		delete(v.byLabel, l.App)
	}
}

// tell adds to the event that waits to be taken; the caller holds the lock.
func (v *View) tell(key object.Key, labels ...string) {
	if v.pending.Objects == nil {
		v.pending.Objects = map[object.Key][]string{}
	}
	for _, l := range labels {
		if l != "" && !slices.Contains(v.pending.Objects[key], l) {
			v.pending.Objects[key] = append(v.pending.Objects[key], l)
		}
	}
	v.offer()
}

// TellKinds says that something about the kinds changed.
func (v *View) TellKinds() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pending.Kinds = true
	v.offer()
}

// TellNoted says that an object changed that is followed by itself.
func (v *View) TellNoted(key object.Key) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.pending.Noted == nil {
		v.pending.Noted = map[object.Key]struct{}{}
	}
	v.pending.Noted[key] = struct{}{}
	v.offer()
}

// offer puts the pending event where the taker looks, merged with what it has
// not taken yet.
func (v *View) offer() {
	select {
	case earlier := <-v.events:
		v.pending = merge(earlier, v.pending)
	default:
	}
	select {
	case v.events <- v.pending:
		v.pending = Event{}
	default: // cannot be: only offer fills the channel, under the lock
	}
}

func merge(a, b Event) Event {
	if a.Objects == nil {
		a.Objects = b.Objects
	} else {
		for key, labels := range b.Objects {
			for _, l := range labels {
				if !slices.Contains(a.Objects[key], l) {
					a.Objects[key] = append(a.Objects[key], l)
				}
			}
		}
	}
	a.Kinds = a.Kinds || b.Kinds
	if a.Noted == nil {
		a.Noted = b.Noted
	} else {
		maps.Copy(a.Noted, b.Noted)
	}
	return a
}

// Events delivers what changed since the last delivery.
func (v *View) Events() <-chan Event { return v.events }

// Reached notes that a watch has brought everything up to a version.
func (v *View) Reached(gk schema.GroupKind, version uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.newest(gk, version)
}

// noteDue takes in what is to be done about an object's generated values. The
// caller holds the lock.
func (v *View) noteDue(key object.Key, r plan.Renewal) {
	if v.due[key].Equal(r) {
		return
	}
	v.due[key] = r
	if r.Equal(plan.Renewal{}) {
		delete(v.due, key)
	}
	select {
	case v.dueNews <- struct{}{}:
	default:
	}
}

// Due are the objects about whose generated values something is to be done.
func (v *View) Due() map[object.Key]plan.Renewal {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return maps.Clone(v.due)
}

// DueNews delivers when Due may have changed.
func (v *View) DueNews() <-chan struct{} { return v.dueNews }

// Live is the record of an object.
func (v *View) Live(key object.Key) (plan.Live, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	l, ok := v.records[key]
	return l, ok
}

// mostEnded bounds how many runs that are gone are remembered.
const mostEnded = 1000

// Hooked is the record of an object that was made by a hook, or what was known
// last of one that ended and is gone.
func (v *View) Hooked(key object.Key) (plan.Live, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if live, ok := v.records[key]; ok {
		return live, true
	}
	live, ok := v.ended[key]
	return live, ok
}

// Owned lists the objects with a label that aren't copies.
func (v *View) Owned(label string) []object.Key {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var keys []object.Key
	for key := range v.byLabel[label] {
		if v.records[key].Own {
			keys = append(keys, key)
		}
	}
	return keys
}

// OthersIn names an App with objects in a namespace, other than the one with
// this label; empty when there is none. It looks at every record: it is asked
// only when a namespace is to be deleted.
func (v *View) OthersIn(namespace, label string) string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	for key, l := range v.records {
		if key.Namespace == namespace && l.Own && l.App != label {
			return l.App
		}
	}
	return ""
}

// Labels are the labels in use.
func (v *View) Labels() []string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	labels := make([]string, 0, len(v.byLabel))
	for label := range v.byLabel {
		labels = append(labels, label)
	}
	return labels
}
