package git

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"plumb.dev/plumb/internal/gitobject"
)

// Lines reads a folder that something in the mirror points to, with the modes
// as they were written.
func (m *Mirror) Lines(id string) ([]gitobject.Line, error) {
	content, err := m.read(id, string(gitobject.KindTree), maxFolder)
	if err != nil {
		return nil, err
	}
	return gitobject.ParseLines(content, len(id)/2)
}

// Write puts objects into the mirror. Nothing points to them: unless they are
// pushed, and fetched with their branch, tidying removes them after a day.
func (m *Mirror) Write(ctx context.Context, f gitobject.Format, objects []gitobject.Object) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := command{dir: m.dir, args: []string{"unpack-objects", "-q"}, stdin: string(gitobject.Pack(f, objects))}
	if err := m.program.run(ctx, c); err != nil {
		return m.trouble("write a commit", err)
	}
	return nil
}

// Push makes a branch of the repository point to a commit that is in the mirror
// and descends from what the branch is; a branch that isn't there comes to be.
// It is never forced: where someone else was first it fails with ErrRaced. What
// the server has to say comes back in either case, safe to be shown.
func (m *Mirror) Push(ctx context.Context, c Credentials, commit, branch string) (words string, err error) {
	to := Ref{Branch: branch}
	if err := to.check(); err != nil || branch == "" || !gitobject.IsID(commit) {
		return "", &Error{URL: m.url.String(), Kind: ErrNoRef, Detail: fmt.Sprintf("commit %q can't be pushed to branch %q", commit, branch)}
	}
	if err := m.allowed(c); err != nil {
		return "", err
	}
	leave, err := m.program.enter(ctx, false)
	if err != nil {
		return "", err
	}
	defer leave()
	m.mu.Lock() // for what connect reads; fetching goes on while this pushes
	t, err := m.connect(c)
	m.mu.Unlock()
	if err != nil {
		return "", err
	}
	defer t.close()
	ctx, cancel := context.WithTimeout(ctx, m.program.options.Timeout)
	defer cancel()
	report, stderr := &bounded{max: maxStderr}, ""
	err = t.once(ctx, command{
		args:   []string{"push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no"},
		after:  []string{commit + ":" + to.remote()},
		config: wholly,
		stdout: report, said: &stderr,
	})
	words = spoken(stderr)
	if err == nil || context.Cause(ctx) == context.Canceled {
		return words, err
	}
	return words, t.refusal(report.String(), words, err)
}

// wholly has a push over HTTP sent in one piece with its length, as long as it
// is of the size of an edit: not every proxy takes one that comes in chunks.
var wholly = []setting{{"http.postBuffer", "32m"}}

// refusal explains a push that did not come to be.
func (t *transfer) refusal(report, words string, err error) error {
	e := &Error{URL: t.m.url.String()}
	if reason := rejection(report); reason != "" {
		e.Kind, e.Detail = ErrRejected, firstNonEmpty(words, reason)
		if lostRace.MatchString(reason) && !neverThere.MatchString(reason+words) {
			e.Kind, e.Detail = ErrRaced, reason
		}
		e.Hint = hint(t.m.url, e.Kind)
		return e
	}
	var f *failure
	switch kind := kindOf(t.m.url, err); {
	case kind == errCorrupt:
		e.Kind, e.Detail = ErrRaced, "its mirror was made anew meanwhile"
	case errors.As(err, &f) && mayNotPush.MatchString(f.stderr) && t.creds.identify(t.m.url.Scheme):
		e.Kind, e.Detail = ErrReadOnly, firstNonEmpty(words, said(err))
	default:
		explained := explain(t.m.url, t.creds, err)
		if errors.As(explained, &e) && (e.Kind == ErrWrongCredentials || e.Kind == ErrNeedsCredentials) {
			e.Hint = hint(t.m.url, ErrReadOnly)
		}
		return explained
	}
	e.Hint = hint(t.m.url, e.Kind)
	return e
}

var (
	// lostRace is how clients and servers say that the branch isn't any more
	// what it was when the push began.
	lostRace = regexp.MustCompile(`non-fast-forward|fetch first|stale info|cannot lock ref|failed to (update|lock) ref|failed to lock|` +
		`incorrect old value|reference already exists|needs force`)
	// neverThere is a branch that can't be, since the name of another begins it.
	neverThere = regexp.MustCompile(`exists; cannot create`)
	// mayNotPush is how servers tell an account that may read and nothing else.
	mayNotPush = regexp.MustCompile(`returned error: 403\b|(?i)read[- ]only|not (allowed|authorized|permitted) to push|write access|` +
		`permission (to \S+ )?denied (to|for)|service not enabled`)
)

// rejection is why a push was refused, by what git push --porcelain prints:
// a flag, the refs and a summary for each ref.
func rejection(report string) string {
	for line := range strings.Lines(report) {
		fields := strings.SplitN(strings.TrimSpace(line), "\t", 3)
		if len(fields) == 3 && fields[0] == "!" {
			return gitobject.Printable(fields[2], 300)
		}
	}
	return ""
}

// spoken is what the server said to whoever pushed, on one line. Anything may
// stand there, so nothing of it gets through but words.
func spoken(stderr string) string {
	const most, longest = 12, 800
	var lines []string
	for line := range strings.Lines(colours.ReplaceAllString(stderr, "")) {
		word, fromServer := strings.CutPrefix(strings.TrimSpace(line), "remote:")
		if !fromServer {
			word, fromServer = strings.CutPrefix(line, "ERROR: ")
		}
		word = strings.Join(strings.Fields(strings.Map(shown, gitobject.Printable(word, longest))), " ")
		if fromServer && strings.ContainsFunc(word, unicode.IsLetter) && len(lines) < most {
			lines = append(lines, strings.TrimPrefix(word, "error: "))
		}
	}
	return gitobject.Printable(strings.Join(lines, "; "), longest)
}

var colours = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

// shown leaves out what is invisible, or turns the direction of what follows.
func shown(r rune) rune {
	if unicode.IsSpace(r) {
		return ' '
	}
	if !unicode.IsPrint(r) {
		return -1
	}
	return r
}
