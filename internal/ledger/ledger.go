// Package ledger keeps how all objects of one App stand: those that it
// declares, against what is live and what was applied last, and those that are
// left over from what it declared before.
//
// It is pure and knows neither target nor clock: what is seen and the time go
// in; what is to be changed, and how many objects stand how, comes out. Doing
// anything about it, and whether that is allowed now, is others' business.
//
// Each object is counted in exactly one way, and what is listed to be changed
// is what is counted as such: who acts on a count always finds something to do.
// Counting costs what changes, not what the App holds.
package ledger

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"plumb.dev/plumb/internal/drift"
	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

// Ledger is how one App's objects stand. Make one with New. It is used by one
// at a time.
type Ledger struct {
	app       App
	guard     Guard
	left      *Left        // what Left counted last; nil when that changed
	order     []object.Key // the declared objects, in the order of their stages
	objects   map[object.Key]*Object
	leftovers map[object.Key]*leftover
	applied   map[object.Key]plan.Applied
	drifts    map[object.Key]*drift.Account // sparse: those that drift or lately did
	counts    Counts
	waves     waves
	// namespaces is how many of the declared objects are namespaces.
	namespaces int
	situation  uint64
	improved   bool // an object became healthy since Improved was asked
}

// App is whose objects they are.
type App struct {
	ID    string // NAMESPACE/NAME
	Label string // as its objects carry it
	Root  string // that declares it
}

// New is a ledger without objects. What is remembered of the last applies may be nil.
func New(app App, applied map[object.Key]plan.Applied) *Ledger {
	if applied == nil {
		applied = map[object.Key]plan.Applied{}
	}
	return &Ledger{
		app: app, applied: applied,
		objects: map[object.Key]*Object{}, leftovers: map[object.Key]*leftover{}, drifts: map[object.Key]*drift.Account{},
	}
}

// Seen is what is known of one object when it is judged.
type Seen struct {
	Live      plan.Live // zero where none with an App's label is there
	Exists    bool
	Claimants []string // the Apps that declare it
	Paused    bool     // it is paused by itself
	Now       time.Time
}

// Judge brings one declared object up to date with what is live. It returns
// since when it had drifted, where that was told as an alert and is over now.
func (l *Ledger) Judge(key object.Key, s Seen) (over time.Time) {
	o := l.objects[key]
	if o == nil {
		return over
	}
	l.count(o, -1)
	defer l.count(o, 1)
	if s.Exists && !s.Live.Own && s.Live.App != l.app.Label {
		s.Live, s.Exists = plan.Live{}, false // a copy of another App's object is nobody's
	}
	standing := plan.Judge(l.app.Label, o.Desired, s.Live, l.applied[key])
	o.Rival = l.rival(s)
	if standing == plan.Foreign {
		standing = plan.Changed // nobody claims it any more: it is handed over
	}
	if standing != o.Standing || standing == plan.InLine {
		o.Err, o.waits = nil, false
	}
	if b := (base{s.Live.UID, s.Live.Fingerprint}); standing != o.Standing || b != o.live || s.Paused != o.Paused {
		o.live = b
		l.situation++
	}
	before := o.Health.Health
	o.Standing, o.Paused, o.Health = standing, s.Paused, healthOf(s)
	l.improved = l.improved || before != status.Healthy && o.Health.Health == status.Healthy
	if o.found != nil && (o.found.version != s.Live.Version || !o.drifted()) {
		o.found = nil // it changed since it was checked
	}
	if !o.applying {
		over = l.noteDrift(o, s.Now)
	}
	return over
}

func healthOf(s Seen) health.Verdict {
	if !s.Exists {
		return health.Verdict{Health: status.Progressing, Message: "is not there"}
	}
	return s.Live.Health
}

// rival says why an object that two Apps declare is left to the other one. It
// belongs to the one that holds it already, or else to the first by name; an
// App of another root is not ours to take from.
func (l *Ledger) rival(s Seen) error {
	if s.Exists && s.Live.App != l.app.Label && s.Live.Root != l.app.Root && s.Live.Root != "" {
		return fmt.Errorf("belongs to the App %s of another root (%s); remove it from one of the two", s.Live.App, s.Live.Root)
	}
	if len(s.Claimants) < 2 {
		return nil
	}
	owner := slices.Min(s.Claimants)
	for _, c := range s.Claimants {
		if s.Exists && object.AppLabel(c) == s.Live.App {
			owner = c
		}
	}
	if owner == l.app.ID {
		return nil
	}
	return fmt.Errorf("is declared by the Apps %s and %s; it is left to %s: remove it from one of the two", owner, l.app.ID, owner)
}

// Difference is how what is declared differs from what was declared before.
type Difference struct {
	Any        bool // in what objects there are, or in their content
	Came, Went []object.Key
}

// Adopt makes these the declared objects, to be judged by the caller. An object
// whose content is as before keeps the commit that it was last changed with.
func (l *Ledger) Adopt(desired []plan.Desired) (d Difference) {
	before := l.objects
	d.Any = len(before) != len(desired)
	l.left = nil
	l.objects = make(map[object.Key]*Object, len(desired))
	l.order = make([]object.Key, 0, len(desired))
	l.counts, l.waves, l.namespaces = Counts{}, waves{barrier: l.waves.barrier}, 0
	for _, one := range desired {
		fresh, old := &Object{Desired: one}, before[one.Key]
		if old != nil && old.Desired.Digest == one.Digest {
			fresh.Desired, fresh.Standing, fresh.live = old.Desired, old.Standing, old.live
			fresh.Desired.Origin = one.Origin
		} else {
			d.Any = true
		}
		if old == nil {
			d.Came = append(d.Came, one.Key)
		}
		l.objects[one.Key] = fresh
		l.order = append(l.order, one.Key)
		l.countNamespace(one.Key)
		l.count(fresh, 1)
	}
	for key := range before {
		if l.objects[key] == nil {
			delete(l.applied, key)
			d.Went = append(d.Went, key)
		}
	}
	if d.Any {
		l.situation++
	}
	return d
}

// Counts are how many of the declared objects stand how.
func (l *Ledger) Counts() Counts { return l.waves.queue(l.counts) }

// Situation grows with all that a plan of the intended changes may depend on.
func (l *Ledger) Situation() uint64 { return l.situation }

// Keys are the declared objects in the order they are applied. They are the
// ledger's own, and not to be changed.
func (l *Ledger) Keys() []object.Key { return l.order }

// Object is one declared object, or false where there is none.
func (l *Ledger) Object(key object.Key) (Object, bool) {
	if o := l.objects[key]; o != nil {
		return *o, true
	}
	return Object{}, false
}

// Objects goes through the declared objects in the order they are applied.
func (l *Ledger) Objects() iter.Seq[Object] {
	return func(yield func(Object) bool) {
		for _, key := range l.order {
			if !yield(*l.objects[key]) {
				return
			}
		}
	}
}

// Desired lists what is declared, in the order it is applied.
func (l *Ledger) Desired() []plan.Desired {
	desired := make([]plan.Desired, len(l.order))
	for i, key := range l.order {
		desired[i] = l.objects[key].Desired
	}
	return desired
}

// Intended lists the declared objects that are out of line because of what is declared.
func (l *Ledger) Intended() (desired []plan.Desired) {
	for _, key := range l.order {
		if o := l.objects[key]; o.intended() {
			desired = append(desired, o.Desired)
		}
	}
	return desired
}

// Worst is the first declared object with the worst health of all, or false
// where all are healthy.
func (l *Ledger) Worst() (Object, bool) {
	worst := l.counts.Health.Worst()
	if worst == status.Healthy {
		return Object{}, false
	}
	for _, key := range l.order {
		if o := l.objects[key]; o.Health.Health == worst {
			return *o, true
		}
	}
	return Object{}, false
}

// FirstFailure is the first declared object that failed for more than waiting,
// or else the first that failed at all.
func (l *Ledger) FirstFailure() (first Object, found bool) {
	if l.counts.Failing+l.counts.Refused == 0 {
		return first, false
	}
	for _, key := range l.order {
		switch o := l.objects[key]; {
		case o.Failure() == nil, found && o.waits:
		case !o.waits:
			return *o, true
		default:
			first, found = *o, true
		}
	}
	return first, found
}

// AnyFailed says whether some object could not be compared or applied for one of
// these reasons.
func (l *Ledger) AnyFailed(reasons ...error) bool {
	if l.counts.Failing+l.counts.Refused == 0 {
		return false
	}
	for _, o := range l.objects {
		for _, reason := range reasons {
			if errors.Is(o.Err, reason) {
				return true
			}
		}
	}
	return false
}

// Improved says whether some object became healthy since it was asked before,
// and another one waits for what it relies on: it may be just that.
func (l *Ledger) Improved() bool {
	improved := l.improved
	l.improved = false
	if !improved || l.counts.Failing == 0 {
		return false
	}
	for _, o := range l.objects {
		if o.Err != nil && o.waits {
			return true
		}
	}
	return false
}

// Applying marks the objects that a worker is at, and with on = false takes the
// marks away: what is seen of them meanwhile may be our own doing.
func (l *Ledger) Applying(changes []plan.Change, on bool) {
	for _, c := range changes {
		if o := l.objects[c.Key]; o != nil && c.Action != plan.Check {
			l.count(o, -1)
			o.applying = on
			l.count(o, 1)
		}
	}
}

// Stopped takes in that no worker is at any object.
func (l *Ledger) Stopped() {
	for _, o := range l.objects {
		if o.applying {
			l.count(o, -1)
			o.applying = false
			l.count(o, 1)
		}
	}
}

// Done takes in that a change was made: what was declared, and what to
// remember of it. It says false where something else is declared by now. The
// object is to be judged after it.
func (l *Ledger) Done(c plan.Change, applied plan.Applied, now time.Time) bool {
	o := l.objects[c.Key]
	if o == nil || o.Desired.Digest != c.Desired.Digest {
		return false
	}
	o.Desired = c.Desired // with the commit that it was applied with
	if len(c.Fields) > 0 {
		l.account(c.Key).PutRight(c.Fields, now)
	}
	l.applied[c.Key] = applied
	return true
}

// Fail notes why a declared object could not be compared or applied; waits,
// that it merely waits for another. It holds until something about it changes.
func (l *Ledger) Fail(key object.Key, err error, waits bool) {
	if o := l.objects[key]; o != nil {
		l.count(o, -1)
		o.Err, o.waits = err, waits
		l.count(o, 1)
	}
}

// Same takes in that the server holds an object as declared, and returns what
// to remember of it. The object is to be judged after it.
func (l *Ledger) Same(key object.Key, live plan.Live) plan.Applied {
	applied := plan.Applied{UID: live.UID, Digest: live.Digest, Fingerprint: live.Fingerprint}
	l.applied[key] = applied
	return applied
}

// Distrust forgets that an object was seen to be in line: the server has to be
// asked. The object is to be judged after it.
func (l *Ledger) Distrust(key object.Key) {
	applied := l.applied[key]
	applied.Fingerprint = 0
	l.applied[key] = applied
}

// Remembered are the objects of which something is remembered.
func (l *Ledger) Remembered() []object.Key {
	keys := make([]object.Key, 0, len(l.applied))
	for key := range l.applied {
		keys = append(keys, key)
	}
	return keys
}

// Claims are the Apps that declare an object, for each object that any does.
type Claims map[object.Key][]string

// Add takes in that an App declares an object.
func (c Claims) Add(key object.Key, app string) { c[key] = append(c[key], app) }

// Remove takes in that an App doesn't declare an object any more.
func (c Claims) Remove(key object.Key, app string) {
	rest := slices.DeleteFunc(c[key], func(one string) bool { return one == app })
	if len(rest) == 0 {
		delete(c, key)
		return
	}
	c[key] = rest
}
