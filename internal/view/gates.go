package view

import (
	"fmt"
	"time"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/terminal"
)

// Paused is what a pause is of, for people.
func Paused(p gate.Pause) string {
	switch {
	case p.App == "" && p.Object == nil:
		return "everything"
	case p.Object == nil:
		return p.App
	case p.App == "":
		return p.Object.String()
	}
	return p.Object.String() + " of " + p.App
}

// ResumeCommand is what ends a pause.
func ResumeCommand(p gate.Pause) string {
	switch {
	case p.App == "" && p.Object == nil:
		return "plumb resume --all"
	case p.Object == nil:
		return "plumb resume " + p.App
	}
	return "plumb resume " + p.Object.String()
}

// Clock is a moment, to the minute.
func Clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Resumed tells what followed from the end of a pause; keep says that it was to
// be kept.
func Resumed(s terminal.Screen, done status.Resumed, keep bool) {
	for _, p := range done.Ended {
		s.Say("%s goes on; it was paused by %s: %s", Paused(p), p.By, p.Reason)
	}
	switch {
	case len(done.Kept) > 0:
		s.Say("kept in commit %s on branch %s:", Commit(done.Commit), done.Branch)
		t := &terminal.Table{Indent: "  ", Whole: true}
		for _, k := range done.Kept {
			t.Add(k.Origin, k.Key, k.Path)
		}
		t.Print(s)
	case keep:
		s.Say("nothing was written to Git: no change was there to keep")
	}
	if len(done.Lost) > 0 {
		s.Say("could not be written to Git:")
		t := &terminal.Table{Indent: "  ", Whole: true}
		for _, l := range done.Lost {
			t.Add(l.Key, l.Path, l.Reason)
		}
		t.Print(s)
	}
}

// Pauses is one pause in a line.
func Pauses(pauses []gate.Pause, now time.Time) *terminal.Table {
	t := &terminal.Table{Header: []string{"APP", "OBJECT", "BY", "SINCE", "UNTIL", "REASON"}}
	for _, p := range pauses {
		app, key := p.App, ""
		if app == "" && p.Object == nil {
			app = "all"
		}
		if p.Object != nil {
			key = p.Object.String()
		}
		t.Add(app, key, p.By, terminal.Ago(now, p.Since), until(now, p.Until), p.Reason)
	}
	return t
}

// until is a moment and how far away it is.
func until(now, t time.Time) string {
	if !t.After(now) {
		return Clock(t)
	}
	return fmt.Sprintf("%s (in %s)", Clock(t), terminal.Short(t.Sub(now)))
}
