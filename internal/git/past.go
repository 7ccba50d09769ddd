package git

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"plumb.dev/plumb/internal/gitobject"
)

// pastTime bounds a question about the past: a large history has no end.
const pastTime = time.Minute

// maxAnswer bounds what a question about the past may bring.
const maxAnswer = 16 << 20

// Contains says whether an ancestor is part of a commit's history, or is it.
func (m *Mirror) Contains(ctx context.Context, commit, ancestor string) (bool, error) {
	for _, id := range []string{commit, ancestor} {
		if _, err := m.Commit(id); err != nil {
			return false, err
		}
	}
	_, err := m.ask(ctx, command{args: []string{"merge-base", "--is-ancestor", ancestor, commit}})
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return false, nil
	}
	return err == nil, m.past("compare commits", err)
}

// Base is the newest commit that two others both have in their history, or
// empty where they have none in common.
func (m *Mirror) Base(ctx context.Context, one, other string) (string, error) {
	for _, id := range []string{one, other} {
		if _, err := m.Commit(id); err != nil {
			return "", err
		}
	}
	out, err := m.ask(ctx, command{args: []string{"merge-base", one, other}})
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return "", nil
	}
	return strings.TrimSpace(out), m.past("compare commits", err)
}

// Span selects commits: those in the history of To and not in that of From,
// the newest first. An empty From selects all there are; of Paths, one that is
// a folder stands for all in it, and none for everything.
type Span struct {
	From, To string
	Paths    []string
	Limit    int
}

// Log lists commits.
func (m *Mirror) Log(ctx context.Context, s Span) ([]gitobject.Commit, error) {
	if _, err := m.Commit(s.To); err != nil {
		return nil, err
	}
	var ask strings.Builder
	fmt.Fprintln(&ask, s.To)
	if s.From != "" {
		if _, err := m.Commit(s.From); err != nil {
			return nil, err
		}
		fmt.Fprintf(&ask, "^%s\n", s.From)
	}
	ask.WriteString("--\n")
	for _, path := range s.Paths {
		if strings.ContainsAny(path, "\n\x00") {
			return nil, fmt.Errorf("%s: %q can't be asked for", m.url, path)
		}
		fmt.Fprintln(&ask, path)
	}
	out, err := m.ask(ctx, command{
		args:  []string{"rev-list", "--max-count=" + strconv.Itoa(max(s.Limit, 1)), "--stdin"},
		stdin: ask.String(), env: []string{"GIT_LITERAL_PATHSPECS=1"},
	})
	if err != nil {
		return nil, m.past("list commits", err)
	}
	var commits []gitobject.Commit
	for _, id := range strings.Fields(out) {
		c, err := m.Commit(id)
		if err != nil {
			return nil, err
		}
		commits = append(commits, c)
	}
	return commits, nil
}

// Place is lines of a file at a commit, counted from 1. A Last of 0 means the
// end of the file.
type Place struct {
	Commit, Path string
	First, Last  int
}

// Blamed is a line, and the commit that made it what it is.
type Blamed struct {
	Line   int
	Commit gitobject.Commit
}

// Blame tells which commits the lines of a place come from.
func (m *Mirror) Blame(ctx context.Context, p Place) ([]Blamed, error) {
	if _, err := m.Commit(p.Commit); err != nil {
		return nil, err
	}
	lines := strconv.Itoa(max(p.First, 1)) + ","
	if p.Last > 0 {
		lines += strconv.Itoa(p.Last)
	}
	out, err := m.ask(ctx, command{args: []string{"blame", "--porcelain", "-L", lines, p.Commit, "--", p.Path}})
	if err != nil {
		return nil, m.past(fmt.Sprintf("blame %s at %s", p.Path, p.Commit), err)
	}
	known := map[string]gitobject.Commit{}
	var all []Blamed
	for _, l := range parseBlame(out) {
		c, seen := known[l.commit]
		if !seen {
			if c, err = m.Commit(l.commit); err != nil {
				return nil, err
			}
			known[l.commit] = c
		}
		all = append(all, Blamed{Line: l.line, Commit: c})
	}
	return all, nil
}

type blamedLine struct {
	commit string
	line   int
}

var blameHeader = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64}) \d+ (\d+)`)

// parseBlame reads what git blame --porcelain prints: for each line a header,
// more on the commit the first time, and the line itself behind a tab.
func parseBlame(out string) []blamedLine {
	var lines []blamedLine
	header := true
	for line := range strings.Lines(out) {
		switch m := blameHeader.FindStringSubmatch(line); {
		case strings.HasPrefix(line, "\t"):
			header = true
		case header && m != nil:
			n, _ := strconv.Atoi(m[2])
			lines = append(lines, blamedLine{commit: m[1], line: n})
			header = false
		}
	}
	return lines
}

var prefixForm = regexp.MustCompile(`^[0-9a-f]{7,64}$`)

// Expand finds the one commit that was fetched and whose id begins so.
func (m *Mirror) Expand(prefix string) (string, error) {
	if !prefixForm.MatchString(prefix) {
		return "", &Error{URL: m.url.String(), Kind: ErrNoRef, Detail: fmt.Sprintf("%q is not the start of a commit's id", prefix), Hint: "give 7 characters of it or more"}
	}
	var o object
	err := m.objects.use(func(r *reader) (err error) {
		o, err = r.info(prefix + "^{commit}")
		return err
	})
	if err != nil {
		return "", &Error{URL: m.url.String(), Kind: ErrNoRef, Detail: "commit " + prefix + ": " + err.Error(), Hint: "give the whole id"}
	}
	return o.id, nil
}

// ask runs a command that only reads the mirror, and returns what it printed.
func (m *Mirror) ask(ctx context.Context, c command) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pastTime)
	defer cancel()
	var out strings.Builder
	c.dir, c.stdout = m.dir, &limited{to: &out, left: maxAnswer}
	err := m.program.run(ctx, c)
	return out.String(), err
}

// past explains why the past can't be told.
func (m *Mirror) past(doing string, err error) error {
	if err == nil {
		return nil
	}
	if missingPath.MatchString(err.Error()) {
		return &Error{URL: m.url.String(), Kind: ErrNoRef, Detail: doing + ": " + said(err)}
	}
	return m.trouble(doing, err)
}

var missingPath = regexp.MustCompile(`no such path|has only \d+ lines?`)
