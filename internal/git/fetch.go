package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"plumb.dev/plumb/internal/gitobject"
)

// Result is what is known of one ref after a look.
type Result struct {
	// Name is the ref's full name, such as refs/heads/main; of a commit it is empty.
	Name string
	// Commit is the newest one that was fetched, whatever Err says; its ID is
	// empty if none ever was.
	Commit gitobject.Commit
	// Err is what is wrong with this ref alone.
	Err error
}

// Fetch brings the mirror up to date with what the refs are in the repository,
// and says what they are. The error is one of the whole repository; what is
// wrong with one ref doesn't touch the others. Nothing is fetched that is there
// already, and nothing but what is wanted.
func (m *Mirror) Fetch(ctx context.Context, c Credentials, refs []Ref) (map[Ref]Result, error) {
	if err := m.allowed(c); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	leave, err := m.program.enter(ctx, m.failing)
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, m.program.options.Timeout)
	defer cancel()
	results, err := m.fetch(ctx, c, refs)
	if m.mendable(err) && m.mayMend() {
		if err = m.create(ctx, "sha1"); err == nil {
			m.remote = remote{}
			results, err = m.fetch(ctx, c, refs)
		}
	}
	if errors.Is(err, errCorrupt) {
		err = &Error{URL: m.url.String(), Kind: ErrServer, Detail: said(err), Hint: "the repository seems damaged: run git fsck where it is"}
	}
	if m.failing = err != nil; m.failing {
		m.remote.listed = false // so that the next look begins with a short question
	}
	return results, err
}

// enter waits for a place among the transfers and returns how to leave it.
func (p *Program) enter(ctx context.Context, failing bool) (leave func(), err error) {
	places := []chan struct{}{p.transfers}
	if failing {
		places = []chan struct{}{p.doubtful, p.transfers}
	}
	leave = func() {}
	for _, place := range places {
		select {
		case place <- struct{}{}:
		case <-ctx.Done():
			leave()
			return nil, ctx.Err()
		}
		before := leave
		leave = func() {
			<-place
			before()
		}
	}
	return leave, nil
}

// allowed turns down what must not reach a program.
func (m *Mirror) allowed(c Credentials) error {
	if allow := m.program.options.AllowLocal; m.url.Local() && (allow == nil || !allow(m.url.Path)) {
		return &Error{URL: m.url.String(), Kind: ErrURL, Hint: "repositories of this machine can't be used here"}
	}
	if err := c.check(); err != nil {
		return &Error{URL: m.url.String(), Kind: ErrWrongCredentials, Detail: err.Error(), Hint: hint(m.url, ErrWrongCredentials)}
	}
	return nil
}

// mendable says whether the mirror is what is wrong, and not the repository.
func (m *Mirror) mendable(err error) bool {
	return errors.Is(err, errCorrupt) || err == nil && m.suspect.Load()
}

// fetch is one try, with mu held.
func (m *Mirror) fetch(ctx context.Context, c Credentials, refs []Ref) (map[Ref]Result, error) {
	if err := m.prepare(ctx); err != nil {
		return nil, err
	}
	t, err := m.connect(c)
	if err != nil {
		return nil, err
	}
	defer t.close()
	t.results = map[Ref]Result{}
	var wanted, commits []Ref
	for _, r := range refs {
		switch err := r.check(); {
		case err != nil:
			t.results[r] = Result{Err: &Error{URL: m.url.String(), Kind: ErrNoRef, Detail: err.Error()}}
		case r.Commit != "":
			commits = append(commits, r)
		default:
			wanted = append(wanted, r)
		}
	}
	if err := t.moving(ctx, wanted); err != nil {
		return nil, err
	}
	for _, r := range commits {
		if err := t.fixed(ctx, r); err != nil {
			return nil, err
		}
	}
	m.touch()
	return t.results, m.resolve(t.results, refs)
}

// moving fetches branches and tags. Where all of them were there at the last
// look this is one run of the program; to know what is there takes another.
func (t *transfer) moving(ctx context.Context, refs []Ref) error {
	if len(refs) == 0 {
		return nil
	}
	there := refs
	if !t.m.remote.listed || len(t.m.remote.absent) > 0 {
		var err error
		if there, err = t.list(ctx, refs); err != nil {
			return err
		}
	}
	err := t.pull(ctx, there)
	if errors.Is(err, errMissingRef) {
		if there, err = t.list(ctx, refs); err == nil {
			err = t.pull(ctx, there)
		}
	}
	if err != nil || !t.headMoved(there) {
		return err
	}
	_, err = t.list(ctx, refs)
	return err
}

// headMoved says whether the default branch isn't any more what it was: it is
// fetched under both names.
func (t *transfer) headMoved(refs []Ref) bool {
	for _, r := range refs {
		if r == (Ref{}) && t.m.remote.head != "" {
			byHead, err := t.m.named(Ref{})
			byName, err2 := t.m.named(Ref{Branch: t.m.remote.head})
			return err == nil && (err2 != nil || byHead.id != byName.id)
		}
	}
	return false
}

// list asks which of the refs are there, and notes what is wrong with the others.
func (t *transfer) list(ctx context.Context, refs []Ref) ([]Ref, error) {
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(ctx, 2*t.m.program.options.Stall)
	defer cancel()
	c := command{args: []string{"ls-remote", "--symref", "--quiet"}, stdout: &limited{to: &out, left: maxListing}, config: advertised}
	if err := t.run(ctx, c); err != nil {
		return nil, err
	}
	l := parseListing(out.Bytes())
	t.m.remote.listed, t.m.remote.head, t.m.remote.absent = true, "", map[Ref]bool{}
	t.m.remote.few = l.total <= few
	if l.refs["refs/heads/"+l.head] && !badName.MatchString(l.head) {
		t.m.remote.head = l.head
	}
	var there []Ref
	for _, r := range refs {
		if l.has(r) {
			there = append(there, r)
			continue
		}
		t.m.remote.absent[r] = true
		t.results[r] = Result{Err: l.missing(t.m.url, r)}
	}
	return there, nil
}

// pull fetches refs that are there.
func (t *transfer) pull(ctx context.Context, refs []Ref) error {
	if len(refs) == 0 {
		return nil
	}
	var specs strings.Builder
	for _, r := range refs {
		fmt.Fprintln(&specs, r.refspec())
		if head := (Ref{Branch: t.m.remote.head}); r == (Ref{}) && head != r {
			fmt.Fprintln(&specs, head.refspec())
		}
	}
	c := fetchCommand(specs.String())
	if t.m.remote.few {
		c.config = advertised
	}
	return t.run(ctx, c)
}

// advertised makes a server begin with a list of all it has, as Git's first
// protocol does. The second has it asked for what is wanted, which takes a round
// trip more and pays only where there is much.
var advertised = []setting{{"protocol.version", "0"}}

// few is how many refs a server may list without being asked to: some 60 KB.
const few = 1000

func fetchCommand(specs string, options ...string) command {
	args := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance", "--stdin"}
	return command{args: append(args, options...), stdin: specs}
}

// fixed fetches a commit. It never changes, so it is fetched once.
func (t *transfer) fixed(ctx context.Context, r Ref) error {
	if _, err := t.m.named(r); err == nil {
		return nil
	}
	err := t.run(ctx, fetchCommand(r.refspec()))
	if errors.Is(err, errUnadvertised) {
		err = t.search(ctx, r)
	}
	if errors.Is(err, errNotOurRef) || errors.Is(err, errMissingRef) {
		hint := "push it, or name another; a commit that no branch or tag reaches may be gone for good"
		t.results[r] = Result{Err: &Error{URL: t.m.url.String(), Kind: ErrNoRef, Detail: r.String(), Hint: hint}}
		return nil
	}
	return err
}

// search looks for a commit on a server that won't serve it by id: it fetches
// all branches and tags.
func (t *transfer) search(ctx context.Context, r Ref) error {
	everything := fmt.Sprintf("+refs/heads/*:%[1]sheads/*\n+refs/tags/*:%[1]stags/*\n", ownSearch)
	if err := t.run(ctx, fetchCommand(everything, "--prune")); err != nil {
		return err
	}
	err := t.m.program.run(ctx, command{dir: t.m.dir, args: []string{"update-ref", r.local(), r.Commit}})
	if err != nil {
		return errNotOurRef
	}
	return nil
}

// resolve fills in the commits, as they are in the mirror now.
func (m *Mirror) resolve(results map[Ref]Result, refs []Ref) error {
	for _, r := range refs {
		result := results[r]
		if r.check() == nil {
			c, err := m.commitOf(r)
			if result.Commit, result.Name = c, m.fullName(r); err != nil && result.Err == nil {
				result.Err = err
			}
		}
		if errors.Is(result.Err, errCorrupt) {
			return result.Err
		}
		results[r] = result
	}
	return nil
}

// Resolve says what the refs were when they were last fetched, by this run of
// Plumb or an earlier one, without asking the repository.
func (m *Mirror) Resolve(refs []Ref) map[Ref]Result {
	m.mu.Lock()
	defer m.mu.Unlock()
	results := map[Ref]Result{}
	if m.whole() {
		_ = m.resolve(results, refs) // damage is for Fetch to mend
	}
	return results
}

func (m *Mirror) fullName(r Ref) string {
	switch {
	case r.Commit != "":
		return ""
	case r == Ref{} && m.remote.head != "":
		return "refs/heads/" + m.remote.head
	}
	return r.remote()
}

// maxListing bounds the list of a repository's refs.
const maxListing = 64 << 20

// limited is a writer that fails when too much is written.
type limited struct {
	to   io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errors.New("git has too much to say")
	}
	return l.to.Write(p)
}
