package tree

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	// maxLinks is how many links one path may pass, as on Linux.
	maxLinks = 40
	// maxTarget bounds what a link may hold, as on Linux.
	maxTarget = 4096
)

var urlScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// place is where a path led: its own path with no links in it, and the entry
// there.
type place struct {
	asked string
	path  string
	entry Entry
	store Store // that has it
}

// sight is told of every step of a resolution: the entry that was found at
// path, or that there is none. The path holds no links; its parents are folders.
type sight func(path string, e Entry, found bool)

// resolve finds what a path means, links followed.
func (t Tree) resolve(asked string, see sight) (place, error) {
	if err := refuse(asked); err != nil {
		return place{}, err
	}
	if other, name, rest, is := t.mounted(asked); is {
		return other.beyond(name, rest, asked, see)
	}
	if see == nil {
		see = func(string, Entry, bool) {}
	}
	w := walk{tree: t, asked: asked, see: see, rest: strings.Split(asked, "/")}
	w.at = []place{{entry: Entry{Mode: Folder, ID: t.root}}}
	see("", w.at[0].entry, true)
	p, err := w.run()
	p.store = t.store
	return p, err
}

// refuse turns down what can't be a path inside a tree, whatever is in it.
func refuse(asked string) error {
	switch {
	case strings.HasPrefix(asked, "/"):
		return fmt.Errorf("%q %w: paths are relative to the repository's top", asked, ErrOutside)
	case urlScheme.MatchString(asked):
		return fmt.Errorf("%q %w: it is a URL", asked, ErrOutside)
	case strings.ContainsRune(asked, 0):
		return fmt.Errorf("%q %w: it has a NUL byte", asked, ErrOutside)
	}
	return nil
}

// walk is one resolution under way.
type walk struct {
	tree  Tree
	asked string
	see   sight
	at    []place  // the folders from the root to here
	rest  []string // the names still to go
	links int
	last  string // the last link that was passed, as it reads in messages
}

// run walks to the end of the path.
func (w *walk) run() (place, error) {
	for len(w.rest) > 0 {
		name := w.rest[0]
		w.rest = w.rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			if len(w.at) == 1 {
				return place{}, w.fail(ErrOutside, "")
			}
			w.at = w.at[:len(w.at)-1]
			continue
		}
		end, done, err := w.step(name)
		if done || err != nil {
			return end, err
		}
	}
	end := w.at[len(w.at)-1]
	end.asked = w.asked
	return end, nil
}

// step goes to one name in the folder it stands in. It is done when that is
// where the path ends, in something other than a folder.
func (w *walk) step(name string) (end place, done bool, err error) {
	here := w.at[len(w.at)-1]
	entry, found, err := w.tree.child(here.entry.ID, name)
	if err != nil {
		return place{}, false, fmt.Errorf("%s: list %s: %w", w.asked, shown(here.path), err)
	}
	next := place{asked: w.asked, path: join(here.path, name), entry: entry}
	w.see(next.path, entry, found)
	switch {
	case !found:
		return place{}, false, w.fail(ErrNotFound, "")
	case entry.Mode == Folder:
		w.at = append(w.at, next)
		return place{}, false, nil
	case entry.Mode == Link:
		return place{}, false, w.follow(next)
	case len(w.rest) == 0:
		return next, true, nil
	case entry.Mode == Submodule:
		return place{}, false, submodule(next.path)
	}
	return place{}, false, w.fail(ErrNotFound, next.path+" is a file, not a folder")
}

// follow puts a link's target before the names still to go.
func (w *walk) follow(link place) error {
	b, err := w.tree.store.Blob(link.entry.ID, maxTarget)
	if errors.Is(err, ErrTooLarge) {
		return fmt.Errorf("%s: the target of link %s is %w: a link holds at most %d bytes", w.asked, link.path, err, maxTarget)
	}
	if err != nil {
		return fmt.Errorf("%s: read link %s: %w", w.asked, link.path, err)
	}
	target := string(b)
	w.last = fmt.Sprintf("link %s -> %s", link.path, printable(target))
	w.links++
	switch {
	case w.links > maxLinks:
		return w.fail(ErrLoop, fmt.Sprintf("more than %d were passed", maxLinks))
	case target == "":
		return w.fail(ErrNotFound, "the link is empty")
	case refuse(target) != nil:
		return w.fail(ErrOutside, "")
	}
	w.rest = append(strings.Split(target, "/"), w.rest...)
	return nil
}

// fail names the path, the link that led there if one did, and why.
func (w *walk) fail(sentinel error, why string) error {
	err := sentinel
	if why != "" {
		err = fmt.Errorf("%w: %s", sentinel, why)
	}
	if w.last != "" {
		return fmt.Errorf("%s: %s: %w; %s", w.asked, w.last, err, linkAdvice(sentinel))
	}
	return fmt.Errorf("%s: %w", w.asked, err)
}

// linkAdvice says what to do about a link that can't be followed.
func linkAdvice(sentinel error) string {
	switch {
	case errors.Is(sentinel, ErrOutside):
		return "let the link lead to something inside"
	case errors.Is(sentinel, ErrLoop):
		return "let one of the links lead elsewhere"
	default:
		return "correct the link, or add what it leads to"
	}
}

// child finds one name in a folder.
func (t Tree) child(folder, name string) (Entry, bool, error) {
	entries, err := t.store.Folder(folder)
	if err != nil {
		return Entry{}, false, err
	}
	i, found := slices.BinarySearchFunc(entries, name, func(e Entry, name string) int { return strings.Compare(e.Name, name) })
	if !found {
		return Entry{}, false, nil
	}
	return entries[i], true, nil
}

// printable quotes a link's target where its bytes would garble a message,
// and cuts it where it is long.
func printable(target string) string {
	const enough = 200
	if len(target) > enough {
		target = target[:enough] + "…"
	}
	if strings.ContainsFunc(target, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
		return fmt.Sprintf("%q", target)
	}
	return target
}

// shown is a path for messages, where the root has a name.
func shown(path string) string {
	if path == "" {
		return "the repository's top"
	}
	return path
}
