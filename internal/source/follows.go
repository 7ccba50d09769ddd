package source

import (
	"maps"
	"slices"
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
	extra map[string]map[string]Ref // by who, and the name under which it is mounted
	made  map[string]tree.Inputs    // of those who read more than one
	by    map[Ref]*followers
	heads map[Ref]Head
}

// followers are those of one Ref.
type followers struct {
	every  map[string]time.Duration
	beside map[beside]time.Duration
	inputs tree.Index
}

// beside is who reads a Ref beside its own, and under which name.
type beside struct{ who, mount string }

// key is a name that nobody has who follows a Ref as its own.
func (b beside) key() string { return b.who + "\x00" + b.mount }

// NewFollows is followed by nobody but the root, which is looked at every so often.
func NewFollows(root Ref, every time.Duration) *Follows {
	return &Follows{root: root, every: every, refs: map[string]Ref{}, extra: map[string]map[string]Ref{}, made: map[string]tree.Inputs{}, by: map[Ref]*followers{}, heads: map[Ref]Head{}}
}

// Set makes someone follow a Ref, looked at every so often, and nothing else.
// What it was made from is forgotten. The Head is zero while nothing is known.
func (f *Follows) Set(who string, r Ref, every time.Duration) Head {
	f.Leave(who)
	at := f.followersOf(r)
	f.refs[who], at.every[who] = r, every
	return f.heads[r]
}

// Beside makes someone read these Refs beside its own, and no others, by the
// names under which they are mounted. It returns what is known of each;
// while nothing is, a Head has its Ref alone.
func (f *Follows) Beside(who string, refs map[string]Ref, every time.Duration) map[string]Head {
	f.leaveBeside(who, refs)
	heads := make(map[string]Head, len(refs))
	for mount, r := range refs {
		f.followersOf(r).beside[beside{who, mount}] = every
		heads[mount] = f.heads[r]
		if heads[mount].Ref == (Ref{}) {
			heads[mount] = Head{Ref: r}
		}
	}
	if len(refs) > 0 {
		f.extra[who] = maps.Clone(refs)
	}
	return heads
}

// leaveBeside ends that someone reads Refs beside its own, but for some.
func (f *Follows) leaveBeside(who string, but map[string]Ref) {
	for mount, r := range f.extra[who] {
		if stays, is := but[mount]; is && stays == r {
			continue
		}
		one := beside{who, mount}
		delete(f.by[r].beside, one)
		f.by[r].inputs.Remove(one.key())
	}
	delete(f.extra, who)
}

func (f *Follows) followersOf(r Ref) *followers {
	if f.by[r] == nil {
		f.by[r] = &followers{every: map[string]time.Duration{}, beside: map[beside]time.Duration{}}
	}
	return f.by[r]
}

// Leave ends that someone follows anything.
func (f *Follows) Leave(who string) {
	if at := f.of(who); at != nil {
		delete(at.every, who)
		at.inputs.Remove(who)
	}
	f.leaveBeside(who, nil)
	delete(f.refs, who)
	delete(f.made, who)
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
	at := f.of(who)
	if at == nil {
		return
	}
	delete(f.made, who)
	extra := f.extra[who]
	if len(extra) == 0 {
		at.inputs.Set(who, from)
		return
	}
	own, others := from.Split(slices.Collect(maps.Keys(extra))...)
	at.inputs.Set(who, own)
	f.made[who] = from
	for mount, r := range extra {
		f.by[r].inputs.Set(beside{who, mount}.key(), others[mount])
	}
}

// Inputs are what someone was made from, as it was told last.
func (f *Follows) Inputs(who string) tree.Inputs {
	if in, of := f.made[who]; of {
		return in
	}
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
	want := func(r Ref, every time.Duration) {
		if least, ok := wanted[r]; !ok || every < least {
			wanted[r] = every
		}
	}
	for r, at := range f.by {
		for _, every := range at.every {
			want(r, every)
		}
		for _, every := range at.beside {
			want(r, every)
		}
		if len(at.every)+len(at.beside) == 0 {
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

// Reader is someone who reads a Ref beside its own.
type Reader struct {
	Who, Mount string
	Met        bool // the change may meet what it was made from
}

// Beside goes through those who read the Ref beside their own.
func (m Move) Beside(yield func(Reader) bool) {
	if m.at == nil {
		return
	}
	for b := range m.at.beside {
		if !yield(Reader{b.who, b.mount, !m.complete || m.met[b.key()]}) {
			return
		}
	}
}
