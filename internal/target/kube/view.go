package kube

import (
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/target"
)

// view keeps the records of our live objects. Watches and the answers to our own
// writes both feed it: of two records of one object, the one with the greater
// resource version wins, so that a watch which lags behind our own write can't
// bring back what was there before. The events of one kind come in the order of
// their versions, so an answer to a write that is older than the newest event
// tells nothing new. Each answer and each event costs constant time.
type view struct {
	events chan target.Event
	judge  *health.Judge

	mu      sync.RWMutex
	records map[object.Key]plan.Live
	byLabel map[string]map[object.Key]struct{}
	told    map[schema.GroupKind]uint64 // the newest version that a watch brought
	pending target.Event
	renew   renewals
}

func newView() *view {
	return &view{
		events:  make(chan target.Event, 1),
		judge:   health.NewJudge(),
		records: map[object.Key]plan.Live{},
		byLabel: map[string]map[object.Key]struct{}{},
		told:    map[schema.GroupKind]uint64{},
		renew:   renewals{due: map[object.Key]time.Time{}, changed: make(chan struct{}, 1)},
	}
}

// put takes in what a watch brought.
func (v *view) put(l plan.Live) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.takeNews(l)
	v.newest(l.Key.GroupKind(), l.Version)
}

// answered takes in the answer to a write of ours. Other objects' events of
// lower versions may yet come, so it doesn't count as how far the watch has come.
func (v *view) answered(l plan.Live) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.takeNews(l)
}

// takeNews takes a record in, unless it is of an object that came and went
// since; the caller holds the lock.
func (v *view) takeNews(l plan.Live) {
	if _, had := v.records[l.Key]; had || l.Version > v.told[l.Key.GroupKind()] {
		v.take(l)
	}
}

// take takes a record in, unless a newer one is there; the caller holds the lock.
func (v *view) take(l plan.Live) {
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
	v.renew.note(l.Key, l.Renew)
	if v.byLabel[l.App] == nil {
		v.byLabel[l.App] = map[object.Key]struct{}{}
	}
	v.byLabel[l.App][l.Key] = struct{}{}
	v.tell(l.Key, old.App, l.App)
}

// newest notes the version of what a watch brought.
func (v *view) newest(gk schema.GroupKind, version uint64) {
	v.told[gk] = max(v.told[gk], version)
}

// remove takes out an object that vanished at a resource version.
func (v *view) remove(key object.Key, version uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.newest(key.GroupKind(), version)
	v.drop(key, version)
}

// missed takes out an object that the server says isn't there any more.
func (v *view) missed(key object.Key, version uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.drop(key, version)
}

func (v *view) drop(key object.Key, version uint64) {
	old, had := v.records[key]
	if !had || old.Version > version {
		return
	}
	delete(v.records, key)
	v.renew.note(key, time.Time{})
	v.unlist(old)
	v.tell(key, old.App)
}

// deleting notes that the server took our request to delete an object; the
// watch tells when it is gone.
func (v *view) deleting(key object.Key, uid string) {
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

// freed tells that what kept an object from being deleted is gone.
func (v *view) freed(key object.Key) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if l, ok := v.records[key]; ok {
		l.Freed++
		v.records[key] = l
		v.tell(key, l.App)
	}
}

// rejudge takes in that an object is judged anew. What is known of a newer
// version was judged by then.
func (v *view) rejudge(l plan.Live) {
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

// replace sets all records of one kind, as a list at a resource version tells.
func (v *view) replace(gk schema.GroupKind, list []plan.Live, version uint64) {
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

// forget drops all records of a kind that the cluster doesn't serve any more.
func (v *view) forget(gk schema.GroupKind) {
	v.replace(gk, nil, ^uint64(0))
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.told, gk)
}

func (v *view) unlist(l plan.Live) {
	delete(v.byLabel[l.App], l.Key)
	if len(v.byLabel[l.App]) == 0 {
		delete(v.byLabel, l.App)
	}
}

// tell adds to the event that waits to be taken; the caller holds the lock.
func (v *view) tell(key object.Key, labels ...string) {
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

// tellKinds says that something about the kinds changed.
func (v *view) tellKinds() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pending.Kinds = true
	v.offer()
}

// tellNoted says that an object changed that is followed by itself.
func (v *view) tellNoted(key object.Key) {
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
func (v *view) offer() {
	select {
	case earlier := <-v.events:
		v.pending = merge(earlier, v.pending)
	default:
	}
	select {
	case v.events <- v.pending:
		v.pending = target.Event{}
	default: // cannot be: only offer fills the channel, under the lock
	}
}

func merge(a, b target.Event) target.Event {
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

func (v *view) live(key object.Key) (plan.Live, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	l, ok := v.records[key]
	return l, ok
}

func (v *view) owned(label string) []object.Key {
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

// othersIn names an App with objects in a namespace, other than the one with
// this label; empty when there is none. It looks at every record: it is asked
// only when a namespace is to be deleted.
func (v *view) othersIn(namespace, label string) string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	for key, l := range v.records {
		if key.Namespace == namespace && l.Own && l.App != label {
			return l.App
		}
	}
	return ""
}

func (v *view) labels() []string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	labels := make([]string, 0, len(v.byLabel))
	for label := range v.byLabel {
		labels = append(labels, label)
	}
	return labels
}
