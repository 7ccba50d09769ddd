package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// New completes a plan of what is given: it puts the changes in the order in
// which they would be done, says whether it is complete and applicable, and
// names it by its hash.
//
// The hash binds which App and target it is for, and of each change what would
// be done to which object, what is desired of it, and in what it differs from
// what is live. So it moves when any of that does, and not when a status is
// written, another commit declares the same, or somebody else comes to own a
// field with the same value.
func New(p Plan) Plan {
	p.Version = Version
	p.Changes = slices.Clone(p.Changes)
	if p.Changes == nil {
		p.Changes = []Change{}
	}
	slices.SortStableFunc(p.Changes, byTurn)
	for i, c := range p.Changes {
		if c.Origin.File == "" {
			p.Changes[i].Origin = c.Desired.Origin
		}
		p.Changes[i].Wave = waveOf(c)
	}
	p.Complete = len(p.Problems) == 0
	p.Applicable = p.Complete && !slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Action == Conflict })
	p.Hash = hashOf(p)
	bounded(p.Changes)
	return p
}

// mostShown bounds how many bytes of values a plan holds: it is kept and sent
// as a whole.
const mostShown = 8 << 20

// bounded takes the values out of the changes that come after too many. What
// these fields are counts as before; see Change.More.
func bounded(changes []Change) {
	left := mostShown
	for i := range changes {
		for _, f := range changes[i].Fields {
			left -= len(f.Path) + sizeOf(f.Before) + sizeOf(f.After)
		}
		if left < 0 {
			changes[i].More += len(changes[i].Fields)
			changes[i].Fields = nil
		}
	}
}

// byTurn compares when two changes have their turn: waves upwards and in each
// the stages upwards, then the prunes, all of it downwards.
func byTurn(a, b Change) int {
	prunes, other := a.Action == Prune, b.Action == Prune
	switch {
	case prunes && !other:
		return 1
	case other && !prunes:
		return -1
	}
	turn := cmp.Or(cmp.Compare(waveOf(a), waveOf(b)), cmp.Compare(StageOf(a.Key), StageOf(b.Key)))
	if prunes {
		return -turn
	}
	return turn
}

// waveOf is the wave of what is declared, or else of what is live.
func waveOf(c Change) int {
	if c.Desired.Key.Kind == "" {
		return c.Live.Wave
	}
	return c.Desired.Wave
}

// bound is what of a change its plan's hash is made of.
type bound struct {
	Action Action
	Object string
	UID    string
	Digest string
	Fields []Field `json:",omitempty"`
}

func boundOf(c Change) bound {
	b := bound{Action: c.Action, Object: c.Key.ID(), UID: c.Live.UID, Digest: c.Digest}
	if c.Action == Prune { // what it is doesn't count, but whether someone changed what we made it
		b.Digest = fmt.Sprint(c.Live.Digest, " ", c.Live.Fingerprint)
		return b
	}
	if b.Digest != "" {
		return b
	}
	b.Digest = c.Desired.Digest
	for _, f := range c.Fields {
		b.Fields = append(b.Fields, Field{Path: f.Path, Before: f.Before, After: f.After})
	}
	return b
}

// boundHooks are what of the hooks a plan's hash is made of.
func boundHooks(hooks []Hook) (all [][4]string) {
	for _, h := range hooks {
		all = append(all, [4]string{h.Phase, h.Key.ID(), h.Digest, strconv.Itoa(h.Wave)})
	}
	return all
}

func hashOf(p Plan) string {
	all := make([]bound, len(p.Changes))
	for i, c := range p.Changes {
		all[i] = boundOf(c)
	}
	slices.SortFunc(all, func(a, b bound) int { return strings.Compare(a.Object, b.Object) })
	parts := []any{p.Version, p.App, p.Cluster, p.Namespace, all}
	if hooks := boundHooks(p.Hooks); len(hooks) > 0 {
		parts = append(parts, hooks)
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return "" // values that came as JSON always marshal
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

const (
	shortHash = 12 // how much of a hash people are shown
	leastHash = 6  // how much of it they must give
)

// Short is as much of the hash as people need.
func (p Plan) Short() string { return Short(p.Hash) }

// Short is as much of a plan's hash as people need.
func Short(hash string) string { return hash[:min(len(hash), shortHash)] }

// Matches says whether someone who gives the beginning of a hash means this
// plan. Fewer than six characters mean none.
func (p Plan) Matches(prefix string) bool {
	return len(prefix) >= leastHash && strings.HasPrefix(p.Hash, strings.ToLower(prefix))
}

// counted are the actions as a plan is summed up.
var counted = []struct {
	action Action
	text   string
}{
	{Create, "to create"}, {Update, "to update"}, {Replace, "to replace"}, {Prune, "to prune"}, {Check, "to look at"}, {Conflict, "that can't be done"},
}

// Summary counts what would be done, such as: 2 to create, 1 to prune, 14 in line.
func (p Plan) Summary() string {
	counts := p.Counts()
	var parts []string
	for _, c := range counted {
		if n := counts[c.action]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, c.text))
		}
	}
	if n := len(p.Hooks); n > 0 {
		parts = append(parts, count(n, "hook to run", "hooks to run"))
	}
	if p.Unchanged > 0 || len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("%d in line", p.Unchanged))
	}
	if n := len(p.Problems); n > 0 {
		parts = append(parts, fmt.Sprintf("%d unknown", n))
	}
	return strings.Join(parts, ", ")
}
