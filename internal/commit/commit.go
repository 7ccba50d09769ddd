package commit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/gitobject"
)

// Options say how commits are made. Mirror is required.
type Options struct {
	// Mirror finds the mirror of a repository by its URL.
	Mirror func(url string) (*git.Mirror, error)
	// Read and Write are what opens a repository for fetching and for pushing;
	// nil, and an answer without any, mean that it is open to all.
	Read, Write func(git.URL) (git.Credentials, error)
	// Author is who commits, such as "Plumb <plumb@example.com>", and Committer
	// who is named as having brought it in, if that is someone else.
	Author, Committer gitobject.Person
	// Signer signs every commit; nil signs none.
	Signer Signer
	// Now and Jitter are the time, and a number from 0 up to 1. They are there
	// for tests.
	Now    func() time.Time
	Jitter func() float64
}

// Writer commits to repositories. It is safe for concurrent use.
type Writer struct {
	options Options

	mu    sync.Mutex
	turns map[string]chan struct{} // by URL: who holds one writes
}

// New makes a writer. An error says what is wrong with the options.
func New(o Options) (*Writer, error) {
	none := func(git.URL) (git.Credentials, error) { return git.Credentials{}, nil }
	if o.Read == nil {
		o.Read = none
	}
	if o.Write == nil {
		o.Write = o.Read
	}
	if o.Author == (gitobject.Person{}) {
		o.Author = gitobject.Person{Name: "Plumb", Email: "plumb@localhost"}
	}
	if o.Committer == (gitobject.Person{}) {
		o.Committer = o.Author
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		//lint:ignore forbidden it spreads tries over time and guards nothing
		o.Jitter = rand.Float64
	}
	if o.Mirror == nil {
		return nil, errors.New("commit: no mirrors are given")
	}
	if err := errors.Join(o.Author.Check(), o.Committer.Check()); err != nil {
		return nil, fmt.Errorf("the author of commits: %w", err)
	}
	if k, ok := o.Signer.(KeyFile); ok {
		if err := k.Check(); err != nil {
			return nil, err
		}
	}
	return &Writer{options: o, turns: map[string]chan struct{}{}}, nil
}

// Request is a commit that someone wants.
type Request struct {
	// URL is the repository's.
	URL string
	// Branch is where the commit goes; empty is the default branch.
	Branch string
	// From is where Branch begins if it isn't there yet; nil is nowhere, so that
	// it must be there.
	From *git.Ref
	// Edit says what to change.
	Edit Editor
}

// Done is a commit that was pushed.
type Done struct {
	Commit string
	Parent string
	Branch string
	// Files are the paths that changed, sorted.
	Files []string
	// Tries is how many commits were made until one arrived.
	Tries int
	// Said is what the server said, such as where to open a pull request.
	Said string
}

// tries bounds how often a lost race is run again.
const tries = 5

// Commit makes the commit on the newest commit of its branch and pushes it. Where
// someone else pushes first, it begins again. It fails with ErrNothing where
// there is nothing to change (Done has the branch and its tip then), with
// ErrRefused where the edit can't be made, and with a *git.Error where the
// repository doesn't take it.
func (w *Writer) Commit(ctx context.Context, r Request) (Done, error) {
	a, err := w.attempt(r)
	if err != nil {
		return Done{}, err
	}
	leave, err := w.turn(ctx, r.URL)
	if err != nil {
		return Done{}, err
	}
	defer leave()
	for n := 1; ; n++ {
		done, err := a.run(ctx)
		done.Tries = n
		if !errors.Is(err, git.ErrRaced) {
			return done, err
		}
		if n == tries {
			return Done{}, fmt.Errorf("%w (%d times in a row; nothing was changed)", err, tries)
		}
		if err := w.pause(ctx, n); err != nil {
			return Done{}, err
		}
	}
}

// Preview tells what Commit would do now, and pushes nothing. The commit has no
// name then.
func (w *Writer) Preview(ctx context.Context, r Request) (Done, error) {
	a, err := w.attempt(r)
	if err != nil {
		return Done{}, err
	}
	done, _, err := a.make(ctx)
	done.Commit = ""
	return done, err
}

func (w *Writer) attempt(r Request) (attempt, error) {
	u, err := git.ParseURL(r.URL)
	if err != nil {
		return attempt{}, err
	}
	if strings.HasPrefix(r.Branch, "refs/") {
		return attempt{}, refusef("branch %q: give its name without refs/heads/", r.Branch)
	}
	m, err := w.options.Mirror(r.URL)
	return attempt{writer: w, request: r, url: u, mirror: m}, err
}

// turn waits until nobody of this process writes to the repository, so that they
// don't lose races to each other.
func (w *Writer) turn(ctx context.Context, url string) (leave func(), err error) {
	w.mu.Lock()
	turn := w.turns[url]
	if turn == nil {
		turn = make(chan struct{}, 1)
		w.turns[url] = turn
	}
	w.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// pause waits before the next try: longer each time, and not as long as others do.
func (w *Writer) pause(ctx context.Context, lost int) error {
	const first = 100 * time.Millisecond
	whole := first << (lost - 1)
	timer := time.NewTimer(whole/2 + time.Duration(w.options.Jitter()*float64(whole)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
