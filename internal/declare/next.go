package declare

import (
	"cmp"
	"fmt"
	"slices"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/status"
)

// Declaration is one App and where it is declared.
type Declaration struct {
	// App is complete: defaults are set and its source is named. In a State, the
	// windows of its Project stand in front of its own.
	App    v1alpha1.App
	Origin object.Origin
	// Held says why the App stays as it was declared before, although the root
	// doesn't say so any more. It is nil for an App that is as declared now.
	Held error
}

// Project is one Project and where it is declared.
type Project struct {
	// Project is complete: defaults are set.
	Project v1alpha1.Project
	Origin  object.Origin
}

// Broken is a declaration that can't be used.
type Broken struct {
	// ID is NAMESPACE/NAME of what it declares; empty where that can't be told.
	ID string
	// Project is set where it declares a Project, and so no App.
	Project bool
	Origin  object.Origin
	Err     error
}

// Scan is what one revision of the root says, whatever it said before.
type Scan struct {
	// Root is the root's URL, for messages.
	Root string
	// Apps are sound, each by itself; two may have the same ID.
	Apps []Declaration
	// Projects are sound, each by itself, as well.
	Projects []Project
	// Broken are those that can't be used.
	Broken []Broken
	// Unchanged says that the scan before found just the same.
	Unchanged bool
}

// State is what is declared, all told. The zero value is that of a root that
// was never read.
type State struct {
	// Apps by ID.
	Apps map[string]Declaration
	// Problems are what people should mend in the root, sorted by place.
	Problems []status.Problem
	// Settled says that an App which is not in Apps is not declared: no problem
	// hides one. Only then may objects of unknown Apps be taken for left-overs.
	Settled bool
}

// Policy says how much a root may take away at once.
type Policy struct {
	// AllowEmpty lets a root that declares no App remove all that it declared.
	AllowEmpty bool
}

// maxProblems bounds the problems that are told.
const maxProblems = 200

// Next decides what is declared now, from what was and what a scan found.
//
// A sound declaration counts as it is. An App whose declaration can't be used
// (it is broken, or there are two) is held: it stays as it was declared before.
// So does one that is gone while a document that can't be used may declare it
// (one in its file, or one that doesn't tell what it declares), or that is gone
// with all the others. Every other App that is gone is removed. An App whose
// Project can't be used, or isn't there, is held as well.
func Next(prev State, scan Scan, policy Policy) State {
	if scan.Unchanged && prev.Apps != nil {
		return prev
	}
	n := decision{prev: prev, scan: scan, next: State{Apps: map[string]Declaration{}}}
	n.collect()
	empty := len(scan.Apps) == 0 && len(scan.Broken) == 0 && !policy.AllowEmpty
	switch {
	case empty && len(prev.Apps) > 0:
		n.holdAll()
	default:
		n.decideEach()
	}
	n.next.Settled = len(n.next.Problems) == 0 && !empty
	n.next.Problems = inOrder(n.next.Problems)
	return n.next
}

// decision is one call of Next under way.
type decision struct {
	prev, next State
	scan       Scan
	byID       map[string][]claim
	projects   projects
	unreadable *Broken            // the first broken document that may declare any App
	inFile     map[string]*Broken // the first broken document of a file
}

// claim is a document that declares an App of some ID, soundly or not.
type claim struct {
	app    *Declaration
	origin object.Origin
	err    error
}

func (n *decision) collect() {
	n.byID, n.inFile = map[string][]claim{}, map[string]*Broken{}
	for i := range n.scan.Apps {
		d := &n.scan.Apps[i]
		n.byID[d.App.ID()] = append(n.byID[d.App.ID()], claim{app: d, origin: d.Origin})
	}
	n.collectProjects()
	for i := range n.scan.Broken {
		b := &n.scan.Broken[i]
		n.problem(b.Origin, b.Err)
		if b.Project {
			continue
		}
		if n.inFile[b.Origin.File] == nil {
			n.inFile[b.Origin.File] = b
		}
		switch {
		case b.ID != "":
			n.byID[b.ID] = append(n.byID[b.ID], claim{origin: b.Origin, err: b.Err})
		case n.unreadable == nil:
			n.unreadable = b
		}
	}
}

func (n *decision) problem(where object.Origin, err error) {
	n.next.Problems = append(n.next.Problems, status.Problem{Where: where.String(), Message: err.Error()})
}

func (n *decision) decideEach() {
	for id, claims := range n.byID {
		if len(claims) != 1 || claims[0].app == nil {
			n.hold(id, n.unusable(id, claims))
			continue
		}
		app, err := n.withProject(*claims[0].app)
		if err != nil {
			n.hold(id, err)
			continue
		}
		n.next.Apps[id] = app
	}
	for id, before := range n.prev.Apps {
		if b := cmp.Or(n.inFile[before.Origin.File], n.unreadable); b != nil && len(n.byID[id]) == 0 {
			n.hold(id, fmt.Errorf("it is not declared any more, but what can't be used may declare it: %s: %w", b.Origin, b.Err))
		}
	}
}

// unusable says why none of an App's declarations counts, and notes it as a
// problem where it isn't one yet.
func (n *decision) unusable(id string, claims []claim) error {
	if len(claims) == 1 {
		return fmt.Errorf("%s: %w", claims[0].origin, claims[0].err)
	}
	for i, c := range claims {
		other := claims[(i+1)%len(claims)].origin
		if c.app != nil {
			n.problem(c.origin, fmt.Errorf("the App %s is declared at %s as well, so neither counts; rename or remove one of them", id, other))
		}
	}
	return fmt.Errorf("it is declared at %s and at %s, so neither counts; rename or remove one of them", claims[0].origin, claims[1].origin)
}

// hold keeps an App as it was declared before, if it was.
func (n *decision) hold(id string, why error) {
	if before, was := n.prev.Apps[id]; was {
		before.Held = why
		n.next.Apps[id] = before
	}
}

// holdAll keeps every App of a root that is empty all of a sudden: more often
// than not it is the wrong branch or a mistaken push.
func (n *decision) holdAll() {
	err := fmt.Errorf("it declares no App any more, so the %d that it declared are held; "+
		"declare them again, or run with --allow-empty-root to remove them", len(n.prev.Apps))
	n.next.Problems = append(n.next.Problems, status.Problem{Where: n.scan.Root, Message: err.Error()})
	for id := range n.prev.Apps {
		n.hold(id, fmt.Errorf("the root %s declares no App any more; declare it again, or run with --allow-empty-root to remove it", n.scan.Root))
	}
}

// inOrder are the problems sorted, and no more of them than people can read.
func inOrder(problems []status.Problem) []status.Problem {
	slices.SortFunc(problems, func(x, y status.Problem) int {
		return cmp.Or(cmp.Compare(x.Where, y.Where), cmp.Compare(x.Message, y.Message))
	})
	problems = slices.Compact(problems)
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems:maxProblems], status.Problem{Message: fmt.Sprintf("there are %d more problems", more)})
	}
	return problems
}
