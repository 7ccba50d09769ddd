package tree

// Lookup is what lies at a path itself: no link is followed, neither at its end
// nor on the way.
func (t Tree) Lookup(path string) (e Entry, found bool, err error) {
	if err := refuse(path); err != nil {
		return Entry{}, false, err
	}
	if other, _, rest, is := t.mounted(path); is {
		return other.Lookup(rest)
	}
	p := probe{tree: t, folders: map[string]Entry{"": {Mode: Folder, ID: t.root}}}
	return p.entry(path)
}
