package gate

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
)

// Facts are all that decides what may be done to an App now.
type Facts struct {
	// App is NAMESPACE/NAME, for messages.
	App string
	// Sync is what the App declares.
	Sync v1alpha1.Sync
	// Opening is how its windows stand: Calendar.At.
	Opening Opening
	// Pauses cover the App as a whole; those that are over don't count.
	Pauses []Pause
	// Plan is the hash of the plan that waits, and Author who made its commit:
	// what Authors returns; empty while there is none.
	Plan, Author string
	// Approval is what someone said last; it counts for just the plan it names.
	Approval *Approval
	// Failure is the failed release that the App is held after.
	Failure *Failure
}

// Failure is a release that wasn't healthy in time, where sync.onFailure says
// that something follows from that.
type Failure struct {
	App      string    `json:"app" doc:"The App, NAMESPACE/NAME."`
	Release  int64     `json:"release" doc:"The release that failed."`
	Revision string    `json:"revision" doc:"Its commit."`
	With     string    `json:"with,omitempty" doc:"What was rendered beside it, such as a chart's version."`
	Message  string    `json:"message" doc:"Why it failed."`
	At       time.Time `json:"at" doc:"When."`
	// RollingBack is set while a commit that restores what was healthy last is
	// being made.
	RollingBack bool `json:"rollingBack,omitempty" doc:"True while it is being rolled back."`
	// RolledBackTo is the commit whose state was restored; empty until then.
	RolledBackTo string `json:"rolledBackTo,omitempty" doc:"The commit whose state was restored."`
	// Content names what was declared, where not all of it was applied or some of
	// its hooks did not run: it isn't tried again by itself.
	Content string `json:"content,omitempty" doc:"Names what was declared, where it was not applied to its end."`
}

// Verdict is what may be done to an App now.
type Verdict struct {
	// Intended says that what is declared may be applied, and what is no longer
	// declared be deleted. In mode approve it is about just the plan of the Facts.
	Intended bool
	// Corrections says that drift may be put right.
	Corrections bool
	// Hold says why not Intended.
	Hold *Hold
	// Until is when to decide again, though nothing happened; zero is never.
	Until time.Time
}

// Decide says what may be done to an App at a time. The first that holds it is
// what people are told.
func Decide(f Facts, now time.Time) Verdict {
	windows := f.Opening
	if len(f.Sync.Windows) == 0 {
		windows = Opening{Open: true, Corrections: true}
	}
	var v Verdict
	pause, paused := longest(f.Pauses, now)
	v.Corrections = !paused && windows.Corrections && f.Sync.Mode != v1alpha1.SyncObserve
	switch {
	case paused:
		v.Hold = heldByPause(pause)
	case f.failed():
		v.Hold = heldByFailure(f)
	case f.Sync.Mode == v1alpha1.SyncApprove && f.refused():
		v.Hold = heldByRefusal(*f.Approval)
	case f.Sync.Mode == v1alpha1.SyncObserve:
		v.Hold = &Hold{Reason: HeldByMode, Message: "sync.mode is observe: nothing is changed, and what differs is shown"}
	case !windows.Open:
		v.Hold = heldByWindow(f, windows)
	case f.Sync.Mode == v1alpha1.SyncApprove && f.approved() != nil:
		v.Hold = &Hold{Reason: HeldByApproval, Message: f.approved().Error()}
	}
	v.Intended = v.Hold == nil
	v.Until = windows.Again
	for _, p := range f.Pauses {
		if p.Holds(now) && (v.Until.IsZero() || p.Until.Before(v.Until)) {
			v.Until = p.Until
		}
	}
	return v
}

// Holds says whether a pause holds at a time.
func (p Pause) Holds(now time.Time) bool { return now.Before(p.Until) }

// longest is the pause that holds longest.
func longest(pauses []Pause, now time.Time) (found Pause, some bool) {
	for _, p := range pauses {
		if p.Holds(now) && (!some || p.Until.After(found.Until)) {
			found, some = p, true
		}
	}
	return found, some
}

func heldByPause(p Pause) *Hold {
	what := ""
	if p.App == "" {
		what = "all Apps are "
	}
	message := fmt.Sprintf("%spaused by %s until %s: %s", what, p.By, moment(p.Until.UTC()), p.Reason)
	return &Hold{Reason: HeldByPause, Message: message, Until: p.Until}
}

// failed says whether a failed release holds the App, by what it declares now.
func (f Facts) failed() bool {
	return f.Failure != nil && (f.Failure.Content != "" || Follows(f.Sync))
}

// Follows says whether an App declares that something follows from a failed release.
func Follows(s v1alpha1.Sync) bool {
	return s.OnFailure == v1alpha1.FailureHold || s.OnFailure == v1alpha1.FailureRollback
}

func heldByFailure(f Facts) *Hold {
	failed := fmt.Sprintf("release %d failed (%s)", f.Failure.Release, f.Failure.Message)
	switch {
	case f.Failure.RolledBackTo != "":
		failed += fmt.Sprintf(" and was rolled back to %.8s: commit %.8s isn't tried again; push another, or try it with `plumb resume %s`",
			f.Failure.RolledBackTo, f.Failure.Revision, f.App)
	case f.Failure.RollingBack:
		failed += " and is being rolled back"
	case !Follows(f.Sync):
		failed += fmt.Sprintf(": it isn't tried again by itself; push another commit, or try it with `plumb sync %s`", f.App)
	default:
		failed += fmt.Sprintf(": nothing more is applied until `plumb resume %s`", f.App)
	}
	return &Hold{Reason: HeldByFailure, Message: failed}
}

// refused says whether the plan that waits was turned down.
func (f Facts) refused() bool {
	return f.Approval != nil && f.Approval.Refuse && f.Plan != "" && f.Approval.Plan == f.Plan
}

func heldByRefusal(a Approval) *Hold {
	why := ""
	if a.Why != "" {
		why = ": " + a.Why
	}
	return &Hold{Reason: HeldByRefusal, Message: fmt.Sprintf("plan %.12s was refused by %s%s; push another commit, or approve it after all", a.Plan, a.By, why)}
}

// heldByWindow says when it opens, and what it will wait for then.
func heldByWindow(f Facts, o Opening) *Hold {
	message := cmp.Or(o.Reason, "no window is open")
	if !o.Next.IsZero() {
		message += "; it opens " + moment(o.Next)
	}
	if f.Sync.Mode == v1alpha1.SyncApprove && f.Plan != "" {
		switch missing := f.approved(); missing {
		case nil:
			message += fmt.Sprintf("; plan %.12s is approved", f.Plan)
		default:
			message += "; " + missing.Error()
		}
	}
	return &Hold{Reason: HeldByWindow, Message: message, Until: o.Next}
}

// approved says what is missing for the plan that waits to be applied, or nil.
func (f Facts) approved() error {
	switch {
	case f.Plan == "":
		return errors.New("changes wait for approval; their plan is being made")
	case f.Approval == nil || f.Approval.Refuse || f.Approval.Plan != f.Plan:
		return fmt.Errorf("plan %.12s waits for approval: `plumb approve %s %.12s`", f.Plan, f.App, f.Plan)
	}
	return Authorise(*f.Approval, f.Sync.Approval, f.Author)
}

// moment is a time as people read it.
func moment(t time.Time) string { return t.Format("2006-01-02 15:04 MST") }
