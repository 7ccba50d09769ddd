package git

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/gitobject"
)

// Ref names what is wanted of a repository: one of branch, tag and commit, or
// none of them for the default branch.
type Ref struct {
	Branch string
	Tag    string
	Commit string
}

// String names the ref for people.
func (r Ref) String() string {
	switch {
	case r.Commit != "":
		return "commit " + r.Commit
	case r.Tag != "":
		return fmt.Sprintf("tag %q", r.Tag)
	case r.Branch != "":
		return fmt.Sprintf("branch %q", r.Branch)
	}
	return "the default branch"
}

// badName are what Git does not allow in the name of a branch or tag; with it
// go a leading dash and the patterns of refspecs.
var badName = regexp.MustCompile(`[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|^[-./]|[./]$|^@$`)

// check turns down what can't be the name of a ref, before a program sees it.
func (r Ref) check() error {
	given := 0
	for _, name := range []string{r.Branch, r.Tag, r.Commit} {
		if name != "" {
			given++
		}
	}
	switch {
	case given > 1:
		return errors.New("more than one of branch, tag and commit is given: give one")
	case r.Commit != "" && !gitobject.IsID(r.Commit):
		return fmt.Errorf("commit %q is not a full commit id of 40 (or 64) small hexadecimal digits", r.Commit)
	case r.Commit == "" && badName.MatchString(r.Branch+r.Tag):
		return fmt.Errorf("%q can't be the name of a branch or tag", r.Branch+r.Tag)
	}
	return nil
}

// remote is the ref's name in the repository.
func (r Ref) remote() string {
	switch {
	case r.Commit != "":
		return r.Commit
	case r.Tag != "":
		return "refs/tags/" + r.Tag
	case r.Branch != "":
		return "refs/heads/" + r.Branch
	}
	return "HEAD"
}

// The mirror's own names. Of what is followed, none is a folder of another,
// whatever the repository's branches are called and however they change.
const (
	ownRefs     = "refs/plumb/"
	ownDefault  = ownRefs + "default"
	ownBranches = ownRefs + "heads/"
	ownTags     = ownRefs + "tags/"
	ownCommits  = ownRefs + "commits/"
	ownSearch   = ownRefs + "search/" // as they are called there, until the mirror is tidied
)

// local is where the mirror keeps the ref.
func (r Ref) local() string {
	switch {
	case r.Commit != "":
		return ownCommits + r.Commit
	case r.Tag != "":
		return ownTags + flat(r.Tag)
	case r.Branch != "":
		return ownBranches + flat(r.Branch)
	}
	return ownDefault
}

// flat makes one path segment of a name, of a length that a file can have.
func flat(name string) string {
	const longest = 200
	escaped := url.PathEscape(name)
	if len(escaped) <= longest {
		return escaped
	}
	sum := sha256.Sum256([]byte(name))
	return escaped[:longest/2] + "-" + hex.EncodeToString(sum[:16])
}

// refspec asks for the ref, wherever it has moved to.
func (r Ref) refspec() string { return "+" + r.remote() + ":" + r.local() }

// listing is what a repository says it has.
type listing struct {
	// head is the branch that HEAD points to, and hasHead says that it exists.
	head    string
	hasHead bool
	// refs are branches and tags; total counts whatever there is.
	refs  map[string]bool
	total int
}

// parseListing reads what git ls-remote --symref prints.
func parseListing(out []byte) listing {
	l := listing{refs: map[string]bool{}}
	for line := range strings.Lines(string(out)) {
		l.total++
		id, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		target, isLink := strings.CutPrefix(id, "ref: ")
		switch {
		case name == "HEAD" && isLink:
			l.head, _ = strings.CutPrefix(target, "refs/heads/")
		case name == "HEAD":
			l.hasHead = true
		case strings.HasPrefix(name, "refs/heads/"), strings.HasPrefix(name, "refs/tags/") && !strings.HasSuffix(name, "^{}"):
			l.refs[name] = true
		}
	}
	return l
}

// has says whether the ref is there; of commits it can't tell.
func (l listing) has(r Ref) bool {
	return r.Commit != "" || r == Ref{} && l.hasHead || l.refs[r.remote()]
}

// missing says what is wrong with a ref that isn't there, and what is.
func (l listing) missing(u URL, r Ref) error {
	if len(l.refs) == 0 {
		return &Error{URL: u.String(), Kind: ErrEmpty, Hint: hint(u, ErrEmpty)}
	}
	if r == (Ref{}) {
		return &Error{URL: u.String(), Kind: ErrNoRef, Detail: "its HEAD points to no branch that exists", Hint: "name a branch: " + l.offer("refs/heads/", l.head, "branch")}
	}
	prefix, kind := "refs/heads/", "branch"
	if r.Tag != "" {
		prefix, kind = "refs/tags/", "tag"
	}
	return &Error{URL: u.String(), Kind: ErrNoRef, Detail: r.String(), Hint: "push it, or name one that is there: " + l.offer(prefix, r.Branch+r.Tag, kind)}
}

// offer lists what is there that comes near to a name.
func (l listing) offer(prefix, name, kind string) string {
	const most = 3
	var names []string
	for ref := range l.refs {
		if short, ok := strings.CutPrefix(ref, prefix); ok {
			names = append(names, short)
		}
	}
	if len(names) == 0 {
		return "it has no " + kind
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := distance(a, name) - distance(b, name); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	s := "it has " + strings.Join(names[:min(most, len(names))], ", ")
	if more := len(names) - most; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// distance is the number of letters to change, add or leave out to make b of a
// (Levenshtein), counted on their first letters only.
func distance(a, b string) int {
	const enough = 64
	a, b = a[:min(len(a), enough)], b[:min(len(b), enough)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
