package gate

import (
	"slices"
	"time"

	"plumb.dev/plumb/api/v1alpha1"
)

// starts are the moments at which a window begins: its schedule in its zone.
//
// A clock that is set forward skips times, and one that is set back shows some
// twice. What is to begin at an hour begins once all the same: when the clock
// goes on, or the first time that it shows the hour. What begins in each hour
// (EachHour) keeps to the hours that pass: never in one that is skipped, and in
// both of the same name.
type starts struct {
	schedule v1alpha1.Schedule
	zone     *time.Location
	days     map[time.Time][]time.Time // those of each day that was asked for
}

// maxAhead bounds how far ahead a start is looked for: leap days can be eight
// years apart.
const maxAhead = 9 * 366

// before is the last start that is not after t, no more than days earlier; zero
// where there is none.
func (s *starts) before(t time.Time, days int) time.Time {
	day := dayOf(t.In(s.zone))
	for range days + 2 { // what a day's clock skips may begin on the next
		of := s.on(day)
		for _, start := range slices.Backward(of) {
			if !start.After(t) {
				return start
			}
		}
		day = day.AddDate(0, 0, -1)
	}
	return time.Time{}
}

// after is the first start after t, or zero where there is none for long.
func (s *starts) after(t time.Time) time.Time {
	day := dayOf(t.In(s.zone)).AddDate(0, 0, -1)
	for range maxAhead {
		for _, start := range s.on(day) {
			if start.After(t) {
				return start
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}
}

// dayOf is a date, as a moment in UTC.
func dayOf(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// on are the starts of a day, in order.
func (s *starts) on(day time.Time) []time.Time {
	if !s.schedule.On(day) {
		return nil
	}
	of, known := s.days[day]
	if !known {
		for _, clock := range s.schedule.Times() {
			of = append(of, s.at(day, clock)...)
		}
		slices.SortFunc(of, time.Time.Compare)
		s.days[day] = of
	}
	return of
}

// at are the moments that count as what a clock shows on a day.
func (s *starts) at(day time.Time, clock v1alpha1.Clock) []time.Time {
	shown, skipped := moments(day.Add(time.Duration(clock.Hour)*time.Hour+time.Duration(clock.Minute)*time.Minute), s.zone)
	switch {
	case s.schedule.EachHour:
		return shown
	case len(shown) == 0:
		return []time.Time{skipped}
	default:
		return shown[:1]
	}
}

// moments are those at which the clocks of a zone show what wall does in UTC:
// one, two where they are set back, none where they are set forward; then it
// says when they go on.
func moments(wall time.Time, zone *time.Location) (shown []time.Time, goesOn time.Time) {
	near := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, zone)
	begin, end := near.ZoneBounds()
	for _, in := range []time.Time{begin.Add(-1), near, end} {
		_, offset := in.Zone()
		if at := wall.Add(-time.Duration(offset) * time.Second).In(zone); shows(at, wall) && !slices.ContainsFunc(shown, at.Equal) {
			shown = append(shown, at)
		}
	}
	slices.SortFunc(shown, time.Time.Compare)
	if _, offset := near.Zone(); near.Add(time.Duration(offset) * time.Second).After(wall) {
		return shown, begin
	}
	return shown, end
}

// shows says whether the clocks of t's zone show what wall does in UTC.
func shows(t, wall time.Time) bool {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).Equal(wall)
}
