package release

import (
	"slices"
	"time"
)

// Cause is why what is declared is another than before. The zero value is that
// it isn't known.
type Cause struct {
	Trigger  Trigger
	Actor    string
	Seen     time.Time
	Revision Revision // of the root, where that is what changed; else zero
}

// Begin is the release that comes of the cause: of an App at a revision.
// Without a cause it is that commit.
func (c Cause) Begin(app string, at Revision, now time.Time) Release {
	if c.Trigger == "" {
		c.Trigger, c.Actor, c.Seen = TriggerCommit, at.Author, now
	}
	if c.Revision.Commit != "" {
		at = c.Revision
	}
	return Release{App: app, Revision: at, Trigger: c.Trigger, Actor: c.Actor, Outcome: Running, Seen: c.Seen}
}

// Unended are an App's releases that have not ended; nil is none.
type Unended struct {
	Open       *Release // the intended one
	Corrective *Release // the correction that has not succeeded yet
	Broken     *Release // of the newest commit, while it can't be rendered
}

// Resume takes up what was left unended, the newest first. It returns those
// that a newer one took the place of, ended, and rotations: what is left of
// these is found at the Secret, and done as a release of its own.
func (u *Unended) Resume(left []Release, now time.Time) (over []Release) {
	for _, r := range left {
		if last := len(r.Attempts) - 1; last >= 0 && r.Attempts[last].Ended.IsZero() && r.Attempts[last].Error == "" {
			r.Attempts[last].Error = "it was cut off when the daemon stopped"
		}
		switch {
		case r.Outcome == Running && r.rotates():
			r.Outcome, r.Reason, r.Finished = Failed, "the daemon stopped in the middle; restarts that were left are made up for", now
			over = append(over, r)
		case r.Outcome == Failed && r.Planned.IsZero() && u.Broken == nil:
			u.Broken = &r
		case r.Corrective() && u.Corrective == nil:
			u.Corrective = &r
		case !r.Corrective() && u.Open == nil:
			u.Open = &r
		case r.Outcome == Running:
			r.Outcome, r.Reason, r.Finished = Superseded, "the daemon stopped in the middle, and a newer release took over", now
			over = append(over, r)
		}
	}
	return over
}

// Correction is the release that a correction belongs to: the one that has not
// succeeded yet, or a new one.
func (u *Unended) Correction(app string, at Revision, now time.Time) Release {
	if u.Corrective != nil {
		return *u.Corrective
	}
	return Release{App: app, Revision: at, Trigger: TriggerDrift, Outcome: Running, Seen: now}
}

// ReasonRenewed is the reason of the change that makes a Secret's generated
// values anew: a release with it is a rotation, and does nothing else.
const ReasonRenewed = "its generated values are made anew"

// rotates says whether the release is a rotation, or what was left of one.
func (r Release) rotates() bool {
	return r.Trigger == TriggerSchedule || slices.ContainsFunc(r.Changes, func(c Change) bool { return c.Reason == ReasonRenewed })
}
