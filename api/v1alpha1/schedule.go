package v1alpha1

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Schedule says at which minutes something begins. It knows days and clocks,
// not zones: what a clock's change does to it is for its user to say.
type Schedule struct {
	minutes, hours, days, months, weekdays uint64 // a bit for each value

	// EachHour says that the hours are *, or * with a step: it is about hours
	// that pass, and not about an hour that the clock shows.
	EachHour bool

	anyDay, anyWeekday bool
}

// part is one of a schedule's five fields.
type part struct {
	name     string
	min, max int
	names    string // of three letters each, from min on
}

// ParseSchedule reads the five fields of cron: minute, hour, day of month,
// month and day of week. Each is *, a value, a range, one of these with a step,
// or a list of them; months and weekdays may be named by three letters, and 7
// is Sunday as well. Where both kinds of days are given, either is enough.
func ParseSchedule(text string) (Schedule, error) {
	fields := strings.Fields(text)
	if len(fields) != 5 {
		return Schedule{}, fmt.Errorf("it needs 5 fields and has %d", len(fields))
	}
	var s Schedule
	for i, f := range []struct {
		part
		into *uint64
	}{
		{part{"minute", 0, 59, ""}, &s.minutes},
		{part{"hour", 0, 23, ""}, &s.hours},
		{part{"day of month", 1, 31, ""}, &s.days},
		{part{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"}, &s.months},
		{part{"day of week", 0, 7, "sunmontuewedthufrisat"}, &s.weekdays},
	} {
		set, err := f.list(fields[i])
		if err != nil {
			return Schedule{}, fmt.Errorf("the %s: %w", f.name, err)
		}
		*f.into = set
	}
	s.weekdays |= s.weekdays >> 7 & 1
	s.EachHour = strings.HasPrefix(fields[1], "*")
	s.anyDay, s.anyWeekday = fields[2] == "*", fields[4] == "*"
	return s, nil
}

// list is the set of a field's values.
func (p part) list(text string) (set uint64, err error) {
	for item := range strings.SplitSeq(text, ",") {
		values, err := p.item(item)
		if err != nil {
			return 0, err
		}
		set |= values
	}
	return set, nil
}

// item is the set of one value, range or *, with its step.
func (p part) item(text string) (set uint64, err error) {
	span, step, stepped := strings.Cut(text, "/")
	every := 1
	if stepped {
		if every, err = number(step); err != nil || every == 0 {
			return 0, fmt.Errorf("%q is not a step", step)
		}
	}
	first, last := p.min, p.max
	if span != "*" {
		from, to, ranged := strings.Cut(span, "-")
		if first, err = p.value(from); err != nil {
			return 0, err
		}
		switch {
		case ranged:
			if last, err = p.value(to); err != nil {
				return 0, err
			}
		case !stepped:
			last = first
		}
	}
	if first > last {
		return 0, fmt.Errorf("%q ends before it begins", span)
	}
	for v := first; v <= last; v += every {
		set |= 1 << v
	}
	return set, nil
}

// value is a number, or what a name stands for.
func (p part) value(text string) (int, error) {
	if i := strings.Index(p.names, strings.ToLower(text)); len(text) == 3 && i >= 0 && i%3 == 0 {
		return p.min + i/3, nil
	}
	v, err := number(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a number", text)
	case v < p.min || v > p.max:
		return 0, fmt.Errorf("%d is not between %d and %d", v, p.min, p.max)
	}
	return v, nil
}

// number reads a few digits, and nothing else that strconv would take.
func number(text string) (int, error) {
	if len(text) > 3 || strings.ContainsAny(text, "+-_") {
		return 0, errors.New("not a number")
	}
	return strconv.Atoi(text)
}

func has(set uint64, v int) bool { return set>>v&1 == 1 }

// On says whether it begins at any time of a day.
func (s Schedule) On(day time.Time) bool {
	if !has(s.months, int(day.Month())) {
		return false
	}
	byDate, byWeekday := has(s.days, day.Day()), has(s.weekdays, int(day.Weekday()))
	if s.anyDay || s.anyWeekday {
		return byDate && byWeekday
	}
	return byDate || byWeekday
}

// Times are the hours and minutes at which it begins on its days, in order.
func (s Schedule) Times() (times []Clock) {
	for hour := range 24 {
		for minute := range 60 {
			if has(s.hours, hour) && has(s.minutes, minute) {
				times = append(times, Clock{hour, minute})
			}
		}
	}
	return times
}

// Clock is what a clock shows.
type Clock struct{ Hour, Minute int }

// Comes says whether it ever begins: there is no 30th of February.
func (s Schedule) Comes() bool {
	for day := time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC); day.Year() == 2024; day = day.AddDate(0, 0, 1) { // a leap year
		if s.On(day) || has(s.months, int(day.Month())) && has(s.days, day.Day()) && s.anyWeekday {
			return true
		}
	}
	return false
}
