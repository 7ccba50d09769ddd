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
	tip, branch, err := a.tip(ctx)
	if err != nil {
		return Done{}, err
	}
	edit, err := a.request.Edit(ctx, tip)
	if err != nil {
		return Done{}, err
	}
	id, files, err := a.make(ctx, tip, edit)
	if err != nil {
		return Done{}, fmt.Errorf("%s: %w", a.url, err)
	}
	done := Done{Commit: id, Parent: tip.Commit, Branch: branch, Files: files}
	credentials, err := a.writer.options.Write(a.url)
	if err != nil {
		return Done{}, err
	}
	if done.Said, err = a.mirror.Push(ctx, credentials, id, branch); err != nil {
		err = a.arrived(ctx, id, branch, err)
	}
	if err != nil {
		return Done{}, err
	}
	return done, nil
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

// make writes the commit into the mirror.
func (a attempt) make(ctx context.Context, tip Tip, edit Edit) (id string, changed []string, err error) {
	if len(edit.Files) == 0 {
		return "", nil, ErrNothing
	}
	if err := edit.check(); err != nil {
		return "", nil, err
	}
	w := rewrite{format: gitobject.FormatOf(tip.Commit), read: a.mirror.Lines}
	root, err := w.folder("", tip.Tree.Root(), planted(edit.Files))
	switch {
	case err != nil:
		return "", nil, err
	case root == tip.Tree.Root():
		return "", nil, ErrNothing
	case root == "":
		return "", nil, refusef("nothing would be left in the repository")
	}
	commit, err := a.signed(gitobject.Draft{
		Tree: root, Parents: []string{tip.Commit}, Author: a.writer.options.Author, Committer: a.writer.options.Committer,
		Time: a.writer.options.Now(), Message: edit.Message,
	})
	if err != nil {
		return "", nil, err
	}
	id = w.add(gitobject.KindCommit, commit)
	slices.Sort(w.changed)
	return id, w.changed, a.mirror.Write(ctx, w.format, w.objects)
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
func (a attempt) arrived(ctx context.Context, id, branch string, cause error) error {
	for _, clear := range []error{git.ErrRaced, git.ErrRejected, git.ErrReadOnly, git.ErrWrongCredentials, git.ErrNeedsCredentials, git.ErrMoved} {
		if errors.Is(cause, clear) {
			return cause
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: the push of %s to %q was interrupted: %w", a.url, id, branch, cause)
	}
	credentials, err := a.writer.options.Read(a.url)
	if err != nil {
		return errors.Join(cause, err)
	}
	ref := git.Ref{Branch: branch}
	results, err := a.mirror.Fetch(ctx, credentials, []git.Ref{ref})
	if err != nil {
		return fmt.Errorf("%w; whether commit %s arrived on %q isn't known: look there before trying again", cause, id, branch)
	}
	if results[ref].Err != nil {
		return cause
	}
	if there, err := a.mirror.Contains(ctx, results[ref].Commit.ID, id); err != nil || !there {
		return cause
	}
	return nil
}
