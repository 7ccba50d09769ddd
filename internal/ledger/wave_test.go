package ledger

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

// waveOf reads the wave in a name: a@2 is of wave 2.
func waveOf(name string) (wave int) {
	if _, number, ok := strings.Cut(name, "@"); ok {
		_, _ = fmt.Sscan(number, &wave)
	}
	return wave
}

// waves declares objects whose names end with their waves: "a@0=1 b@1=1".
func (b *book) waves(objects string) {
	b.t.Helper()
	var desired []plan.Desired
	for _, one := range strings.Fields(objects) {
		name, content, _ := strings.Cut(one, "=")
		desired = append(desired, plan.Desired{Key: key(name), Digest: content, Wave: waveOf(name)})
	}
	d := b.Adopt(desired)
	for _, k := range d.Came {
		b.claims.Add(k, "team/shop")
	}
	for _, k := range d.Went {
		b.claims.Remove(k, "team/shop")
	}
	b.see()
}

// see brings everything up to date, and holds the counts to what they mean.
func (b *book) see() {
	b.t.Helper()
	for _, k := range b.Keys() {
		b.Judge(k, b.seen(k))
	}
	b.ForgetLeftovers()
	for k := range b.live {
		b.Leave(k, b.seen(k))
	}
	b.counted()
}

// counted holds the counts to what the objects are, one by one.
func (b *book) counted() {
	b.t.Helper()
	front := math.MaxInt
	if b.Ledger.waves.barrier != nil {
		front = *b.Ledger.waves.barrier
	}
	for _, o := range b.objects {
		if o.open() || !o.works() {
			front = min(front, o.Desired.Wave)
		}
	}
	var want Counts
	for _, o := range b.objects {
		want.add(o, 1)
		if o.Desired.Wave > front && o.canWait() {
			want.Queued++
			if o.class() == failing {
				want.Failing--
			} else {
				want.Changes--
			}
		}
	}
	n := b.Counts()
	if diff := cmp.Diff(want, n, cmp.AllowUnexported(health.Count{})); diff != "" {
		b.t.Fatalf("the counts aren't those of the objects (-want +got)\n%s", diff)
	}
	if listed := len(b.Changes(all(), 1000)); listed != n.Changes+n.Drifted+n.Unsure+n.Failing {
		b.t.Fatalf("%d changes are listed, and counted are %+v", listed, n)
	}
	if listed := len(b.Prunes(all(), 1000)); listed != b.Left().Prunes {
		b.t.Fatalf("%d prunes are listed, and counted are %+v", listed, b.Left())
	}
	if (b.AwaitedText() == "") != (n.Queued == 0) {
		b.t.Fatalf("%d wait, for %q", n.Queued, b.AwaitedText())
	}
}

// put does what is listed, as a worker would; what comes of it has this health.
func (b *book) put(h status.Health) (done string) {
	b.t.Helper()
	changes := b.Changes(all(), 100)
	for _, c := range changes {
		live := b.write(c.Key.Name, c.Desired.Digest, func(l *plan.Live) { l.Health.Health, l.Wave = h, c.Desired.Wave })
		b.Done(c, plan.Applied{UID: live.UID, Digest: live.Digest, Fingerprint: live.Fingerprint}, b.now)
	}
	b.see()
	return listed(changes)
}

func (b *book) becomes(name string, h status.Health) {
	b.t.Helper()
	l := b.live[key(name)]
	b.version++
	l.Version, l.Health.Health = b.version, h
	b.live[l.Key] = l
	b.see()
}

func (b *book) expects(what, got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestAWaveWaitsForTheLowerOnes(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.waves("a@-1=1 b@0=1 c@0=1 d@2=1")
	b.expects("first", b.put(status.Progressing), "create a@-1")
	b.expects("while it isn't healthy", b.put(status.Healthy), "")
	b.expects("why", b.AwaitedText(), "wave -1: ConfigMap/shop/a@-1 is not healthy")
	b.expects("the message", b.Message(b.now, true), "3 objects wait for wave -1: ConfigMap/shop/a@-1 is not healthy")
	b.becomes("a@-1", status.Healthy)
	b.expects("then", b.put(status.Healthy), "create b@0, create c@0")
	b.becomes("c@0", status.Degraded)
	b.expects("one of two is broken", b.put(status.Healthy), "")
	b.becomes("c@0", status.Suspended)
	b.expects("last", b.put(status.Healthy), "create d@2")

	b.waves("a@-1=2 b@0=1 c@0=1 d@2=2")
	b.write("b@0", "1", func(l *plan.Live) { l.Fingerprint = 99 })
	b.see()
	b.expects("drift doesn't wait", b.put(status.Healthy), "check b@0, update a@-1")
	b.expects("and another commit goes the same way", b.put(status.Healthy), "update d@2")
	if n := b.Counts(); n.OutOfLine() || len(b.Waves()) != 3 {
		t.Errorf("in the end %+v, waves %v", n, b.Waves())
	}
}

func TestWhatHoldsAWave(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.waves("a@0=1 b@1=1")
	b.Fail(key("a@0"), errors.New("refused"), false)
	b.counted()
	b.expects("a failure", b.AwaitedText(), "wave 0: ConfigMap/shop/a@0 refused")
	b.paused[key("a@0")] = true
	b.see()
	b.put(status.Healthy)
	if b.Counts().Queued != 1 { // what was never there isn't healthy
		t.Errorf("an object that is paused before it was there is passed: %+v", b.Counts())
	}
	b.paused[key("a@0")] = false
	b.see()
	b.put(status.Healthy)
	b.SetBarrier(0, true)
	b.counted()
	b.expects("a hook", b.AwaitedText(), "the sync hooks of wave 0")
	if !b.Reached(0) || b.Reached(1) {
		t.Error("wave 0 isn't reached, or wave 1 is")
	}
	b.SetBarrier(0, false)
	b.expects("then", b.put(status.Healthy), "create b@1")
	if !b.Reached(1) || !b.Reached(7) {
		t.Error("what is applied isn't reached")
	}
}

func TestPrunesGoTheOtherWay(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.waves("a@0=1 b@1=1 c@2=1 k@0=1")
	for range 3 {
		b.put(status.Healthy)
	}
	b.waves("k@0=1")
	if all := b.Prunes(all(), -1); len(all) != 3 {
		t.Errorf("a plan lists %d prunes, want 3", len(all))
	}
	for _, want := range []string{"prune c@2", "prune b@1", "prune a@0"} {
		prunes := b.Prunes(all(), 10)
		b.expects("next", listed(prunes), want)
		gone := prunes[0].Live
		gone.Deleting = true
		b.live[gone.Key] = gone
		b.see()
		b.expects("while that goes", listed(b.Prunes(all(), 10)), "")
		delete(b.live, gone.Key)
		b.see()
	}
}

// Whatever happens to objects of several waves, the counts are those of the
// objects, and what is applied and becomes healthy comes to its end.
func TestWavesCountRight(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		b := newBook(t)
		for range 30 {
			switch r.IntN(6) {
			case 0:
				var names []string
				for i := range 1 + r.IntN(6) {
					names = append(names, fmt.Sprintf("o%d@%d=%d", i, i%4-1, r.IntN(3)))
				}
				b.waves(strings.Join(names, " "))
			case 1:
				b.put([]status.Health{status.Healthy, status.Progressing, status.Degraded}[r.IntN(3)])
			case 2:
				for k := range b.live {
					b.becomes(k.Name, []status.Health{status.Healthy, status.Progressing}[r.IntN(2)])
				}
			case 3:
				for _, k := range b.Keys() {
					if r.IntN(3) == 0 {
						b.Fail(k, errors.New("no"), r.IntN(2) == 0)
					}
				}
				b.counted()
			case 4:
				b.SetBarrier(r.IntN(3)-1, r.IntN(2) == 0)
				b.counted()
			case 5:
				b.paused = map[object.Key]bool{}
				for _, k := range b.Keys() {
					b.paused[k] = r.IntN(4) == 0
				}
				b.see()
			}
		}
		b.SetBarrier(0, false)
		b.paused = map[object.Key]bool{}
		b.see()
		for range 10 {
			b.put(status.Healthy)
			for k := range b.live {
				b.becomes(k.Name, status.Healthy)
			}
		}
		if n := b.Counts(); n.Intended() > 0 {
			t.Fatalf("seed %d: it never came to its end: %+v", seed, n)
		}
	}
}
