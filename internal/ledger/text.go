package ledger

import (
	"fmt"
	"time"

	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
)

// Message says in one line how the objects stand, the gravest first: what
// failed, what is refused, what is out of line, what is left over, what is not
// healthy. It is empty where all is well. corrected says that drift is put right
// now, so that where it isn't, the App wants it so.
func (l *Ledger) Message(now time.Time, corrected bool) string {
	n := l.Counts()
	if failed := n.Failing + n.Refused; failed > 0 {
		text := l.failureText()
		if failed > 1 {
			text += fmt.Sprintf(" (and %d more)", failed-1)
		}
		return text
	}
	for _, one := range []struct {
		n         int
		one, many string
	}{
		{n.Told, "", ""},
		{n.Paused, "object that differs is paused by itself", "objects that differ are paused by themselves"},
		{n.Unsure, "object is being compared with the server", "objects are being compared with the server"},
		{n.Drifted, "object may have been changed outside Git", "objects may have been changed outside Git"},
		{n.Changes, "object is to be applied", "objects are to be applied"},
	} {
		switch {
		case one.n > 0 && one.one == "":
			return l.toldText(now, corrected)
		case one.n > 0:
			return count(one.n, one.one, one.many)
		}
	}
	if text := l.AwaitedText(); text != "" {
		return count(n.Queued, "object waits for ", "objects wait for ") + text
	}
	if text := l.leftText(); text != "" {
		return text
	}
	return l.WorstText()
}

// failureText tells the first failure, with where the object is declared.
func (l *Ledger) failureText() string {
	o, _ := l.FirstFailure()
	if o.Desired.Origin.File == "" {
		return fmt.Sprintf("%s: %v", o.Desired.Key, o.Failure())
	}
	return fmt.Sprintf("%s: %s: %v", o.Desired.Origin, o.Desired.Key, o.Failure())
}

// toldText tells of a fight, or else of drift that is only to be told.
func (l *Ledger) toldText(now time.Time, corrected bool) string {
	text, fight := l.Drift(now)
	if text == "" || fight || !corrected {
		return text
	}
	return text + "; drift is only told here (sync.drift: alert), so it is left as it is"
}

func (l *Ledger) leftText() string {
	if len(l.leftovers) == 0 {
		return ""
	}
	for _, left := range l.Leftovers() {
		switch {
		case left.Err != nil:
			return fmt.Sprintf("%s can't be deleted: %v", left.Live.Key, left.Err)
		case left.Live.Deleting:
			return fmt.Sprintf("%s is being deleted", left.Live.Key)
		case left.Kept != nil:
			return fmt.Sprintf("%s is no longer declared and is %v", left.Live.Key, left.Kept)
		}
	}
	return ""
}

// WorstText names the first object with the worst health, and why; empty where
// all are healthy.
func (l *Ledger) WorstText() string {
	if o, some := l.Worst(); some {
		return o.Desired.Key.String() + ": " + o.Health.Message
	}
	return ""
}

// Text tells of drift that was not put right.
func (a Alert) Text(now time.Time) string {
	why := a.Reason
	if a.Err != nil {
		if why == "" {
			why = "it can't be compared"
		}
		why += ": " + a.Err.Error()
	}
	return fmt.Sprintf("was changed outside Git %s ago and is not put right (%s so far): %s", now.Sub(a.Since).Round(time.Second),
		count(a.Attempts, "attempt", "attempts"), why)
}

// Tree lists how the declared objects stand, in the order they are applied.
func (l *Ledger) Tree() []status.Object {
	list := make([]status.Object, 0, len(l.order)+len(l.leftovers))
	awaited := l.AwaitedText()
	for o := range l.Objects() {
		shown := status.Object{Key: o.Desired.Key, Sync: status.Synced, Health: o.Health.Health, Message: o.Health.Message, Origin: o.Desired.Origin.String(), Wave: o.Desired.Wave}
		switch {
		case o.Standing == plan.Unsure:
			shown.Sync = status.Unknown
		case o.Standing != plan.InLine || o.Rival != nil:
			shown.Sync = status.OutOfSync
		}
		switch err := o.Failure(); {
		case err != nil:
			shown.Message = err.Error()
		case awaited != "" && l.queued(&o):
			shown.Message = "waits for " + awaited
		}
		list = append(list, shown)
	}
	return list
}

// TreeOfLeft lists how what is left over stands.
func (l *Ledger) TreeOfLeft() []status.Object {
	var list []status.Object
	for _, left := range l.Leftovers() {
		shown := status.Object{Key: left.Live.Key, Sync: status.OutOfSync, Health: left.Live.Health.Health, Message: "is no longer declared", Wave: left.Live.Wave}
		switch {
		case left.Kept != nil:
			shown.Message += ": " + left.Kept.Error()
		case left.Err != nil:
			shown.Message += ": " + left.Err.Error()
		}
		list = append(list, shown)
	}
	return list
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
