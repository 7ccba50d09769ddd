package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

// book is a ledger of the App team/shop over a cluster in memory.
type book struct {
	*Ledger
	t       *testing.T
	live    map[object.Key]plan.Live
	claims  Claims
	paused  map[object.Key]bool
	now     time.Time
	version uint64
}

func newBook(t *testing.T) *book {
	t.Helper()
	return &book{
		Ledger: New(App{ID: "team/shop", Label: "team.shop", Root: "root"}, nil), t: t,
		live: map[object.Key]plan.Live{}, claims: Claims{}, paused: map[object.Key]bool{},
		now: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC),
	}
}

func key(name string) object.Key {
	kind := "ConfigMap"
	if strings.HasPrefix(name, "ns-") {
		return object.Key{Kind: "Namespace", Name: name}
	}
	return object.Key{Kind: kind, Namespace: "shop", Name: name}
}

// declare takes "a=1 b=2": objects and their content.
func (b *book) declare(objects string) Difference {
	b.t.Helper()
	var desired []plan.Desired
	for _, one := range strings.Fields(objects) {
		name, content, _ := strings.Cut(one, "=")
		desired = append(desired, plan.Desired{Key: key(name), Digest: content, Origin: object.Origin{File: name + ".yaml", Line: 1}})
	}
	d := b.Adopt(desired)
	for _, k := range d.Came {
		b.claims.Add(k, "team/shop")
	}
	for _, k := range d.Went {
		b.claims.Remove(k, "team/shop")
	}
	b.look()
	return d
}

// write makes an object live with content, changed by the App or (fingerprint) by someone else.
func (b *book) write(name, content string, change ...func(*plan.Live)) plan.Live {
	b.version++
	l := plan.Live{
		Key: key(name), UID: "uid-" + name, Version: b.version, App: "team.shop", Own: true, Root: "root", Digest: content, Fingerprint: 1,
		Health: health.Verdict{Health: status.Healthy},
	}
	for _, c := range change {
		c(&l)
	}
	b.live[l.Key] = l
	return l
}

func (b *book) seen(k object.Key) Seen {
	live, exists := b.live[k]
	return Seen{Live: live, Exists: exists, Claimants: b.claims[k], Paused: b.paused[k], Now: b.now}
}

// look brings everything up to date.
func (b *book) look() {
	for _, k := range b.Keys() {
		b.Judge(k, b.seen(k))
	}
	b.ForgetLeftovers()
	for k := range b.live {
		b.Leave(k, b.seen(k))
	}
	b.check()
}

// apply does all that the permit lets through, as a worker would.
func (b *book) apply(p Permit) {
	for _, c := range b.Changes(p, 100) {
		live := b.write(c.Key.Name, c.Desired.Digest)
		b.Done(c, plan.Applied{UID: live.UID, Digest: live.Digest, Fingerprint: live.Fingerprint}, b.now)
	}
	b.look()
}

// edit is someone else's change.
func (b *book) edit(name string) {
	b.write(name, b.live[key(name)].Digest, func(l *plan.Live) { l.Fingerprint = b.version + 100 })
	b.look()
}

// check holds what always holds: the counts are those of the objects, and what
// is listed is what is counted.
func (b *book) check() {
	b.t.Helper()
	var fresh Counts
	for _, o := range b.objects {
		fresh.add(o, 1)
	}
	if diff := cmp.Diff(fresh, b.Counts(), cmp.AllowUnexported(health.Count{})); diff != "" {
		b.t.Errorf("the counts aren't those of the objects (-want +got)\n%s", diff)
	}
	n := b.Counts()
	listed := len(b.Changes(Permit{Intended: true, Due: true}, 1000))
	if counted := n.Changes + n.Drifted + n.Unsure + n.Failing; listed != counted {
		b.t.Errorf("%d changes are listed, and %d counted: %+v", listed, counted, n)
	}
	if listed := len(b.Prunes(Permit{Intended: true}, -1)); listed != b.Left().Prunes {
		b.t.Errorf("%d prunes are listed, and %d counted", listed, b.Left().Prunes)
	}
}

// stand is how many objects stand how, in words.
func (b *book) stand() string {
	b.t.Helper()
	b.check()
	n, left := b.Counts(), b.Left()
	var words []string
	for _, w := range []struct {
		name string
		n    int
	}{
		{"changes", n.Changes}, {"drifted", n.Drifted}, {"unsure", n.Unsure}, {"told", n.Told}, {"failing", n.Failing}, {"stuck", n.Stuck},
		{"terminating", n.Terminating}, {"refused", n.Refused}, {"paused", n.Paused},
		{"prunes", left.Prunes}, {"deleting", left.Deleting}, {"left-paused", left.Paused}, {"guarded", left.Guarded},
	} {
		if w.n > 0 {
			words = append(words, fmt.Sprintf("%d %s", w.n, w.name))
		}
	}
	return strings.Join(words, ", ")
}

func (b *book) wants(want string) {
	b.t.Helper()
	if got := b.stand(); got != want {
		b.t.Errorf("it stands at %q, want %q", got, want)
	}
}

func all() Permit { return Permit{Intended: true, Due: true} }

func listed(changes []plan.Change) string {
	var words []string
	for _, c := range changes {
		words = append(words, string(c.Action)+" "+c.Key.Name)
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

func TestWhatIsDeclaredIsAppliedAndInLine(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	if d := b.declare("a=1 b=1"); !d.Any || len(d.Came) != 2 {
		t.Errorf("it differs in %+v", d)
	}
	b.wants("2 changes")
	if got := listed(b.Changes(all(), 1)); got != "create a" {
		t.Errorf("one at a time is %q", got)
	}
	b.apply(all())
	b.wants("")
	if d := b.declare("a=1 b=1"); d.Any {
		t.Errorf("the same differs in %+v", d)
	}
	if d := b.declare("a=2 c=1"); !d.Any || len(d.Came) != 1 || len(d.Went) != 1 {
		t.Errorf("it differs in %+v", d)
	}
	b.wants("2 changes, 1 prunes")
	if got := listed(b.Changes(Permit{Intended: true, Waiting: true}, 9)); got != "" {
		t.Errorf("what waits is %q", got)
	}
	if got := listed(append(b.Changes(all(), 9), b.Prunes(all(), 9)...)); got != "create c, prune b, update a" {
		t.Errorf("to be done is %q", got)
	}
	delete(b.live, key("b"))
	b.apply(all())
	b.wants("")
	if got, _ := b.Object(key("a")); got.Standing != plan.InLine || got.Desired.Digest != "2" {
		t.Errorf("a stands as %+v", got)
	}
}

func TestEachObjectCountsOnce(t *testing.T) {
	t.Parallel()
	inLine := func(b *book) { b.declare("a=1"); b.apply(all()) }
	failed := errors.New("no")
	for _, tc := range []struct {
		name string
		do   func(*book)
		want string
	}{
		{"changed by someone", func(b *book) { inLine(b); b.edit("a") }, "1 drifted"},
		{"deleted by someone", func(b *book) { inLine(b); delete(b.live, key("a")); b.look() }, "1 drifted"},
		{"of which nothing is remembered", func(b *book) { b.write("a", "1"); b.declare("a=1") }, "1 unsure"},
		{"distrusted", func(b *book) { inLine(b); b.Distrust(key("a")); b.look() }, "1 unsure"},
		{"known to have drifted", func(b *book) { inLine(b); b.edit("a"); b.leave("a") }, "1 told"},
		{"unsure, and found to differ", func(b *book) { b.write("a", "1"); b.declare("a=1"); b.leave("a") }, "1 told"},
		{"changed since it was found to differ", func(b *book) { inLine(b); b.edit("a"); b.leave("a"); b.edit("a") }, "1 drifted"},
		{"refused by the server", func(b *book) { b.declare("a=1"); b.Fail(key("a"), failed, false) }, "1 failing"},
		{"refused, and seen again", func(b *book) { b.declare("a=1"); b.Fail(key("a"), failed, false); b.look() }, "1 failing"},
		{"refused, and declared otherwise", func(b *book) { b.declare("a=1"); b.Fail(key("a"), failed, false); b.declare("a=2") }, "1 changes"},
		{"not to be compared", func(b *book) { inLine(b); b.edit("a"); b.Fail(key("a"), failed, false) }, "1 failing, 1 stuck"},
		{"not to be compared once, then found to differ",
			func(b *book) { inLine(b); b.edit("a"); b.Fail(key("a"), failed, false); b.leave("a") }, "1 told"},
		{"being deleted", func(b *book) { b.write("a", "1", func(l *plan.Live) { l.Deleting = true }); b.declare("a=1") }, "1 terminating"},
		{"another App's by name", func(b *book) { b.claims.Add(key("a"), "team/first"); b.declare("a=1") }, "1 refused"},
		{"its own by name", func(b *book) { b.claims.Add(key("a"), "team/third"); b.declare("a=1") }, "1 changes"},
		{"held by another that declares it", func(b *book) {
			b.claims.Add(key("a"), "team/third")
			b.write("a", "1", func(l *plan.Live) { l.App = "team.third" })
			b.declare("a=1")
		}, "1 refused"},
		{"held by one that doesn't", func(b *book) { b.write("a", "1", func(l *plan.Live) { l.App = "team.gone" }); b.declare("a=1") }, "1 changes"},
		{"another root's", func(b *book) {
			b.write("a", "1", func(l *plan.Live) { l.App, l.Root = "x.y", "elsewhere" })
			b.declare("a=1")
		}, "1 refused"},
		{"a copy of another's", func(b *book) { b.write("a", "1", func(l *plan.Live) { l.App, l.Own = "x.y", false }); b.declare("a=1") }, "1 changes"},
		{"paused and declared otherwise", func(b *book) { b.paused[key("a")] = true; b.declare("a=1") }, "1 paused"},
		{"paused and changed by someone", func(b *book) { inLine(b); b.paused[key("a")] = true; b.edit("a") }, "1 drifted"},
		{"paused and known to have drifted", func(b *book) { inLine(b); b.paused[key("a")] = true; b.edit("a"); b.leave("a") }, "1 paused"},
		{"paused and in line", func(b *book) { inLine(b); b.paused[key("a")] = true; b.look() }, ""},
		{"being applied", func(b *book) {
			b.declare("a=1")
			b.Fail(key("a"), failed, false)
			b.Applying(b.Changes(all(), 9), true)
		}, "1 changes"},
		{"being applied when the worker was lost", func(b *book) {
			b.declare("a=1")
			b.Fail(key("a"), failed, false)
			b.Applying(b.Changes(all(), 9), true)
			b.Stopped()
		}, "1 failing"},
		{"no longer declared", func(b *book) { b.declare("a=1 b=1"); b.apply(all()); b.declare("b=1") }, "1 prunes"},
		{"no longer declared by an App that declares nothing", func(b *book) { inLine(b); b.declare("") }, "1 guarded"},
		{"nothing declared, and that is meant", func(b *book) { inLine(b); b.SetGuard(Guard{AllowEmpty: true}); b.declare("") }, "1 prunes"},
		{"of a removed App", func(b *book) { inLine(b); b.SetGuard(Guard{Removed: true}); b.declare("") }, "1 prunes"},
		{"the last namespace", func(b *book) { b.declare("ns-a=1 a=1"); b.apply(all()); b.declare("a=1") }, "1 guarded"},
		{"the last namespace of a removed App", func(b *book) { b.declare("ns-a=1"); b.apply(all()); b.SetGuard(Guard{Removed: true}); b.declare("") }, "1 guarded"},
		{"a namespace of two", func(b *book) { b.declare("ns-a=1 ns-b=1"); b.apply(all()); b.declare("ns-a=1") }, "1 prunes"},
		{"meant to outlive its declaration", func(b *book) {
			b.write("k", "1", func(l *plan.Live) { l.Keep = true })
			inLine(b)
		}, ""},
		{"kept by the target", func(b *book) { b.write("k", "1"); inLine(b); b.Pruned(key("k"), failed, true) }, ""},
		{"kept by the target, and asked again", func(b *book) { b.write("k", "1"); inLine(b); b.Pruned(key("k"), failed, true); b.AskAgain() }, "1 prunes"},
		{"kept by the target, and changed since", func(b *book) {
			b.write("k", "1")
			inLine(b)
			b.Pruned(key("k"), failed, true)
			b.write("k", "1")
			b.Leave(key("k"), b.seen(key("k")))
		}, ""},
		{"kept by the target until what kept it is gone", func(b *book) {
			b.write("k", "1")
			inLine(b)
			b.Pruned(key("k"), failed, true)
			b.write("k", "1", func(l *plan.Live) { l.Freed++ })
			b.Leave(key("k"), b.seen(key("k")))
		}, "1 prunes"},
		{"left over and being deleted", func(b *book) { b.write("k", "1", func(l *plan.Live) { l.Deleting = true }); inLine(b) }, "1 deleting"},
		{"left over and paused", func(b *book) { b.write("k", "1"); b.paused[key("k")] = true; inLine(b) }, "1 left-paused"},
		{"left over, and declared by another", func(b *book) { b.write("k", "1"); b.claims.Add(key("k"), "team/other"); inLine(b) }, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBook(t)
			tc.do(b)
			b.wants(tc.want)
		})
	}
}

// What waits may wait for just the object that becomes healthy.
func TestImproved(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	asked := func(what string, want bool) {
		t.Helper()
		if got := b.Improved(); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	turn := func(h status.Health) {
		b.write("a", "1", func(l *plan.Live) { l.Health.Health = h })
		b.look()
	}
	b.declare("a=1 b=1")
	turn(status.Progressing)
	asked("nothing is healthy", false)
	turn(status.Healthy)
	asked("nothing waits", false)
	b.Fail(key("b"), errors.New("refused"), false)
	turn(status.Progressing)
	turn(status.Healthy)
	asked("what failed doesn't wait", false)
	b.Fail(key("b"), errors.New("waits"), true)
	asked("nothing changed", false)
	turn(status.Progressing)
	turn(status.Healthy)
	turn(status.Degraded)
	asked("it was healthy in between", true)
	asked("once is enough", false)
}

// leave is a check whose finding is only told.
func (b *book) leave(name string) {
	live := b.live[key(name)]
	b.Found(key(name), live, "data was changed by ada", b.now)
	b.Judge(key(name), b.seen(key(name)))
	b.LeaveAsIs(key(name), live, "data was changed by ada")
	b.Judge(key(name), b.seen(key(name)))
}

func TestOnlyWhatWasApprovedIsDone(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.declare("a=1 b=1 old=1")
	b.apply(all())
	b.declare("a=2 b=2 c=1")
	p := plan.Plan{Changes: append(b.Changes(all(), 9), b.Prunes(all(), 9)...)}
	grants := GrantsOf(p)
	if got := b.Granted(grants); got.Changes != 1 || !got.Any() {
		t.Errorf("left to do is %+v", got)
	}
	b.declare("a=2 b=3 d=1") // b is declared otherwise, c isn't any more, d is new
	only := Permit{Intended: true, Only: grants}
	if got := listed(append(b.Changes(only, 9), b.Prunes(only, 9)...)); got != "prune old, update a" {
		t.Errorf("what is approved is %q", got)
	}
	if got := listed(b.Changes(Permit{Intended: true, Only: GrantsOf(plan.Plan{})}, 9)); got != "" {
		t.Errorf("an empty plan lets %q through", got)
	}
	b.Fail(key("a"), errors.New("no"), false)
	if got := b.Granted(grants); got != (Work{Failing: 1, Prunes: 1}) {
		t.Errorf("left to do is %+v", got)
	}
	only.Due = true
	b.apply(only)
	b.paused[key("old")] = true
	b.look()
	if got := b.Granted(grants); got.Any() {
		t.Errorf("left to do is %+v", got)
	}
	b.edit("a")
	if got := listed(b.Changes(Permit{}, 9)); got != "check a" {
		t.Errorf("without a permit, looked at is %q", got)
	}
}

func TestTheSituationMovesWithWhatAPlanDependsOn(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.declare("a=1 b=1")
	b.apply(all())
	last := b.Situation()
	for _, tc := range []struct {
		name  string
		do    func()
		moves bool
	}{
		{"nothing happens", b.look, false},
		{"the health of an object", func() { b.write("a", "1", func(l *plan.Live) { l.Health.Health = status.Degraded }); b.look() }, false},
		{"a field that is ours", func() { b.edit("a") }, true},
		{"another declaration", func() { b.declare("a=2 b=1") }, true},
		{"the same declaration", func() { b.declare("a=2 b=1") }, false},
		{"an object that is left over", func() { b.write("k", "1"); b.Leave(key("k"), b.seen(key("k"))) }, true},
		{"one that is paused", func() { b.paused[key("b")] = true; b.Judge(key("b"), b.seen(key("b"))) }, true},
		{"a left over one that is paused", func() { b.paused[key("k")] = true; b.Leave(key("k"), b.seen(key("k"))) }, true},
		{"and gone", func() { delete(b.live, key("k")); b.Leave(key("k"), b.seen(key("k"))) }, true},
	} {
		tc.do()
		if now := b.Situation(); (now != last) != tc.moves {
			t.Errorf("%s: the situation went from %d to %d", tc.name, last, now)
		}
		last = b.Situation()
	}
}

func TestDriftThatLastsIsToldOnce(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.declare("a=1 b=1")
	b.apply(all())
	b.edit("a")
	due, next := b.Alerts(b.now, false)
	if len(due) > 0 || !next.Equal(b.now.Add(2*time.Minute)) {
		t.Errorf("at once %v is told, and asked again at %v", due, next)
	}
	if due, _ = b.Alerts(b.now, true); len(due) > 0 {
		t.Errorf("before it was compared %v is told", due)
	}
	b.leave("a")
	if text, fight := b.Drift(b.now); text != "ConfigMap/shop/a: data was changed by ada" || fight {
		t.Errorf("it is told as %q", text)
	}
	since := b.now
	b.now = b.now.Add(3 * time.Minute)
	b.paused[key("a")] = true
	b.look()
	if due, _ = b.Alerts(b.now, false); len(due) > 0 {
		t.Errorf("while it is paused %v is told", due)
	}
	b.paused[key("a")] = false
	b.look()
	for i, want := range []int{1, 0} {
		if due, _ = b.Alerts(b.now, false); len(due) != want || want > 0 && (due[0].Since != since || due[0].Reason == "") {
			t.Errorf("%d: told is %+v", i, due)
		}
	}
	if n, oldest := b.Alerted(); n != 1 || oldest != since {
		t.Errorf("%d were told, the oldest of %v", n, oldest)
	}
	b.LookAtAllAgain(b.now)
	b.wants("1 drifted")
	if n, _ := b.Alerted(); n != 0 {
		t.Error("what is looked at again was told")
	}
	b.leave("a")
	_, _ = b.Alerts(b.now, true)
	b.write("a", "1")
	if over := b.Judge(key("a"), b.seen(key("a"))); over != b.now {
		t.Errorf("what is over was told to last since %v", over)
	}
	b.wants("")
}

func TestAFightIsLeftAloneForAWhile(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.declare("a=1")
	b.apply(all())
	for range 3 {
		b.edit("a")
		c := plan.Change{Action: plan.Update, Key: key("a"), Desired: plan.Desired{Key: key("a"), Digest: "1"},
			Fields: []plan.Field{{Path: "data.x", Owner: "ada"}}}
		live := b.write("a", "1")
		b.Done(c, plan.Applied{UID: live.UID, Digest: "1", Fingerprint: live.Fingerprint}, b.now)
		b.look()
		b.now = b.now.Add(time.Second)
	}
	b.edit("a")
	b.wants("1 told")
	b.Fail(key("a"), errors.New("no"), false)
	b.wants("1 told") // and not failing: nothing is tried until the truce is over
	if text, fight := b.Drift(b.now); !fight || !strings.Contains(text, "ada takes data.x") {
		t.Errorf("it is told as %q", text)
	}
	b.Fail(key("a"), nil, false)
	_, next := b.Alerts(b.now, false)
	if !next.After(b.now) {
		t.Errorf("asked again at %v", next)
	}
	b.now = next
	_, _ = b.Alerts(b.now, false)
	b.wants("1 drifted")
}

func TestTheFirstFailureIsNoMereWaiting(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.declare("a=1 b=1 c=1")
	if _, failed := b.FirstFailure(); failed {
		t.Error("something failed")
	}
	b.Fail(key("b"), errors.New("waits"), true)
	if o, _ := b.FirstFailure(); o.Desired.Key != key("b") {
		t.Errorf("it is %s", o.Desired.Key)
	}
	b.Fail(key("c"), errors.New("no"), false)
	if o, failed := b.FirstFailure(); !failed || o.Desired.Key != key("c") || o.Failure().Error() != "no" {
		t.Errorf("it is %s", o.Desired.Key)
	}
}

func TestTheWorstHealth(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.declare("a=1 b=1")
	b.apply(all())
	if _, some := b.Worst(); some || b.Counts().WorstHealth() != status.Healthy {
		t.Error("something is ill")
	}
	b.write("b", "1", func(l *plan.Live) { l.Health = health.Verdict{Health: status.Suspended} })
	b.declare("a=1 b=1 new=1")
	if n := b.Counts(); n.WorstHealth() != status.Progressing || n.HealthOfPast() != status.Suspended {
		t.Errorf("it is %s, and without the new one %s", n.WorstHealth(), n.HealthOfPast())
	}
	if o, some := b.Worst(); !some || o.Desired.Key != key("new") {
		t.Errorf("the worst is %s", o.Desired.Key)
	}
}
