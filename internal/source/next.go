package source

import "time"

const (
	// firstRetry is how soon a look that failed is repeated; the pause doubles
	// with every further failure, up to maxRetry or what is wanted anyway.
	firstRetry = 2 * time.Second
	maxRetry   = 5 * time.Minute
	// shortest bounds how often anyone can want a repository to be looked at.
	shortest = 10 * time.Millisecond
	// Idle is the pause when nothing is wanted.
	Idle = time.Hour
)

// Pause is how long to wait before the next look: as long as the most eager
// wants, or longer and longer while looks fail. Spread, between 0 and 1, moves it
// by a tenth to either side, so that many repositories don't fall into step.
func Pause(wanted map[Ref]time.Duration, failures int, spread float64) time.Duration {
	every := Idle
	for _, d := range wanted {
		every = min(every, d)
	}
	d := max(every, shortest)
	if failures > 0 {
		const doublings = 20 // far beyond maxRetry, and far from an overflow
		d = min(firstRetry<<min(failures-1, doublings), max(maxRetry, every))
	}
	return d + time.Duration((spread-0.5)/5*float64(d))
}

// Next is the head after a look. A revision stays when the look brought none.
func Next(was, now Head) Head {
	if now.Revision.Commit == "" {
		now.Revision = was.Revision
	}
	return now
}

// News says whether a head says more than that it was looked at again.
func News(was, now Head) bool {
	return was.Revision.Commit != now.Revision.Commit || was.Revision.Ref != now.Revision.Ref || text(was.Err) != text(now.Err)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
