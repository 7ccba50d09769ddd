package v1alpha1

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Window is a time that comes again and again, at which intended changes may
// be made, or may not.
//
// Without an allow window, changes may be made outside of deny windows. With
// one or more, they may be made only within one of those. Deny wins.
type Window struct {
	// Kind is allow or deny.
	Kind WindowKind `json:"kind"`
	// Schedule says when it begins: the five fields of cron; see ParseSchedule.
	Schedule string `json:"schedule"`
	// Duration is how long it lasts, by a clock that nobody sets: at least 1m,
	// at most 168h. Windows that touch are one.
	Duration metav1.Duration `json:"duration"`
	// TimeZone is the IANA name of the zone that Schedule is meant in. Default UTC.
	TimeZone string `json:"timeZone,omitempty"`
	// Reason is told to those who wait.
	Reason string `json:"reason,omitempty"`
	// Corrections makes a deny window hold back the correction of drift as well.
	Corrections bool `json:"corrections,omitempty"`
}

// WindowKind is what a window does.
type WindowKind string

// The kinds of windows.
const (
	WindowAllow WindowKind = "allow"
	WindowDeny  WindowKind = "deny"
)

// DefaultTimeZone is the zone of a window that names none.
const DefaultTimeZone = "UTC"

// The bounds of windows.
const (
	minWindow  = time.Minute
	maxWindow  = 7 * 24 * time.Hour
	maxWindows = 50
	maxReason  = 500
)

func defaultWindows(windows []Window) []Window {
	windows = slices.Clone(windows)
	for i := range windows {
		if windows[i].TimeZone == "" {
			windows[i].TimeZone = DefaultTimeZone
		}
	}
	return windows
}

func validateWindows(s *sink, field string, windows []Window) {
	if len(windows) > maxWindows {
		s.add(field, fmt.Sprintf("has %d windows", len(windows)), fmt.Sprintf("keep at most %d", maxWindows))
		return
	}
	for i, w := range windows {
		validateWindow(s, fmt.Sprintf("%s[%d]", field, i), w)
	}
}

func validateWindow(s *sink, field string, w Window) {
	if w.Kind == "" {
		s.add(field+".kind", "is missing", "use allow or deny")
	}
	s.oneOf(field+".kind", string(w.Kind), string(WindowAllow), string(WindowDeny))
	validateSchedule(s, field+".schedule", w.Schedule)
	switch d := w.Duration.Duration; {
	case d == 0:
		s.add(field+".duration", "is missing", "say how long the window lasts, such as 8h")
	case d < minWindow:
		s.add(field+".duration", fmt.Sprintf("%s is too short", d), "give at least 1m")
	case d > maxWindow:
		s.add(field+".duration", fmt.Sprintf("%s is too long", d), "give at most 168h, and have it begin more often")
	}
	if why := badTimeZone(w.TimeZone); why != "" {
		s.add(field+".timeZone", fmt.Sprintf("%q %s", w.TimeZone, why), "name a zone as Europe/Berlin or UTC")
	}
	if len(w.Reason) > maxReason || hasControl(w.Reason) {
		s.add(field+".reason", "is long, or has control characters", fmt.Sprintf("give one line of at most %d bytes", maxReason))
	}
	if w.Corrections && w.Kind == WindowAllow {
		s.add(field+".corrections", "only a deny window can hold back corrections", "remove it, or make the window's kind deny")
	}
}

// badTimeZone says why a name is no zone. "Local" is none: what it is depends
// on the machine.
func badTimeZone(name string) string {
	if name == "" {
		return ""
	}
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		return "is not a time zone"
	}
	return ""
}

func validateSchedule(s *sink, field, text string) {
	if text == "" {
		s.add(field, "is missing", "say when the window begins, such as 0 22 * * 5 for Fridays at 22:00")
		return
	}
	schedule, err := ParseSchedule(text)
	switch {
	case err != nil:
		s.add(field, fmt.Sprintf("%q is not a schedule: %v", text, err), "write minute, hour, day of month, month and day of week, such as 0 22 * * 5")
	case !schedule.Comes():
		s.add(field, fmt.Sprintf("%q never comes", text), "name a day that there is in one of its months")
	}
}
