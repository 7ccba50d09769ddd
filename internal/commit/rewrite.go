package commit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/gitobject"
	"plumb.dev/plumb/internal/tree"
)

// node is what an edit does in one folder.
type node struct {
	files   map[string]File
	folders map[string]*node
}

// planted arranges an edit by folders.
func planted(files map[string]File) *node {
	top := &node{}
	for path, f := range files {
		at := top
		names := strings.Split(path, "/")
		for _, name := range names[:len(names)-1] {
			if at.folders == nil {
				at.folders = map[string]*node{}
			}
			if at.folders[name] == nil {
				at.folders[name] = &node{}
			}
			at = at.folders[name]
		}
		if at.files == nil {
			at.files = map[string]File{}
		}
		at.files[names[len(names)-1]] = f
	}
	return top
}

// names are those that the edit touches, sorted.
func (n *node) names() []string {
	all := map[string]bool{}
	for name := range n.files {
		all[name] = true
	}
	for name := range n.folders {
		all[name] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// clears says that the edit does nothing but remove.
func (n *node) clears() bool {
	for _, f := range n.files {
		if f.what != remove {
			return false
		}
	}
	for _, below := range n.folders {
		if !below.clears() {
			return false
		}
	}
	return true
}

// rewrite makes folders anew along the paths of an edit. It collects the objects
// that this takes, and the paths that differ in the end.
type rewrite struct {
	format  gitobject.Format
	read    func(folder string) ([]gitobject.Line, error)
	objects []gitobject.Object
	changed []string
}

// root is the id of a tip's root folder after an edit.
func (w *rewrite) root(tip Tip, e Edit) (string, error) {
	if len(e.Files) == 0 {
		return "", ErrNothing
	}
	if err := e.Check(); err != nil {
		return "", err
	}
	root, err := w.folder("", tip.Tree.Root(), planted(e.Files))
	switch {
	case err != nil:
		return "", err
	case root == tip.Tree.Root():
		return "", ErrNothing
	case root == "":
		return "", refusef("nothing would be left in the repository")
	}
	return root, nil
}

// folder is the id of a folder after the edit; empty where nothing is left in
// it. An empty id stands for a folder that isn't there.
func (w *rewrite) folder(at, id string, n *node) (string, error) {
	var lines []gitobject.Line
	if id != "" {
		var err error
		if lines, err = w.read(id); err != nil {
			return "", fmt.Errorf("list %s: %w", shown(at), err)
		}
	}
	same := true
	for _, name := range n.names() {
		i := slices.IndexFunc(lines, func(l gitobject.Line) bool { return l.Name == name })
		if i < 0 {
			i, lines = len(lines), append(lines, gitobject.Line{Name: name})
		}
		now, err := w.entry(join(at, name), lines[i], n)
		if err != nil {
			return "", err
		}
		same = same && now == lines[i]
		lines[i] = now
	}
	lines = slices.DeleteFunc(lines, func(l gitobject.Line) bool { return l.ID == "" })
	switch {
	case same:
		return id, nil
	case len(lines) == 0:
		return "", nil
	}
	content, err := gitobject.EncodeFolder(lines)
	if err != nil {
		return "", fmt.Errorf("%s: %w", shown(at), err)
	}
	return w.add(gitobject.KindTree, content), nil
}

// entry is one entry after the edit, which may be of a file, of what is below a
// folder, or of both, where one takes the other's place. One without an id is none.
func (w *rewrite) entry(at string, old gitobject.Line, n *node) (gitobject.Line, error) {
	f, edited := n.files[old.Name]
	now, err := old, error(nil)
	if edited && f.what == remove {
		now, err = w.file(at, now, f)
	}
	if below := n.folders[old.Name]; below != nil && err == nil {
		now, err = w.below(at, now, below)
	}
	if edited && f.what != remove && err == nil {
		now, err = w.file(at, now, f)
	}
	if err == nil && now != old && edited {
		w.changed = append(w.changed, at)
	}
	return now, err
}

// below is a folder after an edit of what is in it.
func (w *rewrite) below(at string, old gitobject.Line, n *node) (gitobject.Line, error) {
	switch kind, err := kindOf(at, old); {
	case err != nil:
		return old, err
	case old.ID != "" && kind != tree.Folder && n.clears():
		return old, nil // there is nothing below it
	case old.ID != "" && kind != tree.Folder:
		return old, refusef("%s is in the way: it is a %s, not a folder", at, nameOf(kind))
	}
	id, err := w.folder(at, old.ID, n)
	now := gitobject.Line{Name: old.Name, Mode: old.Mode, ID: id}
	switch {
	case id == "":
		now.Mode = ""
	case old.ID == "":
		now.Mode = gitobject.ModeOf(tree.Folder)
	}
	return now, err
}

// file is a file or link after its edit.
func (w *rewrite) file(at string, old gitobject.Line, f File) (gitobject.Line, error) {
	kind, err := kindOf(at, old)
	there := old.ID != ""
	now := gitobject.Line{Name: old.Name, Mode: old.Mode}
	switch {
	case err != nil:
		return old, err
	case there && (kind == tree.Folder || kind == tree.Submodule || kind == tree.Link && f.what == put):
		return old, refusef("%s is in the way: it is a %s", at, nameOf(kind))
	case f.what == remove:
		return gitobject.Line{Name: old.Name}, nil
	case f.what == put:
		if now.ID = gitobject.New(w.format, gitobject.KindBlob, f.content).ID; now.ID != old.ID {
			w.add(gitobject.KindBlob, f.content)
		}
	case f.what == restore:
		now.ID = f.entry.ID
	}
	if wanted := f.entry.Mode; !there || f.what == restore && kind != wanted {
		now.Mode = gitobject.ModeOf(wanted)
	}
	return now, nil
}

func (w *rewrite) add(kind gitobject.Kind, content []byte) string {
	o := gitobject.New(w.format, kind, content)
	w.objects = append(w.objects, o)
	return o.ID
}

func kindOf(at string, l gitobject.Line) (tree.Mode, error) {
	if l.ID == "" {
		return tree.File, nil
	}
	kind, err := l.Kind()
	if err != nil {
		return kind, fmt.Errorf("%s: %w", at, err)
	}
	return kind, nil
}

func nameOf(m tree.Mode) string {
	return map[tree.Mode]string{tree.File: "file", tree.Executable: "file", tree.Folder: "folder", tree.Link: "link", tree.Submodule: "submodule"}[m]
}

func join(folder, name string) string { return strings.TrimPrefix(folder+"/"+name, "/") }

func shown(at string) string {
	if at == "" {
		return "the repository's top"
	}
	return at
}
