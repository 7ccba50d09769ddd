package view

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/terminal"
)

// Columns are those that a list of releases has besides the usual ones.
type Columns struct {
	App  bool // there are releases of several
	Wide bool // attempts, and how long it took
}

// Releases is one release in a line.
func Releases(releases []release.Release, with Columns, now time.Time) *terminal.Table {
	t := &terminal.Table{Header: []string{"ID", "AGE"}}
	if with.App {
		t.Header = append(t.Header, "APP")
	}
	t.Header = append(t.Header, "REVISION", "TRIGGER", "WHO", "CHANGES", "OUTCOME")
	if with.Wide {
		t.Header = append(t.Header, "TRIES", "TOOK")
	}
	t.Header = append(t.Header, "WHAT")
	for _, r := range releases {
		row := []any{r.ID, terminal.Age(now, r.Seen)}
		if with.App {
			row = append(row, r.App)
		}
		row = append(row, r.Revision.Short(), triggerOf(r), nameOf(r.Actor), Changes(r), terminal.State(r.Outcome))
		if with.Wide {
			row = append(row, len(r.Attempts), took(r))
		}
		t.Add(append(row, whatOf(r))...)
	}
	return t
}

// took is how long a release took until its outcome was known; empty while it
// isn't.
func took(r release.Release) string {
	if r.Finished.IsZero() {
		return ""
	}
	return r.Finished.Sub(r.Seen).Round(100 * time.Millisecond).String()
}

// triggerOf is why a release came about; what nobody intended is marked.
func triggerOf(r release.Release) string {
	if r.Corrective() {
		return string(r.Trigger) + " (corrective)"
	}
	return string(r.Trigger)
}

// nameOf is the name in Name <email>.
func nameOf(actor string) string {
	name, _, _ := strings.Cut(actor, " <")
	return name
}

// Changes counts changes, as +1 ~2 -1, without what is zero.
func Changes(r release.Release) string {
	if s := r.Summary().String(); s != "" {
		return s
	}
	return "none"
}

// whatOf is the reason of a release, or the subject of its commit.
func whatOf(r release.Release) string {
	if r.Reason != "" {
		return r.Reason
	}
	if r.Corrective() {
		for _, c := range r.Changes {
			if c.Reason != "" {
				return c.Reason
			}
		}
	}
	if r.Trigger == release.TriggerSource {
		return r.Revision.With
	}
	subject, _, _ := strings.Cut(r.Revision.Message, "\n")
	return subject
}

// Release is one release for people.
func Release(s terminal.Screen, r release.Release, now time.Time) {
	facts := &terminal.Facts{}
	subject, _, _ := strings.Cut(r.Revision.Message, "\n")
	facts.Fact("Release", terminal.Strong.Of(strconv.FormatInt(r.ID, 10)))
	facts.Fact("App", r.App)
	facts.Fact("Outcome", terminal.State(r.Outcome))
	facts.Fact("Reason", r.Reason)
	facts.Fact("Trigger", triggerOf(r))
	facts.Fact("Who", r.Actor)
	if r.Plan != "" {
		facts.Fact("Plan", strings.TrimSuffix(plan.Short(r.Plan)+", approved by "+r.ApprovedBy+": "+r.ApprovedWhy, ": "))
	}
	facts.Fact("Revision", strings.TrimSpace(r.Revision.Commit+" "+r.Revision.Ref))
	facts.Fact("With", r.Revision.With)
	facts.Fact("Commit", strings.Trim(subject+", "+r.Revision.Author, ", "))
	facts.Fact("Seen", when(r.Seen, now))
	facts.Fact("Planned", after(r.Seen, r.Planned))
	facts.Fact("Applied", after(r.Seen, r.Applied))
	facts.Fact("Healthy", after(r.Seen, r.Healthy))
	facts.Fact("Finished", after(r.Seen, r.Finished))
	facts.Print(s)
	printHooks(s, r.Hooks)
	printChanges(s, r.Changes)
	printAttempts(s, r)
}

// when is a time and its age.
func when(t, now time.Time) string {
	return fmt.Sprintf("%s (%s ago)", t.UTC().Format(time.RFC3339), terminal.Age(now, t))
}

// after is how long after the beginning something was; empty when it wasn't.
func after(start, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return "after " + t.Sub(start).Round(time.Millisecond).String()
}

// printHooks lists the hooks that ran, and what they printed.
func printHooks(s terminal.Screen, hooks []release.HookRun) {
	if len(hooks) == 0 {
		return
	}
	s.Title("Hooks:")
	t := &terminal.Table{Indent: "  ", Whole: true}
	for _, h := range hooks {
		took := ""
		if !h.Ended.IsZero() {
			took = h.Ended.Sub(h.Started).Round(100 * time.Millisecond).String()
		}
		t.Add(h.Phase, h.Object.String(), terminal.State(h.State), took, h.Origin.String(), h.Message)
	}
	t.Print(s)
	for _, h := range hooks {
		if h.Log == "" {
			continue
		}
		s.Title("Printed by " + h.Object.String() + ":")
		printed := &terminal.Table{Indent: "  ", Whole: true}
		for line := range strings.Lines(h.Log) {
			printed.Add(strings.TrimRight(line, "\n"))
		}
		printed.Print(s)
	}
}

func printChanges(s terminal.Screen, changes []release.Change) {
	if len(changes) == 0 {
		return
	}
	s.Title("Changes (" + Changes(release.Release{Changes: changes}) + "):")
	t := &terminal.Table{Indent: "  ", Whole: true}
	for _, c := range changes {
		why := strings.Trim(c.Error+"; "+c.Reason, "; ")
		if len(c.Fields) > 0 && !strings.HasPrefix(why, c.Fields[0]+" was") { // a single field is in the reason already
			why = strings.Trim(why+": "+strings.Join(c.Fields, ", "), ": ")
		}
		t.Add(c.Action, c.Object.String(), c.Origin.String(), why)
	}
	t.Print(s)
	printDiff(s, changes)
}

// printDiff lists the fields that changed with their values, as far as they
// were kept.
func printDiff(s terminal.Screen, changes []release.Change) {
	t := &terminal.Table{Header: []string{"OBJECT", "FIELD", "BEFORE", "AFTER"}, Indent: "  ", Whole: true}
	for _, c := range changes {
		for _, d := range c.Diff {
			t.Add(c.Object, d.Path, fieldValue(d.Before), fieldValue(d.After))
		}
		if c.More > 0 {
			t.Add(c.Object, fmt.Sprintf("… and %d more", c.More), "", "")
		}
	}
	if t.Len() > 0 {
		s.Title("Fields:")
		t.Print(s)
	}
}

// fieldValue is a value in a few words.
func fieldValue(v *release.FieldValue) string {
	if v == nil {
		return ""
	}
	return shown(v.Content, v.Hidden)
}

// printAttempts lists the attempts, unless the first one did it.
func printAttempts(s terminal.Screen, r release.Release) {
	if len(r.Attempts) < 2 && (len(r.Attempts) == 0 || r.Attempts[0].Error == "") {
		return
	}
	s.Title("Attempts:")
	t := &terminal.Table{Indent: "  ", Whole: true}
	for _, a := range r.Attempts {
		how := cmp.Or(a.Error, "succeeded")
		if a.Ended.IsZero() {
			how = "under way"
		}
		t.Add(a.Started.UTC().Format(time.RFC3339), strings.Replace(after(a.Started, a.Ended), "after", "took", 1), how)
	}
	t.Print(s)
}

// Commit is a commit's first eight characters.
func Commit(commit string) string { return commit[:min(len(commit), 8)] }
