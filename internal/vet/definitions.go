package vet

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/tree"
)

// The bounds of looking for CRDs in files that nobody renders.
const (
	mostFolders = 20_000
	mostDepth   = 40
)

// manifestEndings are those of the files that may hold objects.
var manifestEndings = []string{".yaml", ".yml", ".json"}

// definitions takes the CRDs that were rendered, and those that lie in files.
func (k *check) definitions(below string) {
	for _, u := range k.units {
		for _, o := range u.objects {
			k.define(o)
		}
	}
	if w := (&looking{check: k, left: mostFolders, kinds: k.lacking()}); len(w.kinds) > 0 {
		w.folder(folderOf(k.files, below), 0)
	}
}

// lacking are the names of the kinds of which there are objects and no schema.
func (k *check) lacking() (kinds [][]byte) {
	seen := map[schema.GroupVersionKind]bool{}
	for _, u := range k.units {
		for _, o := range u.objects {
			gvk := o.GroupVersionKind()
			if !seen[gvk] && !k.schemas.Knows(gvk) {
				kinds = append(kinds, []byte(gvk.Kind))
			}
			seen[gvk] = true
		}
	}
	return kinds
}

// folderOf is the folder of what a path names.
func folderOf(files tree.Tree, at string) string {
	if at = path.Clean(at); at == "." {
		return ""
	}
	if e, err := files.Stat(at); err == nil && e.Mode != tree.Folder {
		return strings.TrimPrefix(path.Dir(at), ".")
	}
	return at
}

func (k *check) define(o object.Object) {
	if gvk := o.GroupVersionKind(); gvk.Kind != "CustomResourceDefinition" || gvk.Group != "apiextensions.k8s.io" {
		return
	}
	if err := k.schemas.Add(o.Unstructured); err != nil {
		key := o.Key()
		k.add(Finding{Level: Warning, Rule: Schema, File: o.Origin.File, Line: o.Origin.Line, Object: &key, Message: err.Error() + ": its objects are not checked"})
	}
}

// looking is a walk through folders for the CRDs of some kinds.
type looking struct {
	check *check
	left  int
	kinds [][]byte
}

func (w *looking) folder(at string, depth int) {
	if w.left--; w.left < 0 || depth > mostDepth {
		return
	}
	entries, err := w.check.files.ReadDir(at)
	if err != nil {
		return // which rendering tells, if it matters
	}
	for _, e := range entries {
		switch below := path.Join(at, e.Name); {
		case e.Mode == tree.Folder && e.Name != ".git" && e.Name != "node_modules":
			w.folder(below, depth+1)
		case e.Mode != tree.Folder && e.Mode != tree.Link && slices.Contains(manifestEndings, path.Ext(e.Name)):
			w.file(below)
		}
	}
}

func (w *looking) file(at string) {
	content, err := w.check.files.ReadFile(at)
	if err != nil || !bytes.Contains(content, []byte("CustomResourceDefinition")) ||
		!slices.ContainsFunc(w.kinds, func(kind []byte) bool { return bytes.Contains(content, kind) }) {
		return
	}
	for d, err := range manifest.Read(at, content) {
		if err != nil || d.Check() != nil {
			return // a template, or what rendering tells
		}
		w.check.define(d.Object())
	}
}
