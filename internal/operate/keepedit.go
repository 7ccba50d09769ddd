package operate

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/commit"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/origin"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/yamledit"
)

// keeping is one Keep under way.
type keeping struct {
	operator *Operator
	ask      Keep
	known    pipeline.Known
	others   []pipeline.Known
	changes  []changed

	// What came of the last try.
	kept []status.Kept
	lost []status.Unkept
}

// edit writes all changes into the files of a tip. It is a commit.Editor.
func (k *keeping) edit(ctx context.Context, tip commit.Tip) (commit.Edit, error) {
	k.kept, k.lost = nil, nil
	w := writing{keeping: k, now: tip.Tree, files: map[string][]byte{}}
	var err error
	if w.objects, err = w.render(ctx, tip.Tree); err != nil {
		return commit.Edit{}, status.Refuse(status.Moved, "the newest commit of %s can't be rendered, so nothing can be kept: %v", k.ask.App, err)
	}
	w.names = w.index()
	for _, c := range k.changes {
		if err := ctx.Err(); err != nil {
			return commit.Edit{}, context.Cause(ctx)
		}
		at, err := w.keep(ctx, c)
		if err != nil {
			k.lost = append(k.lost, status.Unkept{Key: c.key, Path: c.text, Reason: err.Error()})
			continue
		}
		k.kept = append(k.kept, status.Kept{Key: c.key, Path: c.text, Origin: at})
	}
	edit := commit.Edit{Files: map[string]commit.File{}, Message: k.message()}
	for file, content := range w.files {
		edit.Files[file] = commit.Put(content)
	}
	return edit, nil
}

// message is that of the commit. It names no values.
func (k *keeping) message() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: keep what was changed by hand\n\n", k.ask.App)
	b.WriteString("These fields become what they are in the cluster:\n\n")
	const most = 50
	for i, kept := range k.kept {
		if i == most {
			fmt.Fprintf(&b, "and %d more\n", len(k.kept)-most)
			break
		}
		fmt.Fprintf(&b, "%s %s\n    %s\n", kept.Key, kept.Path, kept.Origin)
	}
	if why := oneLine(k.ask.Why, 1000); why != "" {
		fmt.Fprintf(&b, "\nWhy: %s\n", why)
	}
	if by := oneLine(k.ask.By, 200); by != "" {
		fmt.Fprintf(&b, "\nAsked for by: %s\n", by)
	}
	return b.String()
}

// writing is the files of one tip, edited step by step.
type writing struct {
	*keeping
	now     tree.Tree
	files   map[string][]byte
	objects []object.Object    // as the files render now
	names   map[object.Key]int // where they are, by the keys that they have in the tip
}

// render renders the App. Nothing of it is kept in a cache: it may never come
// to be.
func (w *writing) render(ctx context.Context, files tree.Tree) ([]object.Object, error) {
	result, err := w.operator.gathering(w.known, w.known.App).Afresh().Render(ctx, pipeline.Work(w.known.App, files))
	return result.Objects, err
}

// index is where each object is that was rendered. Its namespace may be given
// by the App alone.
func (w *writing) index() map[object.Key]int {
	at := map[object.Key]int{}
	for i, o := range w.objects {
		key := o.Key()
		if key.Namespace == "" {
			key.Namespace = w.known.App.Spec.Target.Namespace
		}
		at[key], at[o.Key()] = i, i
	}
	return at
}

// keep writes one change and tells the line that it changed. A place that
// doesn't do what is meant is left as it was, and the next one tried.
func (w *writing) keep(ctx context.Context, c changed) (object.Origin, error) {
	i, declared := w.names[c.key]
	if !declared {
		return object.Origin{}, fmt.Errorf("the newest commit doesn't declare the object any more")
	}
	o := w.objects[i]
	have, _, present := origin.Lookup(o.Object, c.path)
	finder := origin.New(w.now, w.known.App.Spec.Source.Path, w.known.App.Spec.Render)
	if present == c.present && origin.Equal(have, c.value) {
		at, _ := finder.Of(o, c.path, have) // someone was faster
		return at.Origin(), nil
	}
	want, err := origin.Put(o.Object, c.path, c.value, c.present)
	if err != nil {
		return object.Origin{}, fmt.Errorf("what it is part of isn't declared")
	}
	var first error // the most fitting place tells why best
	for _, p := range w.places(finder, o, c, have) {
		at, err := w.try(ctx, p, c, tried{index: i, want: want, path: c.path})
		if err == nil {
			return at, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = fmt.Errorf("which line it comes from can't be told; change it by hand near %s", o.Origin)
	}
	return object.Origin{}, first
}

// places are where a change may be written, the most fitting first.
func (w *writing) places(finder *origin.Finder, o object.Object, c changed, have any) []origin.Place {
	var list []origin.Place
	if all, err := finder.Places(o, c.path); err == nil {
		for _, p := range all {
			if p.Present && origin.Equal(p.Value, have) {
				list = append(list, p)
			}
		}
	}
	if homes, err := finder.Homes(o, c.path); err == nil && c.present {
		list = append(list, homes...)
	}
	return append(list, finder.NewPatches(o, c.path)...)
}

// tried is what a try is held against.
type tried struct {
	index int // of the object
	want  any // its content
	path  yamledit.Path
}

// try writes a change at one place, and takes it back unless the files render
// as they did, but for that field.
func (w *writing) try(ctx context.Context, p origin.Place, c changed, t tried) (object.Origin, error) {
	file, err := w.now.Real(p.File)
	if err != nil {
		return object.Origin{}, fmt.Errorf("it comes from %s, which can't be edited", p.What)
	}
	if others := w.sharing(file); len(others) > 0 {
		return object.Origin{}, fmt.Errorf("%s is what other Apps are made from, too: %s; change it by hand, or put it in an overlay", file, some(others, 5))
	}
	do := func() (origin.Edit, error) { return p.Set(w.now, c.value) }
	if !c.present {
		do = func() (origin.Edit, error) { return p.Remove(w.now) }
	}
	edit, err := do()
	if err != nil {
		return object.Origin{}, err
	}
	edited, err := w.now.With(map[string][]byte{file: edit.Content})
	if err != nil {
		return object.Origin{}, err
	}
	at := object.Origin{File: file, Line: edit.Line}
	objects, err := w.render(ctx, edited)
	if err != nil {
		return object.Origin{}, fmt.Errorf("what it makes of %s can't be rendered: %w", at, err)
	}
	if err := w.holds(objects, t); err != nil {
		return object.Origin{}, fmt.Errorf("changing %s (%s) %w", at, p.What, err)
	}
	w.shift(at, w.now, edit.Content)
	w.now, w.objects, w.files[file] = edited, objects, edit.Content
	return at, nil
}

// shift moves the lines on that were told before, where an edit above them
// added or took away some.
func (w *writing) shift(at object.Origin, files tree.Tree, after []byte) {
	before, err := files.ReadFile(at.File)
	if err != nil {
		return
	}
	more := bytes.Count(after, []byte("\n")) - bytes.Count(before, []byte("\n"))
	for i := range w.kept {
		if o := &w.kept[i].Origin; o.File == at.File && o.Line >= at.Line {
			o.Line += more
		}
	}
}

// holds says, by an error, when a render isn't what is wanted. What is named by
// what it holds has another name then, and so do those who refer to it.
func (w *writing) holds(objects []object.Object, t tried) error {
	if len(objects) != len(w.objects) {
		return fmt.Errorf("would change which objects there are")
	}
	old, now := w.objects[t.index].GetName(), objects[t.index].GetName()
	for i, o := range objects {
		have, want := any(o.Object), any(w.objects[i].Object)
		if i == t.index {
			have, want = trimmed(have, t.path), trimmed(t.want, t.path)
		}
		if old != now {
			want = renamed(want, old, now)
		}
		switch {
		case origin.Equal(have, want):
		case i == t.index:
			return fmt.Errorf("doesn't give the object what is live")
		default:
			return fmt.Errorf("would change %s, too", w.objects[i].Key())
		}
	}
	return nil
}

// renamed is a value in which one text is another.
func renamed(v any, old, now string) any {
	switch v := v.(type) {
	case string:
		if v == old {
			return now
		}
	case []any:
		out := make([]any, len(v))
		for i, below := range v {
			out[i] = renamed(below, old, now)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, below := range v {
			out[k] = renamed(below, old, now)
		}
		return out
	}
	return v
}

// trimmed is content without the empty mappings that a path leads through,
// which are as good as none.
func trimmed(content any, path yamledit.Path) any {
	for n := len(path) - 1; n > 0; n-- {
		at, _, found := origin.Lookup(content, path[:n])
		if !found {
			continue
		}
		if m, isMap := at.(map[string]any); !isMap || len(m) > 0 {
			return content
		}
		less, err := origin.Put(content, path[:n], nil, false)
		if err != nil {
			return content
		}
		content = less
	}
	return content
}

// sharing are the other Apps that read a file.
func (w *writing) sharing(file string) []string {
	var apps []string
	for _, other := range w.others {
		touched := other.Inputs.Touched([]tree.Change{{Path: file, Kind: tree.Modified}})
		if other.ID() != w.ask.App && other.Ref.URL == w.known.Ref.URL && touched {
			apps = append(apps, other.ID())
		}
	}
	slices.Sort(apps)
	return apps
}
