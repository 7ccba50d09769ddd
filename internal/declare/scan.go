package declare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/tree"
)

// Root is the repository that declares.
type Root struct {
	// Ref fills in what an App leaves out of its source: the repository, and
	// what is followed in it.
	Ref source.Ref
	// Path is the folder below which declarations count; empty is all of it.
	Path string
}

// Scanner finds declarations, and remembers what it found in which file. It is
// used by one caller at a time.
//
// It looks at files that end in .yaml, .yml or .json. Links are not followed:
// what they lead to is found where it is.
type Scanner struct {
	root  Root
	files map[string]found // those with declarations, by path
	last  Scan
	sure  bool // files is what the last scan's commit has
}

// found is what one file declares.
type found struct {
	apps     []Declaration
	projects []Project
	broken   []Broken
}

func (f found) nothing() bool { return len(f.apps)+len(f.projects)+len(f.broken) == 0 }

// maxDepth bounds how deep folders nest; what lies deeper is not looked at.
const maxDepth = 100

// NewScanner is a scanner of root that has seen nothing yet.
func NewScanner(root Root) *Scanner {
	root.Path = strings.TrimPrefix(path.Clean("/"+root.Path), "/")
	return &Scanner{root: root}
}

// All reads every file. It is for the first scan, and for when it isn't known
// what changed.
func (s *Scanner) All(ctx context.Context, files tree.Tree) (Scan, error) {
	s.sure = false
	w := walk{ended: ctx.Err, files: files, read: s.read, found: map[string]found{}}
	if err := w.folder(s.root.Path, 0); err != nil {
		if !aboutPath(err) {
			return Scan{}, fmt.Errorf("scan the root: %w", err)
		}
		w.found[s.root.Path] = found{broken: []Broken{{
			Origin: object.Origin{File: s.root.Path},
			Err:    fmt.Errorf("the folder that declares Apps is missing: %w; add it, or correct the root's path", err),
		}}}
	}
	s.files, s.sure = w.found, !linked(files, s.root.Path)
	return s.scan(), nil
}

// aboutPath says whether an error is about what is at a path, and not about
// whether it could be read. Only the root's path can be wrong: what lies below
// was listed.
func aboutPath(err error) bool {
	for _, fact := range []error{tree.ErrNotFound, tree.ErrNotFolder, tree.ErrOutside, tree.ErrLoop, tree.ErrSubmodule} {
		if errors.Is(err, fact) {
			return true
		}
	}
	return false
}

// linked says whether a path goes by way of a link. What is changed there is
// told by another path then.
func linked(files tree.Tree, p string) bool {
	for ; p != "" && p != "."; p = path.Dir(p) {
		if !isA(files, nil, p, tree.Folder) {
			return true
		}
	}
	return false
}

// Changed reads what changed since the scan before, and yields the same as All
// would. Where the scan before failed, it reads everything.
func (s *Scanner) Changed(ctx context.Context, files tree.Tree, changes []tree.Change) (Scan, error) {
	if _, missing := s.files[s.root.Path]; !s.sure || missing {
		return s.All(ctx, files)
	}
	s.sure = false
	updates := map[string]found{}
	folders := map[string][]tree.Entry{}
	for _, c := range changes {
		if err := ctx.Err(); err != nil {
			return Scan{}, fmt.Errorf("scan the root: %w", err)
		}
		if c.Kind != tree.Modified && strings.HasPrefix(s.root.Path+"/", c.Path+"/") {
			return s.All(ctx, files) // the root's folder came, went or became something else
		}
		if !s.concerns(c.Path) {
			continue
		}
		updates[c.Path] = found{}
		if c.Kind == tree.Removed || !isA(files, folders, c.Path, tree.File, tree.Executable) {
			continue
		}
		f, err := s.read(files, c.Path)
		if err != nil {
			return Scan{}, fmt.Errorf("scan the root: %w", err)
		}
		updates[c.Path] = f
	}
	s.sure = true
	if !s.update(updates) {
		unchanged := s.last
		unchanged.Unchanged = true
		return unchanged, nil
	}
	return s.scan(), nil
}

// concerns says whether a file of this path may hold declarations.
func (s *Scanner) concerns(p string) bool {
	return readable(p) && (s.root.Path == "" || strings.HasPrefix(p, s.root.Path+"/"))
}

// update takes in what files hold now. It says whether that is anything new.
func (s *Scanner) update(updates map[string]found) bool {
	news := false
	for p, f := range updates {
		_, had := s.files[p]
		switch {
		case f.nothing() && had:
			delete(s.files, p)
			news = true
		case !f.nothing():
			s.files[p] = f
			news = true
		}
	}
	return news
}

// scan puts together what all files hold.
func (s *Scanner) scan() Scan {
	scan := Scan{Root: s.root.Ref.URL}
	for _, p := range slices.Sorted(maps.Keys(s.files)) {
		scan.Apps = append(scan.Apps, s.files[p].apps...)
		scan.Projects = append(scan.Projects, s.files[p].projects...)
		scan.Broken = append(scan.Broken, s.files[p].broken...)
	}
	s.last = scan
	return scan
}

func readable(p string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(path.Ext(p)))
}

// isA says whether what is at a path, links not followed, is of one of the
// modes. Listings are remembered in folders. Where there is no telling, it says
// true: reading will tell.
func isA(files tree.Tree, folders map[string][]tree.Entry, p string, modes ...tree.Mode) bool {
	dir := path.Dir(p)
	entries, known := folders[dir]
	if !known {
		var err error
		if entries, err = files.ReadDir(dir); err != nil {
			return true
		}
		if folders != nil {
			folders[dir] = entries
		}
	}
	i := slices.IndexFunc(entries, func(e tree.Entry) bool { return e.Name == path.Base(p) })
	return i < 0 || slices.Contains(modes, entries[i].Mode)
}

// walk reads all files below a folder.
type walk struct {
	ended func() error // why the walk must end, or nil
	files tree.Tree
	read  func(tree.Tree, string) (found, error)
	found map[string]found
}

func (w *walk) folder(at string, depth int) error {
	if err := w.ended(); err != nil {
		return err
	}
	entries, err := w.files.ReadDir(at)
	if err != nil {
		return err
	}
	for _, e := range entries {
		below := path.Join(at, e.Name)
		switch {
		case e.Mode == tree.Folder && depth < maxDepth:
			err = w.folder(below, depth+1)
		case (e.Mode == tree.File || e.Mode == tree.Executable) && readable(e.Name):
			err = w.file(below)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) file(at string) error {
	f, err := w.read(w.files, at)
	if err == nil && !f.nothing() {
		w.found[at] = f
	}
	return err
}

// mark is in every file with a declaration: the group, as an apiVersion has it.
// Most files of a repository don't have it and are looked at no further.
var mark = []byte("plumb.dev/")

// read is what a file declares. Its error is about the tree, not the content.
func (s *Scanner) read(files tree.Tree, at string) (found, error) {
	content, err := files.ReadFile(at)
	switch {
	case errors.Is(err, tree.ErrTooLarge) || errors.Is(err, tree.ErrLFS):
		return found{}, nil // whatever it is, it is no declaration
	case err != nil:
		return found{}, err
	case !bytes.Contains(content, mark):
		return found{}, nil
	}
	return parse(s.root.Ref, at, content), nil
}
