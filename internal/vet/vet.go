package vet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/given"
	"plumb.dev/plumb/internal/hooks"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/origin"
	"plumb.dev/plumb/internal/pipeline"
	"plumb.dev/plumb/internal/render"
	schemas "plumb.dev/plumb/internal/schema"
	"plumb.dev/plumb/internal/source"
	"plumb.dev/plumb/internal/tree"
	"plumb.dev/plumb/internal/yamledit"
)

// Checker looks through files.
type Checker struct {
	Renderer render.Set
	// Opener opens encrypted files; Keys says that it has keys, so that what it
	// can't open is a mistake.
	Opener render.Opener
	Keys   bool
	// Unsealer opens SealedSecrets; nil leaves them as they are.
	Unsealer render.Unsealer
	// Declares tells what is declared below a folder.
	Declares func(ctx context.Context, files tree.Tree, below string) (Declared, error)
	// Open and Look fetch what an App reads beside its own files; nil fetches nothing.
	Open pipeline.Opener
	Look source.Looker
}

// Declared is what a folder declares.
type Declared struct {
	Apps     []App
	Problems []Problem
}

// App is one declared App.
type App struct {
	App    v1alpha1.App
	Origin object.Origin
	// Here says that its manifests are in the same repository.
	Here bool
}

// Problem is a declaration that can't be used.
type Problem struct {
	Origin  object.Origin
	Message string
}

// unit is what is rendered: an App, or a folder that none declares.
type unit struct {
	app     v1alpha1.App
	name    string // of the App; empty for a folder
	origin  object.Origin
	objects []object.Object
	finder  *origin.Finder
	chart   bool // that nobody declares, so its values aren't known
	lacking bool // ${NAME} may stand where the cluster has a value
}

// check is one look under way.
type check struct {
	Checker
	files   tree.Tree
	schemas *schemas.Set
	units   []unit
	report  Report
	unknown map[schema.GroupVersionKind]bool
}

// Check looks at what is at a path: all Apps that are declared there, or, where
// there are none, what the folder renders to.
func (c Checker) Check(ctx context.Context, files tree.Tree, below string) (Report, error) {
	known, err := schemas.New()
	if err != nil {
		return Report{}, err
	}
	k := &check{Checker: c, files: files, schemas: known, unknown: map[schema.GroupVersionKind]bool{}}
	if err := k.find(ctx, below); err != nil {
		return Report{}, err
	}
	for i := range k.units {
		if err := k.render(ctx, &k.units[i]); err != nil {
			return Report{}, err
		}
	}
	k.definitions(below)
	for i := range k.units {
		k.hold(&k.units[i])
	}
	k.duplicates()
	k.report.Findings = sorted(k.report.Findings)
	return k.report, nil
}

func (k *check) add(f Finding) { k.report.Findings = append(k.report.Findings, f) }

// find lists what is to be rendered.
func (k *check) find(ctx context.Context, below string) error {
	declared, err := k.Declares(ctx, k.files, below)
	if err != nil {
		return err
	}
	for _, p := range declared.Problems {
		k.add(Finding{Level: Error, Rule: Declaration, File: p.Origin.File, Line: p.Origin.Line, Message: p.Message})
	}
	for _, a := range declared.Apps {
		if !a.Here {
			k.add(Finding{Level: Warning, Rule: Fetch, File: a.Origin.File, Line: a.Origin.Line, App: a.App.ID(),
				Message: "its manifests are in another repository and are not checked"})
			continue
		}
		k.units = append(k.units, unit{app: a.App, name: a.App.ID(), origin: a.Origin})
	}
	if len(declared.Apps)+len(declared.Problems) == 0 {
		k.units = k.undeclared(below)
	}
	return nil
}

// render renders one unit. The error is not about the files.
func (k *check) render(ctx context.Context, u *unit) error {
	k.report.Apps++
	app := k.alone(u)
	opener := &lenient{from: k.Opener, keys: k.Keys, told: func(file, message string, l Level) {
		k.add(Finding{Level: l, Rule: Secret, File: file, App: u.name, Message: message})
	}}
	whole := pipeline.Gathering{From: render.Opening{Set: k.Renderer, Opener: opener, Unsealer: k.Unsealer}, Open: k.Open, Look: k.Look, App: app}
	result, err := whole.Render(ctx, pipeline.Work(app, k.files))
	for _, n := range slices.Concat(result.Notices, hooks.Split(result.Objects).Notices) {
		f := Finding{Level: Warning, Rule: Notice, File: u.origin.File, Line: u.origin.Line, App: u.name, Message: n}
		placed(&f)
		k.add(f)
	}
	var missing render.Missing
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &missing), errors.Is(err, pipeline.ErrNotFetched):
		k.add(Finding{Level: Warning, Rule: Fetch, File: u.origin.File, Line: u.origin.Line, App: u.name,
			Message: "is not checked: " + err.Error() + "; --fetch fetches it"})
	case errors.Is(err, render.ErrRead):
		k.add(Finding{Level: Error, Rule: Fetch, File: u.origin.File, Line: u.origin.Line, App: u.name, Message: err.Error()})
	case err != nil && opener.failed:
		// which was told
	case err != nil:
		for text := range strings.SplitSeq(err.Error(), "\n") { // each of what may be several
			f := Finding{Level: Error, Rule: Render, File: u.origin.File, Line: u.origin.Line, App: u.name, Message: strings.TrimPrefix(text, u.origin.File+": ")}
			placed(&f)
			if u.chart {
				f.Level, f.Message = Warning, "is not checked: with the chart's own values alone, "+f.Message
			}
			k.add(f)
		}
	}
	u.objects = result.Objects
	u.finder = origin.New(k.files, app.Spec.Source.Path, app.Spec.Render)
	k.report.Objects += len(u.objects)
	return nil
}

// alone is an App without what only the cluster knows: values that are there.
func (k *check) alone(u *unit) v1alpha1.App {
	app := u.app
	asks := given.Asked(app)
	if len(asks) == 0 {
		return app
	}
	if h := app.Spec.Render.Helm; h != nil {
		one := *h
		one.ValuesFrom = optional(h.ValuesFrom)
		app.Spec.Render.Helm = &one
	}
	if s := app.Spec.Render.Substitute; s != nil {
		one, no := *s, false
		one.From, one.Strict = optional(s.From), &no
		u.lacking = u.lacking || len(s.From) > 0
		app.Spec.Render.Substitute = &one
	}
	k.add(Finding{Level: Warning, Rule: Cluster, File: u.origin.File, Line: u.origin.Line, App: u.name,
		Message: fmt.Sprintf("takes values from %s in the cluster, which are not known here; it is checked without them", asks[0].Key)})
	return app
}

func optional(list []v1alpha1.Given) []v1alpha1.Given {
	list = slices.Clone(list)
	for i := range list {
		list[i].Optional = true
	}
	return list
}

// placed takes the place out of a message that begins with it.
func placed(f *Finding) {
	at, rest, found := strings.Cut(f.Message, ": ")
	file, number, hasLine := strings.Cut(at, ":")
	if !found || strings.ContainsAny(at, " \n") || path.Ext(file) == "" {
		return
	}
	line := 0
	if hasLine {
		if _, err := fmt.Sscanf(number, "%d", &line); err != nil {
			return
		}
	}
	f.File, f.Line, f.Message = file, line, rest
}

// hold holds the objects of a unit to the schemas of their kinds.
func (k *check) hold(u *unit) {
	for _, o := range u.objects {
		key := o.Key()
		problems, known, err := k.schemas.Check(o.Unstructured)
		f := Finding{Level: Error, Rule: Schema, File: o.Origin.File, Line: o.Origin.Line, App: u.name, Object: &key}
		switch {
		case err != nil:
			f.Level, f.Message = Warning, "can't be held to the schema of its kind: "+err.Error()
			k.add(f)
		case !known:
			k.report.Unchecked++
			k.unknownKind(o, f)
		}
		for _, p := range problems {
			open := openIn(o, p)
			if open == unopened || open != "" && u.lacking {
				continue
			}
			f.Level, f.Field, f.Message = Error, p.Path(), p.Message
			if open != "" && u.app.Spec.Render.Substitute == nil {
				f.Message = "has " + open + ", which spec.render.substitute of an App would replace; as it stands, it " + p.Message
				if u.name == "" { // another may do that
					f.Level = Warning
				}
			}
			f.File, f.Line = k.place(u, o, p)
			k.add(f)
		}
	}
}

// openIn is what of the texts that a problem is about isn't known here, and may
// make them sound: a ${NAME}, or what is encrypted.
func openIn(o object.Object, p schemas.Problem) string {
	value, _, _ := origin.Lookup(o.Object, yamledit.Keys(p.Steps...))
	return unknownIn(value)
}

var unknownText = regexp.MustCompile(`\$\{[^}\n]*\}|` + unopened)

func unknownIn(value any) (found string) {
	switch v := value.(type) {
	case string:
		return unknownText.FindString(v)
	case []any:
		for i := 0; i < len(v) && found == ""; i++ {
			found = unknownIn(v[i])
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if found = unknownIn(v[name]); found != "" {
				break
			}
		}
	}
	return found
}

// unknownKind tells of a kind without a schema, once.
func (k *check) unknownKind(o object.Object, f Finding) {
	gvk := o.GroupVersionKind()
	if k.unknown[gvk] {
		return
	}
	k.unknown[gvk] = true
	f.Level, f.Rule = Warning, UnknownKind
	f.Message = fmt.Sprintf("there is no schema for %s of %s: its fields are not checked; put its CRD beside it", gvk.Kind, gvk.GroupVersion())
	if versions := k.schemas.Versions(gvk.GroupKind()); len(versions) > 0 {
		slices.Sort(versions)
		f.Level, f.Message = Error, fmt.Sprintf("there is no %s in version %s; it is known in %s", gvk.Kind, gvk.Version, strings.Join(versions, ", "))
	}
	if others := k.schemas.Named(gvk.Kind); f.Level == Warning && !strings.Contains(gvk.Group, ".") && len(others) > 0 {
		f.Level, f.Message = Error, fmt.Sprintf("Kubernetes %s has no %s of %s; it is in %s", k.schemas.Version(), gvk.Kind, gvk.GroupVersion(), strings.Join(others, ", "))
	}
	k.add(f)
}

// place is where the field stands that a problem is about, or else the object.
func (k *check) place(u *unit, o object.Object, p schemas.Problem) (string, int) {
	if u.finder == nil || strings.HasPrefix(o.Origin.File, tree.MountMark) {
		return o.Origin.File, o.Origin.Line
	}
	places, err := u.finder.Places(o, yamledit.Keys(p.Steps...))
	if err != nil {
		return o.Origin.File, o.Origin.Line
	}
	for _, at := range places {
		if at.File != "" && at.Line > 0 && at.Present {
			return at.File, at.Line
		}
	}
	return o.Origin.File, o.Origin.Line
}
