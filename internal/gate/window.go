package gate

import (
	"fmt"
	"strings"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
)

// Calendar are the windows of an App, made ready to be asked. Make it anew when
// the App is declared otherwise. It is used by one at a time.
type Calendar struct {
	windows []window
	unfit   error // why they can't be asked

	last  Opening // the last answer, which holds from asked to last.Again
	asked time.Time
}

// window is one window, made ready.
type window struct {
	v1alpha1.Window
	schedule v1alpha1.Schedule
	zone     *time.Location
}

// Opening is how an App's windows stand at a moment.
type Opening struct {
	// Open says that intended changes may be made, Corrections that drift may
	// be put right.
	Open, Corrections bool
	// Reason says why it is closed: which window, or that none is open.
	Reason string
	// Next is when it opens or, if it is open, when it closes: in the zone of
	// the window that makes it so. It is zero where that isn't soon, or never.
	Next time.Time
	// Again is when Open, Corrections or Reason may be others than now; zero is
	// never.
	Again time.Time
}

// The bounds of how many beginnings and ends of windows are followed to find
// the next opening: the more windows, the more each of them costs.
const (
	minSteps = 100
	maxSteps = 2000
)

// NewCalendar makes the windows of an App ready. With one that can't be
// understood, as for want of its time zone on this machine, it is closed at all
// times.
func NewCalendar(windows []v1alpha1.Window) *Calendar {
	var c Calendar
	for i, w := range windows {
		schedule, err := v1alpha1.ParseSchedule(w.Schedule)
		if err != nil {
			c.unfit = fmt.Errorf("window %d: the schedule %q: %w", i+1, w.Schedule, err)
			break
		}
		zone, err := time.LoadLocation(w.TimeZone)
		if err != nil {
			c.unfit = fmt.Errorf("window %d: the time zone %q: %w", i+1, w.TimeZone, err)
			break
		}
		c.windows = append(c.windows, window{w, schedule, zone})
	}
	return &c
}

// At says how the windows stand at a moment, and when that changes. Until then
// it has the answer at hand.
func (c *Calendar) At(now time.Time) Opening {
	if c.asked.IsZero() || now.Before(c.asked) || !c.last.Again.IsZero() && !now.Before(c.last.Again) {
		c.asked, c.last = now, c.find(now)
	}
	return c.last
}

func (c *Calendar) find(now time.Time) Opening {
	switch {
	case c.unfit != nil:
		return Opening{Reason: "windows that can't be understood (" + c.unfit.Error() + ")"}
	case len(c.windows) == 0:
		return Opening{Open: true, Corrections: true}
	}
	s := newSearch(c.windows)
	first := s.at(now)
	opening := Opening{Open: first.open, Corrections: first.corrections, Reason: first.reason()}
	t := now
	for range max(minSteps, maxSteps/len(c.windows)) {
		turn, of := s.turn(t)
		if turn.IsZero() {
			break
		}
		if opening.Again.IsZero() {
			opening.Again = turn
		}
		if s.at(turn).open != first.open {
			opening.Next = turn.In(of)
			break
		}
		t = turn
	}
	return opening
}

// search asks windows how they stand, and remembers their starts while it does.
type search struct {
	windows []window
	starts  []*starts
}

func newSearch(windows []window) search {
	s := search{windows: windows}
	for _, w := range windows {
		s.starts = append(s.starts, &starts{w.schedule, w.zone, map[time.Time][]time.Time{}})
	}
	return s
}

// ends is when the window ends that is on at t, or zero where none is.
func (s search) ends(i int, t time.Time) time.Time {
	length := s.windows[i].Duration.Duration
	begun := s.starts[i].before(t, int(length/(24*time.Hour))+1)
	if end := begun.Add(length); !begun.IsZero() && end.After(t) {
		return end
	}
	return time.Time{}
}

// turn is when a window begins or ends next, and the zone of that window.
func (s search) turn(t time.Time) (turn time.Time, of *time.Location) {
	for i, w := range s.windows {
		next := s.ends(i, t)
		if next.IsZero() {
			next = s.starts[i].after(t)
		}
		if !next.IsZero() && (turn.IsZero() || next.Before(turn)) {
			turn, of = next, w.zone
		}
	}
	return turn, of
}

// standing is what windows say of one moment.
type standing struct {
	open, corrections bool
	closedBy          []window // the deny windows that are on
	closed            []window // the allow windows, where none is on
}

func (s search) at(t time.Time) standing {
	var st standing
	allowed, corrections := false, true
	for i, w := range s.windows {
		on := !s.ends(i, t).IsZero()
		switch {
		case w.Kind == v1alpha1.WindowAllow && on:
			allowed = true
		case w.Kind == v1alpha1.WindowAllow:
			st.closed = append(st.closed, w)
		case on:
			st.closedBy = append(st.closedBy, w)
			corrections = corrections && !w.Corrections
		}
	}
	if allowed {
		st.closed = nil
	}
	st.open, st.corrections = len(st.closedBy) == 0 && len(st.closed) == 0, corrections
	return st
}

// reason says what closes, in words that don't change while it does.
func (s standing) reason() string {
	var parts []string
	for _, w := range s.closedBy {
		parts = append(parts, "in a window that denies changes ("+w.text()+")")
	}
	if len(parts) > 0 {
		return strings.Join(parts, ", and ")
	}
	for _, w := range s.closed {
		parts = append(parts, w.text())
	}
	if len(parts) > 0 {
		return "outside of the windows that allow changes (" + strings.Join(parts, "; ") + ")"
	}
	return ""
}

// text is a window in few words: its reason, where people gave one.
func (w window) text() string {
	when := fmt.Sprintf("%s for %s, %s", w.Schedule, short(w.Duration.Duration), w.zone)
	if w.Reason != "" {
		return w.Reason + ": " + when
	}
	return when
}

// short is a duration without the zeros at its end.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
