package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/git"
	"plumb.dev/plumb/internal/gitobject"
)

// attempt is what a request's tries have in common.
type attempt struct {
	writer  *Writer
	request Request
	url     git.URL
	mirror  *git.Mirror
}

// run is one try, on what is the newest commit now.
func (a attempt) run(ctx context.Context) (Done, error) {
	done, objects, err := a.make(ctx)
	if err != nil {
		return done, err
	}
	if err := a.mirror.Write(ctx, gitobject.FormatOf(done.Commit), objects); err != nil {
		return Done{}, err
	}
	credentials, err := a.writer.options.Write(a.url)
	if err != nil {
		return Done{}, err
	}
	if done.Said, err = a.mirror.Push(ctx, credentials, done.Commit, done.Branch); err != nil {
		err = a.arrived(ctx, done, err)
	}
	if err != nil {
		return Done{}, err
	}
	return done, nil
}

// make makes the commit, and all that is new in it, without writing anything.
// Where there is nothing to change it tells of the branch all the same.
func (a attempt) make(ctx context.Context) (Done, []gitobject.Object, error) {
	tip, branch, err := a.tip(ctx)
	if err != nil {
		return Done{}, nil, err
	}
	edit, err := a.request.Edit(ctx, tip)
	if err != nil {
		return Done{}, nil, err
	}
	done := Done{Parent: tip.Commit, Branch: branch}
	w := rewrite{format: gitobject.FormatOf(tip.Commit), read: a.mirror.Lines}
	root, err := w.root(tip, edit)
	if err != nil {
		return done, nil, fmt.Errorf("%s: %w", a.url, err)
	}
	commit, err := a.signed(gitobject.Draft{
		Tree: root, Parents: []string{tip.Commit}, Author: a.writer.options.Author, Committer: a.writer.options.Committer,
		Time: a.writer.options.Now(), Message: edit.Message,
	})
	if err != nil {
		return Done{}, nil, err
	}
	done.Commit, done.Files = w.add(gitobject.KindCommit, commit), slices.Sorted(slices.Values(w.changed))
	return done, w.objects, nil
}

// tip is the newest commit of the branch, and the branch's name.
func (a attempt) tip(ctx context.Context) (Tip, string, error) {
	credentials, err := a.writer.options.Read(a.url)
	if err != nil {
		return Tip{}, "", err
	}
	to := git.Ref{Branch: a.request.Branch}
	refs := []git.Ref{to}
	if a.request.From != nil {
		refs = append(refs, *a.request.From)
	}
	results, err := a.mirror.Fetch(ctx, credentials, refs)
	if err != nil {
		return Tip{}, "", err
	}
	result := results[to]
	if errors.Is(result.Err, git.ErrNoRef) && a.request.From != nil && a.request.Branch != "" {
		result = results[*a.request.From]
		result.Name = "refs/heads/" + a.request.Branch
	}
	if result.Err != nil {
		return Tip{}, "", result.Err
	}
	branch, ok := strings.CutPrefix(result.Name, "refs/heads/")
	if !ok {
		return Tip{}, "", fmt.Errorf("%s: %w: its default branch has no name", a.url, ErrRefused)
	}
	files, err := a.mirror.Tree(result.Commit.ID)
	return Tip{Commit: result.Commit.ID, Tree: files}, branch, err
}

// signed encodes the commit, signed if it is to be.
func (a attempt) signed(d gitobject.Draft) ([]byte, error) {
	plain, err := d.Encode()
	if err != nil || a.writer.options.Signer == nil {
		return plain, err
	}
	if d.Signature, err = a.writer.options.Signer.Sign(plain, d.Time); err != nil {
		return nil, err
	}
	return d.Encode()
}

// arrived looks whether a push arrived whose end wasn't heard of. It returns the
// push's error if it did not, and what is to be said where nobody knows.
func (a attempt) arrived(ctx context.Context, done Done, cause error) error {
	for _, clear := range []error{git.ErrRaced, git.ErrRejected, git.ErrReadOnly, git.ErrWrongCredentials, git.ErrNeedsCredentials, git.ErrMoved} {
		if errors.Is(cause, clear) {
			return cause
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: the push of %s to %q was interrupted: %w", a.url, done.Commit, done.Branch, cause)
	}
	credentials, err := a.writer.options.Read(a.url)
	if err != nil {
		return errors.Join(cause, err)
	}
	ref := git.Ref{Branch: done.Branch}
	results, err := a.mirror.Fetch(ctx, credentials, []git.Ref{ref})
	if err != nil {
		return fmt.Errorf("%w; whether commit %s arrived on %q isn't known: look there before trying again", cause, done.Commit, done.Branch)
	}
	if results[ref].Err != nil {
		return cause
	}
	if there, err := a.mirror.Contains(ctx, results[ref].Commit.ID, done.Commit); err != nil || !there {
		return cause
	}
	return nil
}
