package deliver

import (
	"fmt"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/target"
)

// entry is one declared object and how it stands.
type entry struct {
	desired  plan.Desired
	standing plan.Standing
	health   health.Verdict
	err      error // why it could not be applied; nil once something about it changed
	rival    error // why it is left to another App
	found    *found
	applying bool // a worker applies it, so what the view tells of it may be our own doing
	truce    bool // it is fought over, and left alone for now
	paused   bool // it is paused by itself
	live     base // what it was judged against
}

// base is what a plan depends on of a live object.
type base struct {
	uid         string
	fingerprint uint64
}

// leftover is a live object of the App that is no longer declared.
type leftover struct {
	live   plan.Live
	paused bool  // it is paused by itself
	kept   error // why the target kept it; asked again after the next render
	err    error // why it could not be deleted
}

// tally counts an App's objects, so that deciding costs the same whatever
// their number.
type tally struct {
	changes, drifted, failing, terminating, refused int
	stuck                                           int // of the failing ones, those that drifted
	paused                                          int // what is out of line and paused by itself
	unsure                                          int // what the server must be asked about
	told                                            int // drift that is known and not to be put right now
	health                                          health.Count
}

// count adds an entry to the tally, or with n = -1 takes it back.
func (t *tally) count(e *entry, n int) {
	t.health.Add(e.health.Health, n)
	switch {
	case e.rival != nil:
		t.refused += n
	case e.standing == plan.Terminating:
		t.terminating += n
	case e.standing == plan.InLine:
	case e.paused && (e.declaredOtherwise() || e.found != nil):
		t.paused += n
	case e.applying:
		t.changes += n
	case e.err != nil:
		t.failing += n
		if !e.intended() {
			t.stuck += n
		}
	case e.drifted() && (e.truce || e.found != nil):
		t.told += n
	case e.drifted():
		t.drifted += n
	case e.standing == plan.Unsure:
		t.unsure += n
	default:
		t.changes += n
	}
}

// drifted says whether someone may have changed the object.
func (e *entry) drifted() bool { return e.standing == plan.Gone || e.standing == plan.Moved }

// judge brings one declared object's entry up to date with what is live.
func (e *engine) judge(a *app, key object.Key) {
	entry := a.objects[key]
	if entry == nil {
		return
	}
	a.tally.count(entry, -1)
	defer func() { a.tally.count(entry, 1) }()
	live, exists := e.target.Live(key)
	if exists && !live.Own && live.App != a.label {
		live, exists = plan.Live{}, false // a copy of another App's object is nobody's
	}
	standing := plan.Judge(a.label, entry.desired, live, a.applied[key])
	entry.rival = e.rival(a, key, live, exists)
	if standing == plan.Foreign {
		standing = plan.Changed // nobody claims it any more: it is handed over
	}
	if standing != entry.standing || standing == plan.InLine {
		entry.err = nil
	}
	if b := (base{live.UID, live.Fingerprint}); standing != entry.standing || b != entry.live {
		entry.live = b
		a.situation++
	}
	entry.standing = standing
	entry.paused = e.pauses.Object(a.id, key, e.Now())
	entry.health = healthOf(live, exists)
	if entry.found != nil && (entry.found.version != live.Version || !entry.drifted()) {
		entry.found = nil // it changed since it was checked
	}
	if !entry.applying {
		e.noteDrift(a, entry)
	}
}

func healthOf(live plan.Live, exists bool) health.Verdict {
	if !exists {
		return health.Verdict{Health: status.Progressing, Message: "is not there"}
	}
	return live.Health
}

// rival says why an object that two Apps declare is left to the other one. It
// belongs to the one that holds it already, or else to the first by name; an
// App of another root is not ours to take from.
func (e *engine) rival(a *app, key object.Key, live plan.Live, exists bool) error {
	claimants := e.claims[key]
	if exists && live.App != a.label && live.Root != e.root && live.Root != "" {
		return fmt.Errorf("belongs to the App %s of another root (%s); remove it from one of the two", live.App, live.Root)
	}
	if len(claimants) < 2 {
		return nil
	}
	owner := slices.MinFunc(claimants, func(x, y *app) int { return strings.Compare(x.id, y.id) })
	for _, c := range claimants {
		if exists && c.label == live.App {
			owner = c
		}
	}
	if owner == a {
		return nil
	}
	return fmt.Errorf("is declared by the Apps %s and %s; it is left to %s: remove it from one of the two", owner.id, a.id, owner.id)
}

// adopt makes what was rendered the App's declared objects, and says whether
// they differ from those before. An object whose content is as before keeps
// the commit that it was last changed with.
func (e *engine) adopt(a *app, desired []plan.Desired) (differ bool) {
	before := a.objects
	differ = len(before) != len(desired)
	a.objects = make(map[object.Key]*entry, len(desired))
	a.order = make([]object.Key, 0, len(desired))
	a.tally = tally{}
	for _, d := range desired {
		if old := before[d.Key]; old != nil && old.desired.Digest == d.Digest {
			old.desired.Origin = d.Origin
			d = old.desired
		} else {
			differ = true
		}
		fresh := &entry{desired: d}
		a.objects[d.Key] = fresh
		a.order = append(a.order, d.Key)
		a.tally.count(fresh, 1)
		if before[d.Key] == nil {
			e.claim(a, d.Key)
		}
	}
	for key := range before {
		if a.objects[key] == nil {
			e.unclaim(a, key)
		}
	}
	for _, key := range a.order {
		e.judge(a, key)
	}
	e.findLeftovers(a)
	if differ {
		a.situation++
		if a.pending != nil {
			a.pending.granted = nil // what was approved isn't what is declared any more
		}
	}
	return differ
}

func (e *engine) claim(a *app, key object.Key) {
	e.claims[key] = append(e.claims[key], a)
	e.rejudgeRivals(a, key)
}

func (e *engine) unclaim(a *app, key object.Key) {
	e.claims[key] = slices.DeleteFunc(e.claims[key], func(c *app) bool { return c == a })
	if len(e.claims[key]) == 0 {
		delete(e.claims, key)
	}
	delete(a.applied, key)
	e.rejudgeRivals(a, key)
}

// rejudgeRivals brings the other Apps that have to do with an object up to
// date when one begins or ends to declare it.
func (e *engine) rejudgeRivals(a *app, key object.Key) {
	if live, ok := e.target.Live(key); ok {
		if holder := e.byLabel[live.App]; holder != nil && holder != a {
			e.noteLeftover(holder, key)
			e.touch(holder)
		}
	}
	for _, other := range e.claims[key] {
		if other != a {
			e.judge(other, key)
			e.touch(other)
		}
	}
}

// findLeftovers looks through all live objects with the App's label.
func (e *engine) findLeftovers(a *app) {
	clear(a.leftovers)
	for _, key := range e.target.Owned(a.label) {
		e.noteLeftover(a, key)
	}
}

// noteLeftover brings one live object that the App may not declare up to date.
func (e *engine) noteLeftover(a *app, key object.Key) {
	live, exists := e.target.Live(key)
	if !exists || live.App != a.label || !live.Own || a.objects[key] != nil || len(e.claims[key]) > 0 {
		if a.leftovers[key] != nil {
			a.situation++
		}
		delete(a.leftovers, key) // gone, handed over, or declared
		return
	}
	if a.leftovers[key] == nil {
		a.leftovers[key] = &leftover{}
		a.situation++
	}
	a.leftovers[key].live = live
	a.leftovers[key].paused = e.pauses.Object(a.id, key, e.Now())
}

// keeps says which guard keeps a leftover from being deleted, if one does.
func (a *app) keeps(l *leftover) error {
	if err := l.keptForGood(); err != nil {
		return err
	}
	return a.holdsBack(l)
}

// keptForGood says why an object outlives its declaration: it is meant to, or
// more would go with it.
func (l *leftover) keptForGood() error {
	if l.live.Keep {
		return fmt.Errorf("%w: %s is %s", target.ErrKept, object.AnnotationPrune, object.PruneNever)
	}
	return l.kept
}

// holdsBack says why an App deletes nothing, or no namespace, before someone
// says that it is meant.
func (a *app) holdsBack(l *leftover) error {
	lifted := a.App.Spec.Sync.AllowEmpty
	switch {
	case !a.removed && len(a.order) == 0 && !lifted:
		return fmt.Errorf("%w: the App declares no object at all, which is more often a mistake than meant; "+
			"set sync.allowEmpty, or remove the App", target.ErrKept)
	case plan.StageOf(l.live.Key) == plan.StageNamespace && !a.declaresNamespace() && !lifted:
		return fmt.Errorf("%w: it is among the App's last namespaces, and all that is in it would go with it; "+
			"set sync.allowEmpty, or delete it by hand", target.ErrKept)
	}
	return nil
}

// declaresNamespace says whether any declared object is a namespace; they come first.
func (a *app) declaresNamespace() bool {
	return len(a.order) > 0 && plan.StageOf(a.order[0]) == plan.StageNamespace
}

// prunes lists what is to be deleted; granted, only what the gate lets through.
func (a *app) prunes(most int, granted bool) []plan.Change {
	var changes []plan.Change
	for key, l := range a.leftovers {
		if len(changes) == most {
			break
		}
		c := plan.Change{Action: plan.Prune, Key: key, Live: l.live, Reason: "is no longer declared"}
		if l.live.Deleting || l.paused || a.keeps(l) != nil || granted && !a.allows(c) {
			continue
		}
		changes = append(changes, c)
	}
	return changes
}

// changesOf lists what is to be applied now: what changed, what may have
// drifted when that is to be put right, and what failed when it is due again.
func (a *app) changesOf(f Facts, due bool, most int) []plan.Change {
	var changes []plan.Change
	for _, key := range a.order {
		if len(changes) == most {
			break
		}
		e := a.objects[key]
		if e.rival != nil || e.standing == plan.InLine || e.standing == plan.Terminating || e.paused && e.declaredOtherwise() {
			continue
		}
		c := e.change()
		switch {
		case e.err != nil && (!due || f.Waiting), e.drifted() && (e.truce || e.found != nil), e.intended() && f.Waiting, !a.allows(c):
			continue
		}
		changes = append(changes, c)
	}
	return changes
}

// change is what to do with a declared object that is out of line.
func (e *entry) change() plan.Change {
	c := plan.Change{Key: e.desired.Key, Desired: e.desired}
	switch e.standing {
	case plan.Missing:
		c.Action, c.Reason = plan.Create, "is declared and not there"
	case plan.Changed, plan.Foreign:
		c.Action, c.Reason = plan.Update, "is declared otherwise"
	default:
		c.Action = plan.Check
	}
	return c
}
