package git

import (
	"errors"
	"fmt"

	"plumb.dev/plumb/internal/gitobject"
	"plumb.dev/plumb/internal/tree"
)

const (
	// maxFolder and maxCommit bound single objects of those kinds.
	maxFolder = 64 << 20
	maxCommit = 16 << 20
)

// Commit reads a commit that was fetched.
func (m *Mirror) Commit(id string) (gitobject.Commit, error) {
	if !gitobject.IsID(id) {
		return gitobject.Commit{}, &Error{URL: m.url.String(), Kind: ErrNoRef, Detail: fmt.Sprintf("commit %q is not a full commit id", id)}
	}
	var c gitobject.Commit
	err := m.objects.use(func(r *reader) (err error) {
		c, err = readCommit(r, id)
		return err
	})
	if errors.Is(err, errMissing) || err != nil && !m.whole() {
		err = &Error{URL: m.url.String(), Kind: ErrNoRef, Detail: "commit " + id, Hint: "it hasn't been fetched, or isn't kept any more"}
	}
	return c, err
}

// Tree opens a commit that was fetched.
func (m *Mirror) Tree(commit string) (tree.Tree, error) {
	c, err := m.Commit(commit)
	if err != nil {
		return tree.Tree{}, err
	}
	return tree.New(m, c.Tree), nil
}

// Diff lists the paths that differ between two commits that were fetched.
func (m *Mirror) Diff(from, to string) ([]tree.Change, error) {
	before, err := m.Tree(from)
	if err != nil {
		return nil, err
	}
	after, err := m.Tree(to)
	if err != nil {
		return nil, err
	}
	return tree.Diff(before, after)
}

// named looks one of the mirror's own refs up.
func (m *Mirror) named(ref Ref) (object, error) {
	var o object
	err := m.objects.use(func(r *reader) (err error) {
		o, err = r.info(ref.local() + "^{commit}")
		return err
	})
	return o, err
}

// commitOf reads what one of the mirror's own refs points to.
func (m *Mirror) commitOf(ref Ref) (gitobject.Commit, error) {
	var c gitobject.Commit
	err := m.objects.use(func(r *reader) error {
		o, err := r.info(ref.local() + "^{commit}")
		if err != nil {
			return err
		}
		c, err = readCommit(r, o.id)
		return err
	})
	switch {
	case errors.Is(err, errMissing):
		return c, &Error{URL: m.url.String(), Kind: ErrNoRef, Detail: ref.String(), Hint: "it doesn't point to a commit"}
	case err != nil && kindOf(m.url, err) == errCorrupt:
		return c, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return c, err
}

func readCommit(r *reader, id string) (gitobject.Commit, error) {
	o, err := r.info(id)
	if err != nil {
		return gitobject.Commit{}, err
	}
	if o.kind != "commit" || o.size > maxCommit {
		return gitobject.Commit{}, fmt.Errorf("%s is a %s of %d bytes, not a commit", id, o.kind, o.size)
	}
	content, err := r.contents(o)
	if err != nil {
		return gitobject.Commit{}, err
	}
	return gitobject.ParseCommit(o.id, content)
}

// Folder implements tree.Store.
func (m *Mirror) Folder(id string) ([]tree.Entry, error) {
	if entries, ok := m.folders.get(id); ok {
		return entries, nil
	}
	content, err := m.read(id, "tree", maxFolder)
	if err != nil {
		return nil, err
	}
	entries, err := gitobject.ParseFolder(content, len(id)/2)
	if err != nil {
		return nil, fmt.Errorf("%s: folder %s: %w", m.url, id, err)
	}
	m.folders.put(id, entries)
	return entries, nil
}

// Blob implements tree.Store. A blob that is too large is never read.
func (m *Mirror) Blob(id string, limit int64) ([]byte, error) {
	return m.read(id, "blob", limit)
}

// read reads an object that something in the mirror points to, and so must be there.
func (m *Mirror) read(id, kind string, limit int64) ([]byte, error) {
	var content []byte
	err := m.objects.use(func(r *reader) error {
		o, err := r.info(id)
		switch {
		case err != nil:
			return err
		case o.kind != kind:
			return fmt.Errorf("%s: object %s is a %s, not a %s", m.url, id, o.kind, kind)
		case o.size > limit:
			return fmt.Errorf("%w: %d bytes", tree.ErrTooLarge, o.size)
		}
		content, err = r.contents(o)
		return err
	})
	var died *failure
	if errors.Is(err, errMissing) || errors.As(err, &died) {
		m.suspectDamage()
		return nil, fmt.Errorf("%s: %s %s can't be read (%w); the mirror is fetched anew", m.url, kind, id, err)
	}
	return content, err
}
