package render

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/tree"
)

// Need is a source that a render reads beside its own, because a file of it
// says so: a repository or a chart. One of the two is set.
type Need struct {
	Git   *v1alpha1.Git   `json:"git,omitempty"`
	Chart *v1alpha1.Chart `json:"chart,omitempty"`
}

// maxNeeds bounds what one render may need.
const maxNeeds = 64

// Mount is the name under which the source is mounted. Equal needs have equal
// ones.
func (n Need) Mount() string {
	b, err := json.Marshal(n)
	if err != nil { // which strings can't cause
		b = fmt.Append(nil, n)
	}
	sum := sha256.Sum256(b)
	return tree.MountMark + "need-" + hex.EncodeToString(sum[:8])
}

// String names it for people.
func (n Need) String() string {
	switch {
	case n.Chart != nil:
		return strings.TrimSpace(fmt.Sprintf("the chart %s %s", n.Chart.Name, n.Chart.Version)) + " of " + n.Chart.Repository
	case n.Git != nil:
		at := n.Git.Commit + n.Git.Tag + n.Git.Branch
		return strings.TrimSpace("the repository " + n.Git.URL + " " + at)
	}
	return "nothing"
}

// Missing says that sources have to be fetched and mounted first. It is no
// fault of the files.
type Missing struct{ Needs []Need }

// Error names them.
func (m Missing) Error() string {
	names := make([]string, 0, len(m.Needs))
	for _, n := range m.Needs {
		names = append(names, n.String())
	}
	return strings.Join(names, ", ") + ": not fetched yet"
}

// needing takes in what a render needs.
type needing struct {
	needs []Need
	many  bool
}

func (n *needing) add(need Need) {
	switch {
	case slices.ContainsFunc(n.needs, func(have Need) bool { return have.Mount() == need.Mount() }):
	case len(n.needs) == maxNeeds:
		n.many = true
	default:
		n.needs = append(n.needs, need)
	}
}

// settle is the error of a render as it is told.
func (n *needing) settle(err error) error {
	if n.many {
		return fmt.Errorf("more than %d other sources are needed: vendor some of them", maxNeeds)
	}
	return err
}
