package declare

import (
	"fmt"
	"slices"

	"plumb.dev/plumb/internal/object"
)

// projects are the Projects of a root by their IDs: those that can be used, and
// why others can't.
type projects struct {
	sound  map[string]Project
	unfit  map[string]error
	origin map[string]object.Origin // of the first declaration of each
}

// collectProjects sorts out which Projects there are. Of two with the same ID
// neither counts.
func (n *decision) collectProjects() {
	n.projects = projects{map[string]Project{}, map[string]error{}, map[string]object.Origin{}}
	for _, p := range n.scan.Projects {
		id := p.Project.ID()
		if other, claimed := n.projects.claim(id, p.Origin); claimed {
			n.problem(p.Origin, fmt.Errorf("the Project %s is declared at %s as well, so neither counts; rename or remove one of them", id, other))
			continue
		}
		n.projects.sound[id] = p
	}
	for _, b := range n.scan.Broken {
		if !b.Project || b.ID == "" {
			continue
		}
		if _, claimed := n.projects.claim(b.ID, b.Origin); !claimed {
			n.projects.unfit[b.ID] = fmt.Errorf("%s: %w", b.Origin, b.Err)
		}
	}
}

// claim notes where a Project is declared. Where it already is, neither counts,
// and the other place is returned.
func (p projects) claim(id string, origin object.Origin) (other object.Origin, claimed bool) {
	other, claimed = p.origin[id]
	if !claimed {
		p.origin[id] = origin
		return other, false
	}
	p.unfit[id] = fmt.Errorf("it is declared at %s and at %s, so neither counts; rename or remove one of them", other, origin)
	delete(p.sound, id)
	return other, true
}

// withProject is an App with what its Project says of it.
func (n *decision) withProject(d Declaration) (Declaration, error) {
	id := d.App.Spec.Project
	if id == "" {
		return d, nil
	}
	if err := n.projects.unfit[id]; err != nil {
		return d, fmt.Errorf("its Project %s can't be used: %w", id, err)
	}
	project, is := n.projects.sound[id]
	if !is {
		err := fmt.Errorf("there is no Project %s, which the App %s names in spec.project; declare it, or correct the name", id, d.App.ID())
		n.problem(d.Origin, err)
		return d, err
	}
	d.App.Spec.Sync.Windows = slices.Concat(project.Project.Spec.Windows, d.App.Spec.Sync.Windows)
	return d, nil
}
