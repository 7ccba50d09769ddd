package view

import (
	"fmt"

	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/terminal"
)

// kindGroup is the objects of one kind.
type kindGroup struct {
	kind    string
	objects []status.Object
}

// byKind groups objects by their kind, in the order in which kinds first appear.
func byKind(objects []status.Object) []kindGroup {
	var groups []kindGroup
	at := map[string]int{}
	for _, o := range objects {
		i, known := at[o.Key.Kind]
		if !known {
			i = len(groups)
			at[o.Key.Kind] = i
			groups = append(groups, kindGroup{kind: o.Key.Kind})
		}
		groups[i].objects = append(groups[i].objects, o)
	}
	return groups
}

// Tree draws an App's objects, grouped by kind.
func Tree(s terminal.Screen, d status.Detail) {
	head := &terminal.Table{}
	head.Add(terminal.Strong.Of(d.ID()), terminal.State(d.Sync), terminal.State(d.Health), Commit(d.Revision), d.Message)
	head.Print(s)
	if len(d.Tree) == 0 {
		fmt.Fprintln(s.Out, "└─ no objects")
		return
	}
	t := &terminal.Table{}
	groups := byKind(d.Tree)
	for i, g := range groups {
		branch, below := "├─ ", "│  "
		if i == len(groups)-1 {
			branch, below = "└─ ", "   "
		}
		t.Add(branch + g.kind)
		for j, o := range g.objects {
			twig := "├─ "
			if j == len(g.objects)-1 {
				twig = "└─ "
			}
			t.Add(below+twig+nameIn(o, d.Target.Namespace), terminal.State(o.Sync), terminal.State(o.Health), o.Origin, o.Message)
		}
	}
	t.Print(s)
}

// nameIn is an object's name, with its namespace where that is not the App's,
// and what it is when it is more than an object.
func nameIn(o status.Object, namespace string) string {
	name := o.Key.Name
	if o.Key.Namespace != "" && o.Key.Namespace != namespace {
		name = o.Key.Namespace + "/" + name
	}
	if o.Hook != "" {
		name += " (" + o.Hook + " hook)"
	}
	if o.Wave != 0 {
		name += fmt.Sprintf(" (wave %d)", o.Wave)
	}
	return name
}
