package view

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/terminal"
)

// Event prints an event in one line. Lines come one at a time, so columns
// are as wide as what usually stands in them.
func Event(s terminal.Screen, e event.Event, withApp bool) error {
	about := []string{stamp(e.Time)}
	if withApp {
		about = append(about, fmt.Sprintf("%-20s", cmp.Or(e.App, "all")))
	}
	about = append(about, fmt.Sprintf("%-17s", e.Kind))
	if e.Object != nil && !strings.Contains(e.Message, e.Object.Name) {
		about = append(about, e.Object.String())
	}
	about = append(about, e.Message)
	if e.Actor != "" && !strings.Contains(e.Message, nameOf(e.Actor)) {
		about = append(about, "("+nameOf(e.Actor)+")")
	}
	_, err := fmt.Fprintln(s.Out, terminal.Printable(strings.Join(about, "  "), ""))
	return err
}

// stamp is a moment to the second.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Line prints a line of the log about an App. What is empty, and which App it is
// about, goes without saying.
func Line(s terminal.Screen, l event.Line) error {
	words := []string{stamp(l.Time), fmt.Sprintf("%-5s", l.Level), l.Message}
	for _, name := range slices.Sorted(maps.Keys(l.Attrs)) {
		value := l.Attrs[name]
		if value == "" || name == "app" {
			continue
		}
		if strings.ContainsAny(value, " \"=") {
			value = strconv.Quote(value)
		}
		words = append(words, name+"="+value)
	}
	_, err := fmt.Fprintln(s.Out, terminal.Printable(strings.Join(words, " "), ""))
	return err
}
