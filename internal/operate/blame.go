package operate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"plumb.dev/plumb/internal/fields"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/origin"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/plan"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/status"
	"plumb.dev/plumb/internal/tree"
)

// mostBlamed bounds how many fields of one object are told.
const mostBlamed = 5000

// Blame tells of a live object where each of its fields comes from: what is
// ours, by its line in Git; what isn't, by who wrote it.
func (o *Operator) Blame(ctx context.Context, wrote object.Key) (plan.Blame, error) {
	claim, declared, err := o.claimed(ctx, wrote)
	if err != nil {
		return plan.Blame{}, err
	}
	b := blaming{operator: o, key: wrote, lines: map[string][]source.Line{}}
	if declared {
		b.key = claim.Key
		if b.known, err = o.Fleet.Known(ctx, claim.App); err != nil {
			return plan.Blame{}, err
		}
		b.desired, _ = desiredOf(b.known, claim.Key)
	}
	live, err := o.Reader.Object(ctx, b.known.Actor, b.key, b.desired.APIVersion)
	if err != nil {
		return plan.Blame{}, err
	}
	if live == nil {
		return plan.Blame{}, status.Refuse(status.NotThere, "there is no live %s%s", b.key, inApp(claim.App))
	}
	if err := b.open(live); err != nil {
		return plan.Blame{}, err
	}
	out := plan.Blame{Key: object.Object{Unstructured: live}.Key(), App: claim.App, Revision: b.known.Held.Commit}
	out.Fields = b.fields(ctx, live)
	return out, nil
}

func inApp(app string) string {
	if app == "" {
		return ""
	}
	return ", though " + app + " declares it; `plumb diff " + app + "` tells why"
}

// blaming is the blame of one object.
type blaming struct {
	operator *Operator
	key      object.Key
	known    pipeline.Known // of the App that declares it; zero where none does
	desired  plan.Desired
	rendered object.Object // as declared; without content where that isn't known
	shown    map[string]any
	files    tree.Tree
	finder   *origin.Finder
	lines    map[string][]source.Line // of files, as far as they were asked for
}

// open prepares what is needed to tell where a field stands.
func (b *blaming) open(live *unstructured.Unstructured) error {
	var declared map[string]any
	if len(b.desired.Body) > 0 {
		if err := json.Unmarshal(b.desired.Body, &declared); err != nil {
			return fmt.Errorf("%s: what is declared can't be read: %w", b.key, err)
		}
		b.rendered = object.Object{Unstructured: &unstructured.Unstructured{Object: declared}, Origin: b.desired.Origin}
	}
	mask := b.operator.Hidden.With(b.known.App.Spec.Sensitive...).Of(declared, live.Object)
	b.shown = mask.Show(live.Object)
	if b.rendered.Unstructured == nil || b.known.Held.Commit == "" {
		return nil
	}
	var err error
	if b.files, err = b.known.Files(b.operator.Source, b.known.Held.Commit); err != nil {
		return err
	}
	b.finder = origin.New(b.files, b.known.App.Spec.Source.Path, b.known.App.Spec.Render)
	return nil
}

// fields are all that anybody owns, each once: as ours if it is, or else as
// that of the manager who wrote last.
func (b *blaming) fields(ctx context.Context, live *unstructured.Unstructured) []plan.Blamed {
	entries := append([]metav1.ManagedFieldsEntry(nil), fields.OwnersOf(live)...)
	for _, e := range live.GetManagedFields() {
		if fields.IsOurs(e) {
			entries = slices.Insert(entries, 0, e)
		}
	}
	seen := map[string]bool{}
	out := []plan.Blamed{}
	for _, e := range entries {
		for _, p := range leaves(e) {
			id := p.String()
			if seen[id] || isMark(p) || isKey(p) || len(out) >= mostBlamed {
				continue
			}
			seen[id] = true
			out = append(out, b.field(ctx, e, p))
		}
	}
	slices.SortStableFunc(out, func(x, y plan.Blamed) int { return cmp.Compare(x.Path, y.Path) })
	return out
}

// leaves are the fields that an entry owns; of what a controller reports, that
// it does.
func leaves(e metav1.ManagedFieldsEntry) []fieldpath.Path {
	if e.Subresource == "status" {
		return []fieldpath.Path{fieldpath.MakePathOrDie("status")}
	}
	var paths []fieldpath.Path
	fields.Set(e).Leaves().Iterate(func(p fieldpath.Path) { paths = append(paths, p.Copy()) })
	return paths
}

// field is one field and where it comes from.
func (b *blaming) field(ctx context.Context, e metav1.ManagedFieldsEntry, p fieldpath.Path) plan.Blamed {
	out := plan.Blamed{
		Path: fields.Text(p, b.shown), Manager: e.Manager, Ours: fields.IsOurs(e),
		Operation: string(e.Operation), Subresource: e.Subresource,
	}
	if e.Time != nil {
		out.Time = e.Time.UTC()
	}
	if e.Subresource == "status" {
		return out
	}
	if v := fields.Node(b.shown, p); v != nil {
		out.Value = plan.Shown(v)
	}
	if out.Ours && b.finder != nil {
		out.Line = b.line(ctx, p)
	}
	return out
}

// line is the line in Git that a field of ours comes from, or nil.
func (b *blaming) line(ctx context.Context, p fieldpath.Path) *plan.BlamedLine {
	path := steps(p)
	value, _, found := origin.Lookup(b.rendered.Object, path)
	if !found {
		return nil
	}
	at, exact := b.finder.Of(b.rendered, path, value)
	if at.File == "" { // it is a parameter of the App's
		if git := b.known.App.Spec.Source.Git; git != nil && git.URL != "" && git.URL != b.known.Root {
			return nil // which is declared in another repository
		}
		at, exact = origin.Place{File: b.known.Origin.File, Line: b.known.Origin.Line}, false
	}
	real, err := b.files.Real(at.File)
	if err != nil { // it is of another repository
		return &plan.BlamedLine{Origin: at.Origin(), Exact: false}
	}
	at.File = real
	line := &plan.BlamedLine{Origin: at.Origin(), Exact: exact}
	if r, ok := b.newest(ctx, at); ok {
		line.Commit, line.Author, line.Date = r.Commit, r.Author, r.Time
		line.Subject, _, _ = strings.Cut(r.Message, "\n")
	}
	return line
}

// newest is the commit that last changed one of the lines of a place.
func (b *blaming) newest(ctx context.Context, at origin.Place) (newest release.Revision, found bool) {
	lines, known := b.lines[at.File]
	if !known {
		var err error
		place := source.Place{Commit: b.known.Held.Commit, Path: at.File, First: 1}
		if lines, err = b.operator.Past.Blame(ctx, b.known.Ref.URL, place); err != nil {
			b.operator.Log.Warn("a file's past can't be read", "app", b.known.ID(), "file", at.File, "error", err)
		}
		b.lines[at.File] = lines
	}
	for _, l := range lines {
		if l.Number >= at.Line && l.Number <= max(at.Line, at.Last) && (!found || l.Revision.Time.After(newest.Time)) {
			newest, found = l.Revision, true
		}
	}
	return newest, found
}
