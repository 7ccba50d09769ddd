package history

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

// Query selects releases. A zero field selects all.
type Query struct {
	App     string // NAMESPACE/NAME
	Commit  string // a prefix of at least MinCommit characters
	Author  string // a part of the commit's author, name or e-mail, however it is cased
	Object  string // one that was changed: see object.ParseKey
	Outcome release.Outcome
	Trigger release.Trigger
	// Intended leaves out what only put right what was changed outside Git.
	Intended bool
	Since    time.Time // seen then or later
	Until    time.Time // seen before
	Before   int64     // only releases with a smaller ID: the next page
	Limit    int       // at most this many; 0 means DefaultLimit
}

// The bounds of a Query.
const (
	DefaultLimit = 50
	MaxLimit     = 500
	MinCommit    = 4
	MaxText      = 300 // characters of a name
)

// Validate says what is wrong with a query.
func (q Query) Validate() error {
	switch {
	case q.Commit != "" && len(q.Commit) < MinCommit:
		return fmt.Errorf("commit %q is too short: give at least %d characters", q.Commit, MinCommit)
	case strings.Trim(q.Commit, "0123456789abcdefABCDEF") != "":
		return fmt.Errorf("commit %q is not a hash: give its first characters, 0 to 9 and a to f", q.Commit)
	case q.Limit < 0 || q.Limit > MaxLimit:
		return fmt.Errorf("limit %d is out of range: give 1 to %d, and ask for the next page with before", q.Limit, MaxLimit)
	case q.Before < 0:
		return fmt.Errorf("before %d is not the id of a release", q.Before)
	case q.Outcome != "" && !slices.Contains(release.Outcomes(), q.Outcome):
		return fmt.Errorf("outcome %q is none: give one of %v", q.Outcome, release.Outcomes())
	case q.Trigger != "" && !slices.Contains(release.Triggers(), q.Trigger):
		return fmt.Errorf("trigger %q is none: give one of %v", q.Trigger, release.Triggers())
	case !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until):
		return fmt.Errorf("since %s is not before until %s", q.Since.Format(time.RFC3339), q.Until.Format(time.RFC3339))
	case !inRange(q.Since) || !inRange(q.Until):
		return fmt.Errorf("give times between the years %d and %d", firstYear, lastYear)
	}
	return q.validateTexts()
}

func (q Query) validateTexts() error {
	for name, text := range map[string]string{"app": q.App, "commit": q.Commit, "author": q.Author, "object": q.Object} {
		if len(text) > MaxText {
			return fmt.Errorf("%s is too long: give at most %d characters", name, MaxText)
		}
		if strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("%s %q holds control characters", name, text)
		}
	}
	if q.Object == "" {
		return nil
	}
	_, err := object.ParseKey(q.Object)
	return err
}

// The years that fit into nanoseconds since 1970.
const firstYear, lastYear = 1700, 2200

func inRange(t time.Time) bool { return t.IsZero() || t.Year() >= firstYear && t.Year() <= lastYear }
