package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumb.dev/plumb/internal/gate"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/terminal"
)

// Apps is how Apps stand, one in a line. What holds them has a column where
// something holds one.
func Apps(apps []status.App, wide bool, now time.Time) *terminal.Table {
	holds := slices.ContainsFunc(apps, func(a status.App) bool { return a.Hold != nil })
	t := &terminal.Table{Header: []string{"NAMESPACE", "NAME", "SYNC", "HEALTH"}}
	if holds {
		t.Header = append(t.Header, "HELD")
	}
	t.Header = append(t.Header, "REVISION")
	if wide {
		t.Header = append(t.Header, "OBJECTS", "CHECKED", "TARGET", "SOURCE")
	}
	t.Header = append(t.Header, "MESSAGE")
	for _, a := range apps {
		row := []any{a.Namespace, a.Name, terminal.State(a.Sync), terminal.State(a.Health)}
		if holds {
			row = append(row, terminal.Busy.Of(heldBy(a)))
		}
		row = append(row, Commit(a.Revision))
		if wide {
			row = append(row, a.Objects, terminal.Age(now, a.LastCheck), a.Target.Namespace, sourceOf(a.Source))
		}
		t.Add(append(row, a.Message)...)
	}
	return t
}

// heldBy is what holds an App, in one word.
func heldBy(a status.App) string {
	if a.Hold == nil {
		return ""
	}
	return string(a.Hold.Reason)
}

// sourceOf is where an App's manifests come from, in one word.
func sourceOf(s status.Source) string {
	where := s.URL
	if s.Path != "" {
		where += "//" + s.Path
	}
	if s.Ref != "" {
		where += "@" + s.Ref
	}
	return where
}

// App is one App for people.
func App(s terminal.Screen, d status.Detail, now time.Time) {
	facts := &terminal.Facts{}
	facts.Fact("App", terminal.Strong.Of(d.ID()))
	facts.Fact("Sync", terminal.State(d.Sync))
	facts.Fact("Health", terminal.State(d.Health))
	facts.Fact("Message", d.Message)
	gateFacts(facts, d.App, now)
	facts.Fact("Revision", revisionOf(d.App))
	facts.Fact("Newest", newestOf(d.Source))
	facts.Fact("Source", sourceOf(d.Source))
	for _, b := range d.Source.Beside {
		facts.Fact("With", besideOf(b))
	}
	facts.Fact("Trouble", terminal.Bad.Of(d.Source.Error))
	facts.Fact("Render", d.Source.Renderer)
	facts.Fact("Target", targetOf(d.Target))
	facts.Fact("Objects", d.Objects)
	facts.Fact("Checked", terminal.Ago(now, d.LastCheck))
	facts.Fact("Failures", failuresOf(d.App, now))
	facts.Fact("Waits for", strings.Join(d.WaitingFor, ", "))
	facts.Fact("Declared", d.DeclaredAt)
	facts.Print(s)

	if wrong := wrongObjects(d.Tree); wrong.Len() > 0 {
		s.Title("Not in line or not healthy:")
		wrong.Print(s)
	}
	if len(d.Notices) > 0 {
		s.Title("To know of what is declared:")
		t := &terminal.Table{Indent: "  ", Whole: true}
		for _, notice := range d.Notices {
			t.Add(notice)
		}
		t.Print(s)
	}
	if len(d.Releases) > 0 {
		s.Title("Newest releases:")
		t := Releases(d.Releases[:min(len(d.Releases), 5)], Columns{}, now)
		t.Indent = "  "
		t.Print(s)
	}
}

// gateFacts tells what stands between an App's changes and the cluster, and what
// to do about it.
func gateFacts(facts *terminal.Facts, a status.App, now time.Time) {
	if a.Mode != "auto" {
		facts.Fact("Mode", a.Mode)
	}
	if h := a.Hold; h != nil {
		facts.Fact("Held", terminal.Busy.Of(fmt.Sprintf("%s: %s", h.Reason, h.Message)))
	}
	if p := a.Plan; p != nil {
		stale := ""
		if p.Stale {
			stale = "; stale, another is being made"
		}
		facts.Fact("Plan", fmt.Sprintf("%s (%s) made %s of %s %s, %s%s", plan.Short(p.Hash), p.Summary, terminal.Ago(now, p.MadeAt),
			Commit(p.Revision), p.Subject, nameOf(p.Author), stale))
		approve := fmt.Sprintf("plumb approve %s %s", a.ID(), plan.Short(p.Hash))
		if h := a.Hold; h != nil && h.Reason == gate.HeldByApproval && !strings.Contains(h.Message, approve) {
			facts.Fact("Approve", approve)
		}
	}
	for _, p := range a.Pauses {
		what := ""
		if p.Object != nil {
			what = p.Object.String() + " "
		}
		facts.Fact("Paused", fmt.Sprintf("%sby %s until %s: %s", what, p.By, until(now, p.Until), p.Reason))
		facts.Fact("Resume", ResumeCommand(p))
	}
	facts.Fact("Window", windowOf(a.Window, now))
}

// windowOf tells how an App's windows stand; empty where it has none.
func windowOf(w *status.Window, now time.Time) string {
	if w == nil {
		return ""
	}
	state, then := "closed", "opens"
	if w.Open {
		state, then = "open", "closes"
	}
	if w.Reason != "" {
		state += ": " + w.Reason
	}
	if w.Next.IsZero() {
		return state
	}
	return state + "; " + then + " " + until(now, w.Next)
}

// revisionOf says what the App is held against, and whether that changed it.
func revisionOf(a status.App) string {
	switch {
	case a.Revision == "":
		return "none yet"
	case a.Unchanged && a.ChangedAt != "":
		return fmt.Sprintf("%s (unchanged since %s)", Commit(a.Revision), Commit(a.ChangedAt))
	}
	return Commit(a.Revision)
}

// newestOf is the newest commit that was seen.
func newestOf(s status.Source) string {
	if s.Newest == "" {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s, %s", Commit(s.Newest), s.Subject, s.Author))
}

// besideOf is what is read beside an App's repository.
func besideOf(b status.Beside) string {
	what := "nothing yet"
	switch {
	case b.Version != "":
		what = b.Version
	case b.Newest != "":
		what = Commit(b.Newest)
	}
	return strings.TrimSpace(strings.TrimSpace(b.Chart+" "+what) + " of " + b.URL)
}

// targetOf is where an App's objects go; empty when that isn't known yet.
func targetOf(t status.Target) string {
	if t.Namespace == "" {
		return t.Cluster
	}
	return strings.TrimSuffix("namespace "+t.Namespace+" at "+t.Cluster, " at ")
}

// failuresOf tells of failed attempts and the next one; empty when all is well.
func failuresOf(a status.App, now time.Time) string {
	if a.Failures == 0 {
		return ""
	}
	text := fmt.Sprintf("%d since the last success", a.Failures)
	if a.RetryAt.After(now) {
		text += ", the next attempt in " + terminal.Short(a.RetryAt.Sub(now))
	}
	return text
}

// wrongObjects lists what of an App is not in line or not healthy.
func wrongObjects(tree []status.Object) *terminal.Table {
	t := &terminal.Table{Indent: "  ", Whole: true}
	for _, o := range tree {
		if o.Sync != status.Synced || o.Health != status.Healthy {
			t.Add(o.Key.String(), terminal.State(o.Sync), terminal.State(o.Health), o.Origin, o.Message)
		}
	}
	return t
}

// Root is the root for people.
func Root(s terminal.Screen, root status.Root) {
	facts := &terminal.Facts{}
	facts.Fact("Root", root.URL)
	facts.Fact("Revision", cmp.Or(Commit(root.Revision), "none yet"))
	facts.Fact("Apps", root.Apps)
	facts.Print(s)
	for _, warning := range root.Warnings {
		fmt.Fprintf(s.Out, "\n%s\n", s.Paint(terminal.Printable(warning, ""), terminal.Busy))
	}
	if len(root.Problems) == 0 {
		return
	}
	s.Title("Not used; the rest is followed all the same:")
	for _, p := range root.Problems { // whole, however long: this is where one comes to read it
		fmt.Fprintf(s.Out, "  %s\n      %s\n", s.Paint(terminal.Printable(p.Where, ""), terminal.Bad), strings.ReplaceAll(terminal.Printable(p.Message, "\n"), "\n", "\n      "))
	}
}
