package lease

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	typed "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"

	"plumb.dev/plumb/internal/object"
)

// Who holds a root in line is written in a Lease. The holder doesn't renew it:
// that would be a request now and then for nothing. Instead, who wants it
// writes a challenge, and the holder, which watches the Lease, answers. No
// answer in time means that there is no holder any more.
const (
	leaseNamespace      = "kube-system"
	annotationChallenge = object.Domain + "/challenge"
	annotationAnswer    = object.Domain + "/answer"
	// answerWithin is how long a holder has to answer; challengeEvery, how often
	// one that stands by asks.
	answerWithin   = 5 * time.Second
	challengeEvery = 15 * time.Second
	// againAfter is how long a server that can't be reached is left alone.
	againAfter = time.Second
)

// Claim says who wants to hold which root.
type Claim struct {
	Root, Name string
	// Told is called each time that who holds it changes.
	Told func(leads bool, holder string)
	Log  *slog.Logger
	Now  func() time.Time
}

// Lead tries to be the one daemon that holds a root in line, until ctx is done.
// A daemon that comes back with the same name takes its own lease up at once:
// the lock on its data folder says that its former self is gone. Where leases
// may not be written there is no protection, and Lead says so in the log.
func Lead(ctx context.Context, config *rest.Config, c Claim) error {
	client, err := typed.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("use the kubeconfig: %w", err)
	}
	sum := sha256.Sum256([]byte(c.Root))
	l := &lead{Claim: c, leases: client.Leases(leaseNamespace), lease: "plumb-" + hex.EncodeToString(sum[:6])}
	l.run(ctx)
	return nil
}

type lead struct {
	Claim
	leases typed.LeaseInterface
	lease  string // its name

	last       standing
	challenged string    // the challenge of ours that is open
	due        time.Time // when it counts as unanswered, or when to challenge again
}

// standing is what was told last.
type standing struct {
	known, leads bool
	holder       string
}

// move is what to do about a lease.
type move uint8

const (
	stay      move = iota
	take           // become the holder
	answer         // say that we are here
	challenge      // ask whether the holder is still there
)

// seen is a lease as it was read.
type seen struct {
	exists                    bool
	holder, challenge, answer string
}

func readLease(l *coordination.Lease) seen {
	s := seen{exists: true, challenge: l.Annotations[annotationChallenge], answer: l.Annotations[annotationAnswer]}
	if l.Spec.HolderIdentity != nil {
		s.holder = *l.Spec.HolderIdentity
	}
	return s
}

// candidate is one that wants the lease.
type candidate struct {
	name    string
	holding bool      // this process holds the lease already
	open    string    // its own challenge that isn't answered yet
	due     time.Time // when that counts as unanswered, or when to challenge again
}

// nextMove decides, and is pure.
func nextMove(s seen, c candidate, now time.Time) move {
	mine := s.holder == c.name
	switch {
	case !s.exists || s.holder == "":
		return take
	case mine && !c.holding:
		return take
	case mine && s.challenge != "" && s.challenge != s.answer:
		return answer
	case mine:
		return stay
	case c.open != "" && s.answer == c.open:
		return stay // the holder lives; it is asked again when due
	case c.open != "" && now.Before(c.due):
		return stay
	case c.open != "":
		return take
	case now.Before(c.due):
		return stay
	default:
		return challenge
	}
}

func (l *lead) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := l.follow(ctx)
		if apierrors.IsForbidden(err) {
			l.Log.Warn("leases may not be used, so nothing keeps two daemons from holding the same root",
				"namespace", leaseNamespace, "error", err)
			l.tell(true, l.Name)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(againAfter): // nothing tells when a server that is away is back
		}
	}
	l.letGo(context.WithoutCancel(ctx))
}

// follow watches the lease and makes our moves, until the watch ends.
func (l *lead) follow(ctx context.Context) error {
	current, err := l.leases.Get(ctx, l.lease, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if apierrors.IsNotFound(err) {
		current = nil
	}
	options := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", l.lease).String()}
	if current != nil {
		options.ResourceVersion = current.ResourceVersion
	}
	events, err := l.leases.Watch(ctx, options)
	if err != nil {
		return err
	}
	defer events.Stop()
	for {
		wait, err := l.act(ctx, current)
		if err != nil && !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
			return err
		}
		next, ok := l.nextEvent(ctx, events, wait)
		if !ok {
			return ctx.Err()
		}
		if next.Object != nil {
			current, _ = next.Object.(*coordination.Lease)
		}
		if next.Type == watch.Deleted {
			current = nil
		}
	}
}

// nextEvent waits for the watch, or for the time to act.
func (l *lead) nextEvent(ctx context.Context, events watch.Interface, wait time.Duration) (watch.Event, bool) {
	var timer <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
		return watch.Event{}, false
	case <-timer:
		return watch.Event{}, true
	case e, ok := <-events.ResultChan():
		return e, ok && e.Type != watch.Error
	}
}

// act makes our move, and says how long to wait for the next if nothing happens.
func (l *lead) act(ctx context.Context, current *coordination.Lease) (time.Duration, error) {
	now := l.Now()
	var s seen
	if current != nil {
		s = readLease(current)
	}
	holding := l.last.leads
	if holding && s.exists && s.holder != l.Name {
		l.challenged, l.due = "", now.Add(challengeEvery)
	}
	var err error
	switch nextMove(s, candidate{l.Name, holding, l.challenged, l.due}, now) {
	case take:
		err = l.write(ctx, current, func(lease *coordination.Lease) {
			acquired := metav1.NewMicroTime(now)
			lease.Spec.HolderIdentity, lease.Spec.AcquireTime = &l.Name, &acquired
			delete(lease.Annotations, annotationChallenge)
			delete(lease.Annotations, annotationAnswer)
		})
		if err == nil {
			l.challenged = ""
			l.tell(true, l.Name)
		}
		return 0, err
	case answer:
		return 0, l.write(ctx, current, func(lease *coordination.Lease) { lease.Annotations[annotationAnswer] = s.challenge })
	case challenge:
		l.challenged, l.due = fmt.Sprintf("%s %d", l.Name, now.UnixNano()), now.Add(answerWithin)
		l.tell(false, s.holder)
		return answerWithin, l.write(ctx, current, func(lease *coordination.Lease) { lease.Annotations[annotationChallenge] = l.challenged })
	}
	if s.holder == l.Name {
		l.tell(true, l.Name)
		return 0, nil
	}
	l.tell(false, s.holder)
	if l.challenged != "" && s.answer == l.challenged {
		l.challenged, l.due = "", now.Add(challengeEvery)
	}
	return max(time.Millisecond, l.due.Sub(now)), nil
}

// write changes the lease if it still is as it was read, or makes it.
func (l *lead) write(ctx context.Context, current *coordination.Lease, change func(*coordination.Lease)) error {
	options := metav1.UpdateOptions{FieldManager: object.FieldManager}
	if current == nil {
		lease := &coordination.Lease{ObjectMeta: metav1.ObjectMeta{Name: l.lease, Annotations: map[string]string{object.AnnotationRoot: l.Root}}}
		change(lease)
		_, err := l.leases.Create(ctx, lease, metav1.CreateOptions{FieldManager: object.FieldManager})
		return err
	}
	lease := current.DeepCopy()
	if lease.Annotations == nil {
		lease.Annotations = map[string]string{}
	}
	change(lease)
	_, err := l.leases.Update(ctx, lease, options)
	return err
}

// letGo gives the lease back, so that another need not wait for it.
func (l *lead) letGo(ctx context.Context) {
	if !l.last.leads {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	current, err := l.leases.Get(ctx, l.lease, metav1.GetOptions{})
	if err != nil || readLease(current).holder != l.Name {
		return
	}
	if err := l.write(ctx, current, func(lease *coordination.Lease) { lease.Spec.HolderIdentity = nil }); err != nil {
		l.Log.Debug("the lease can't be given back; it is found to be free by asking", "error", err)
	}
}

func (l *lead) tell(leads bool, holder string) {
	if now := (standing{true, leads, holder}); l.last != now {
		l.last = now
		l.Told(leads, holder)
	}
}
