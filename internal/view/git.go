package view

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/terminal"
)

// Rollback shows what a rollback takes back.
func Rollback(s terminal.Screen, r status.RolledBack) {
	s.Say("%s goes back to release %d (%s)", r.App, r.Release, Commit(r.To))
	files := &terminal.Table{Indent: "  ", Whole: true}
	for _, f := range r.Files {
		files.Add(f)
	}
	fmt.Fprintln(s.Out, s.Paint("Files:", terminal.Strong))
	files.Print(s)
	if len(r.Skipped) > 0 {
		fmt.Fprintln(s.Out, s.Paint("Commits that are taken back:", terminal.Strong))
		skipped := &terminal.Table{Indent: "  ", Whole: true}
		for _, k := range r.Skipped {
			skipped.Add(Commit(k.Commit), nameOf(k.Author), strings.TrimSuffix(k.Subject+"; "+strings.Join(k.Images, ", "), "; "))
		}
		skipped.Print(s)
	}
	if len(r.Others) > 0 {
		fmt.Fprintln(s.Out, s.Paint("Other Apps that are made from these files:", terminal.Strong))
		for _, o := range r.Others {
			s.Say("  %s", o)
		}
	}
}

// RolledBack tells what was done.
func RolledBack(s terminal.Screen, r status.RolledBack) {
	if r.Commit == "" {
		s.Say("%s: branch %s holds what release %d was made from already; nothing was pushed", r.App, r.Branch, r.Release)
		return
	}
	s.Say("%s: commit %s was pushed to %s; `plumb wait %s --commit %s` tells when it is done",
		r.App, Commit(r.Commit), r.Branch, r.App, Commit(r.Commit))
}

// Blame shows where the fields of an object come from; others leaves out those
// that come from Git.
func Blame(s terminal.Screen, b plan.Blame, others bool, now time.Time) {
	declared := "no App declares it"
	if b.App != "" {
		declared = "declared by " + b.App + " at " + Commit(b.Revision)
	}
	fmt.Fprintf(s.Out, "%s  %s\n\n", s.Paint(terminal.Printable(b.Key.String(), ""), terminal.Strong), terminal.Printable(declared, ""))
	t := &terminal.Table{Header: []string{"FIELD", "VALUE", "WHO", "WHEN", "WHERE", "COMMIT", "WHAT"}}
	for _, f := range b.Fields {
		if others && f.Ours {
			continue
		}
		t.Add(append([]any{f.Path, valueOf(f.Value)}, originOf(f, now)...)...)
	}
	if t.Len() == 0 {
		s.Say("every field comes from Git")
		return
	}
	t.Print(s)
}

// originOf is who, when, where, in which commit and why.
func originOf(f plan.Blamed, now time.Time) []any {
	if f.Line == nil {
		return []any{f.Manager, terminal.Age(now, f.Time), "", "", ""}
	}
	where := f.Line.Origin.String()
	if !f.Line.Exact {
		where += "~"
	}
	return []any{nameOf(f.Line.Author), terminal.Age(now, f.Line.Date), where, Commit(f.Line.Commit), f.Line.Subject}
}

// mostValue is how many columns of a value stand in a table.
const mostValue = 32

// valueOf is a value in a few words.
func valueOf(v *plan.Value) string {
	if v == nil {
		return ""
	}
	return shown(v.Content, v.Hidden)
}

// shown is a value in a few words, or what stands for it.
func shown(content any, hidden string) string {
	text, ok := content.(string)
	if !ok && content != nil {
		marshaled, err := json.Marshal(content)
		if err != nil {
			return "?"
		}
		text = string(marshaled)
	}
	return terminal.Cut(terminal.Printable(cmp.Or(hidden, text), ""), mostValue)
}
