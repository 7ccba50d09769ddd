package gate

import (
	"slices"
	"strings"
	"time"

	"plumb.dev/plumb/internal/object"
)

// Register holds the pauses that there are, one for each scope. The zero value
// is empty and ready. It is used by one at a time.
type Register struct {
	byApp map[string][]Pause // those of all Apps are under ""
}

// Put begins a pause, or takes the place of the one of the same scope.
func (r *Register) Put(p Pause) {
	r.Drop(p)
	if r.byApp == nil {
		r.byApp = map[string][]Pause{}
	}
	r.byApp[p.App] = append(r.byApp[p.App], p)
}

// Drop ends a pause.
func (r *Register) Drop(p Pause) {
	rest := slices.DeleteFunc(r.byApp[p.App], func(q Pause) bool { return q.ID() == p.ID() })
	if len(rest) == 0 {
		delete(r.byApp, p.App)
		return
	}
	r.byApp[p.App] = rest
}

// All lists the pauses that hold at a time.
func (r *Register) All(now time.Time) []Pause {
	var all []Pause
	for _, pauses := range r.byApp {
		for _, p := range pauses {
			if now.Before(p.Until) {
				all = append(all, p)
			}
		}
	}
	slices.SortFunc(all, func(a, b Pause) int { return strings.Compare(a.ID(), b.ID()) })
	return all
}

// Whole lists the pauses that cover an App as a whole.
func (r *Register) Whole(app string) []Pause {
	var pauses []Pause
	for _, p := range slices.Concat(r.byApp[""], r.byApp[app]) {
		if p.Object == nil {
			pauses = append(pauses, p)
		}
	}
	return pauses
}

// About lists the pauses that have to do with an App: those of all, its own,
// and those of its objects.
func (r *Register) About(app string) []Pause {
	if len(r.byApp) == 0 {
		return nil
	}
	return slices.Concat(r.byApp[""], r.byApp[app])
}

// Own lists the pauses of an App and of its objects.
func (r *Register) Own(app string) []Pause { return slices.Clone(r.byApp[app]) }

// Object says whether one object of an App is paused by itself.
func (r *Register) Object(app string, key object.Key, now time.Time) bool {
	return slices.ContainsFunc(r.byApp[app], func(p Pause) bool {
		return p.Object != nil && *p.Object == key && now.Before(p.Until)
	})
}

// Ended lists the pauses about an App whose time is over.
func (r *Register) Ended(app string, now time.Time) []Pause {
	return slices.DeleteFunc(slices.Clone(r.About(app)), func(p Pause) bool { return now.Before(p.Until) })
}

// Find lists the pauses of exactly this scope: of an App (all, where it is
// empty), or, where key is given, of objects that it names.
func (r *Register) Find(app string, key *object.Key) []Pause {
	var found []Pause
	for in, pauses := range r.byApp {
		for _, p := range pauses {
			switch {
			case key == nil && p.Object == nil && in == app,
				key != nil && p.Object != nil && key.Names(*p.Object) && (app == "" || app == in):
				found = append(found, p)
			}
		}
	}
	return found
}
