package ledger

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
)

// waves counts, wave by wave, what holds up the higher ones and what waits for
// the lower ones. Counting costs what changes; asking costs the number of waves.
type waves struct {
	list    []wave // by their numbers
	barrier *int   // what is of higher waves waits, whatever the lower ones are like
}

// wave is what of the objects of one wave matters to the others.
type wave struct {
	number int
	held   int // not applied as declared, or not healthy: the higher waves wait
	open   int // not applied as declared
	// Of the open ones, those that wait while a lower wave isn't through.
	changes, failing int
}

// add counts an object, or with n = -1 takes it back.
func (w *waves) add(o *Object, n int) {
	i, found := slices.BinarySearchFunc(w.list, o.Desired.Wave, func(one wave, number int) int { return cmp.Compare(one.number, number) })
	if !found {
		w.list = slices.Insert(w.list, i, wave{number: o.Desired.Wave})
	}
	one := &w.list[i]
	if o.open() {
		one.open += n
	}
	if o.open() || !o.works() {
		one.held += n
	}
	switch {
	case !o.canWait():
	case o.class() == failing:
		one.failing += n
	default:
		one.changes += n
	}
}

// open says whether the object is not applied as declared. One that is left to
// another App, or paused by itself, isn't waited for.
func (o *Object) open() bool {
	switch o.class() {
	case changing, failing, terminating, drifted, unsure:
		return true
	default:
		return false
	}
}

// works says whether the object is healthy, or stopped on purpose.
func (o *Object) works() bool { return health.Enough(o.Health.Health) }

// canWait says whether the object is one that waits for lower waves: drift is
// put right at once, and what a worker is at goes on.
func (o *Object) canWait() bool {
	c := o.class()
	return o.intended() && !o.applying && (c == changing || c == failing)
}

// front is the lowest wave that isn't through; what is of higher ones waits.
func (w *waves) front() int {
	front := math.MaxInt
	if w.barrier != nil {
		front = *w.barrier
	}
	for _, one := range w.list {
		if one.number >= front {
			break
		}
		if one.held > 0 {
			return one.number
		}
	}
	return front
}

// queue is the counts with what waits for lower waves counted as that.
func (w *waves) queue(c Counts) Counts {
	if len(w.list) < 2 && w.barrier == nil {
		return c
	}
	front := w.front()
	for i := len(w.list) - 1; i >= 0 && w.list[i].number > front; i-- {
		one := w.list[i]
		c.Changes -= one.changes
		c.Failing -= one.failing
		c.Queued += one.changes + one.failing
	}
	return c
}

// count counts an object, or with n = -1 takes it back.
func (l *Ledger) count(o *Object, n int) {
	l.counts.add(o, n)
	l.waves.add(o, n)
}

// queued says whether an object waits for a lower wave than its own.
func (l *Ledger) queued(o *Object) bool { return o.canWait() && o.Desired.Wave > l.waves.front() }

// SetBarrier holds back what is of higher waves than this one, and without a
// wave holds back nothing.
func (l *Ledger) SetBarrier(wave int, some bool) {
	l.waves.barrier = nil
	if some {
		l.waves.barrier = &wave
	}
}

// Reached says whether a wave is applied, and all lower ones are through.
func (l *Ledger) Reached(number int) bool {
	for _, one := range l.waves.list {
		if one.number < number && one.held > 0 || one.number == number && one.open > 0 {
			return false
		}
	}
	return true
}

// AwaitedText says what the objects of higher waves wait for; empty where none waits.
func (l *Ledger) AwaitedText() string {
	if l.Counts().Queued == 0 {
		return ""
	}
	front := l.waves.front()
	for _, key := range l.order {
		o := l.objects[key]
		if o.Desired.Wave != front || !o.open() && o.works() {
			continue
		}
		return fmt.Sprintf("wave %d: %s %s", front, key, o.awaited())
	}
	return fmt.Sprintf("the sync hooks of wave %d", front)
}

// awaited says why an object isn't through.
func (o *Object) awaited() string {
	switch {
	case o.Err != nil:
		return o.Err.Error()
	case o.open():
		return "is to be applied"
	case o.Health.Message != "":
		return "is not healthy: " + o.Health.Message
	default:
		return "is not healthy"
	}
}

// Waves lists the waves of the declared objects, lowest first.
func (l *Ledger) Waves() []int {
	numbers := make([]int, len(l.waves.list))
	for i, one := range l.waves.list {
		numbers[i] = one.number
	}
	return numbers
}

// pruneFront is the highest wave of what is to be deleted, or is being deleted:
// what is of lower ones waits until that is gone.
func (l *Ledger) pruneFront() int {
	front := math.MinInt
	for _, left := range l.leftovers {
		if left.live.Deleting || l.prunable(left) {
			front = max(front, left.live.Wave)
		}
	}
	return front
}

// declaresNamespace says whether any declared object is a namespace.
func (l *Ledger) declaresNamespace() bool { return l.namespaces > 0 }

// countNamespace counts a declared object if it is a namespace.
func (l *Ledger) countNamespace(key object.Key) {
	if plan.StageOf(key) == plan.StageNamespace {
		l.namespaces++
	}
}
