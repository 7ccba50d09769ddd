package source

import (
	"time"

	"plumb.dev/plumb/internal/tree"
)

// Follows keeps who follows which Ref, where each stands, and what everyone was
// made from; so it tells whom a change meets at the cost of the change. Make
// one with NewFollows. It is used by one at a time.
type Follows struct {
	root  Ref // followed though nobody is made from it
	every time.Duration
	refs  map[string]Ref
	by    map[Ref]*followers
	heads map[Ref]Head
}

// followers are those of one Ref.
type followers struct {
	every  map[string]time.Duration
	inputs tree.Index
}

// NewFollows is followed by nobody but the root, which is looked at every so often.
func NewFollows(root Ref, every time.Duration) *Follows {
	return &Follows{root: root, every: every, refs: map[string]Ref{}, by: map[Ref]*followers{}, heads: map[Ref]Head{}}
}

// Set makes someone follow a Ref, looked at every so often, and nothing else.
// What it was made from is forgotten. The Head is zero while nothing is known.
func (f *Follows) Set(who string, r Ref, every time.Duration) Head {
	f.Leave(who)
	if f.by[r] == nil {
		f.by[r] = &followers{every: map[string]time.Duration{}}
	}
	f.refs[who], f.by[r].every[who] = r, every
	return f.heads[r]
}

// Leave ends that someone follows anything.
func (f *Follows) Leave(who string) {
	if at := f.of(who); at != nil {
		delete(at.every, who)
		at.inputs.Remove(who)
	}
	delete(f.refs, who)
}

// of are the followers among whom someone is, or nil.
func (f *Follows) of(who string) *followers {
	if r, some := f.refs[who]; some {
		return f.by[r]
	}
	return nil
}

// Made takes in what someone was made from.
func (f *Follows) Made(who string, from tree.Inputs) {
	if at := f.of(who); at != nil {
		at.inputs.Set(who, from)
	}
}

// Inputs are what someone was made from, as it was told last.
func (f *Follows) Inputs(who string) tree.Inputs {
	if at := f.of(who); at != nil {
		in, _ := at.inputs.Inputs(who)
		return in
	}
	return tree.Inputs{}
}

// Wanted is what to follow, and how often to look at it. What nobody follows
// any more is forgotten: it may be long out of date when it is wanted again.
func (f *Follows) Wanted() map[Ref]time.Duration {
	wanted := map[Ref]time.Duration{f.root: f.every}
	for r, at := range f.by {
		for _, every := range at.every {
			if least, ok := wanted[r]; !ok || every < least {
				wanted[r] = every
			}
		}
		if len(at.every) == 0 {
			delete(f.by, r)
			if r != f.root {
				delete(f.heads, r)
			}
		}
	}
	return wanted
}

// Move is a Ref that moved, and whom that meets.
type Move struct {
	Before string // the commit that was known before; empty where none was

	at       *followers
	met      map[string]bool
	complete bool
}

// Moved takes in how a Ref stands now, and the paths that differ from what was
// told before; complete is false where these aren't known. What nobody wants is
// left alone.
func (f *Follows) Moved(h Head, changes []tree.Change, complete bool) Move {
	at := f.by[h.Ref]
	if at == nil && h.Ref != f.root {
		return Move{}
	}
	m := Move{Before: f.heads[h.Ref].Revision.Commit, at: at, complete: complete, met: map[string]bool{}}
	f.heads[h.Ref] = h
	if at != nil && complete {
		for _, who := range at.inputs.Affected(changes) {
			m.met[who] = true
		}
	}
	return m
}

// Followers goes through those who follow the Ref, and says of each whether the
// change may meet what it was made from.
func (m Move) Followers(yield func(who string, met bool) bool) {
	if m.at == nil {
		return
	}
	for who := range m.at.every {
		if !yield(who, !m.complete || m.met[who]) {
			return
		}
	}
}
