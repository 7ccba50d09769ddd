package cache

import (
	"container/list"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
)

const (
	keySize    = 16 // bytes of a key's hash
	inputsSize = 8  // bytes of the inputs' hash in a name; the inputs themselves are in the file
	// perKey is how many results are kept for one place and one way: enough for
	// branches that take turns, and for a change that is taken back.
	perKey = 4
)

// name is that of one kept result: KEY-INPUTS, both as hex.
type name struct{ key, inputs string }

func (n name) String() string { return n.key + "-" + n.inputs }

// parseName reads what String wrote.
func parseName(s string) (name, bool) {
	key, inputs, _ := strings.Cut(s, "-")
	return name{key: key, inputs: inputs}, isHex(key, keySize) && isHex(inputs, inputsSize)
}

func isHex(s string, bytes int) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == bytes && strings.ToLower(s) == s
}

// index knows what is kept, in the order of its last use, so that nothing is
// looked for in vain and the bounds hold. It does no I/O.
type index struct {
	mu       sync.Mutex
	maxBytes int64
	maxCount int
	bytes    int64
	order    list.List // of *kept, the last used first
	byName   map[name]*list.Element
	byKey    map[string][]name // the last used first
}

type kept struct {
	name name
	size int64
}

func newIndex(maxBytes int64, maxCount int) *index {
	return &index{maxBytes: maxBytes, maxCount: maxCount, byName: map[name]*list.Element{}, byKey: map[string][]name{}}
}

// candidates are the results of a key, the last used first.
func (x *index) candidates(key string) []name {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.byKey[key])
}

// use notes that a result was used.
func (x *index) use(n name) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if e := x.byName[n]; e != nil {
		x.order.MoveToFront(e)
		x.first(n)
	}
}

// put adds a result, as the last used one, and returns those that have to go
// for it. One that was there is replaced.
func (x *index) put(n name, size int64) (gone []name) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.forget(n)
	x.byName[n] = x.order.PushFront(&kept{name: n, size: size})
	x.bytes += size
	x.first(n)
	if of := x.byKey[n.key]; len(of) > perKey {
		gone = append(gone, of[len(of)-1])
		x.forget(of[len(of)-1])
	}
	for x.bytes > x.maxBytes || x.order.Len() > x.maxCount {
		last := x.order.Back().Value.(*kept).name
		gone = append(gone, last)
		x.forget(last)
	}
	return gone
}

// drop forgets a result.
func (x *index) drop(n name) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.forget(n)
}

// first puts a name before the others of its key.
func (x *index) first(n name) {
	x.byKey[n.key] = append([]name{n}, slices.DeleteFunc(x.byKey[n.key], func(other name) bool { return other == n })...)
}

func (x *index) forget(n name) {
	e := x.byName[n]
	if e == nil {
		return
	}
	x.bytes -= x.order.Remove(e).(*kept).size
	delete(x.byName, n)
	rest := slices.DeleteFunc(x.byKey[n.key], func(other name) bool { return other == n })
	if x.byKey[n.key] = rest; len(rest) == 0 {
		delete(x.byKey, n.key)
	}
}
