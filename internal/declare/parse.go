package declare

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/health"
	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/source"
)

// version is in every document that is a declaration. Text that can't be
// parsed counts as one if it has it; annotations of the group do not.
var version = []byte("plumb.dev/v")

// parse is what the text of a file declares.
func parse(root source.Ref, file string, content []byte) found {
	var f found
	for d, err := range manifest.Read(file, content) {
		switch {
		case err != nil:
			text := d.Text()
			if text == nil {
				text = content
			}
			if bytes.Contains(text, version) {
				f.broken = append(f.broken, unreadable(d, err))
			}
		case strings.HasPrefix(d.APIVersion(), v1alpha1.Group+"/"):
			f.document(root, d)
		}
	}
	return f
}

// unreadable is a document that can't be parsed.
func unreadable(d manifest.Document, err error) Broken {
	var at *manifest.Error
	if errors.As(err, &at) {
		return Broken{Origin: at.Origin, Err: errors.New(at.Message())}
	}
	return Broken{Origin: d.Origin, Err: err}
}

// document takes in one declaration.
func (f *found) document(root source.Ref, d manifest.Document) {
	if d.Value["kind"] == v1alpha1.KindProject {
		f.project(d)
		return
	}
	app, wrong := v1alpha1.Decode(d.Value)
	wrong = append(wrong, health.Check(app.Spec.Health.Rules)...)
	if len(wrong) > 0 {
		f.broken = append(f.broken, broken(d, wrong))
		return
	}
	f.apps = append(f.apps, Declaration{App: complete(app, root), Origin: d.Origin})
}

// project takes in one declaration of a Project.
func (f *found) project(d manifest.Document) {
	project, wrong := v1alpha1.DecodeProject(d.Value)
	if len(wrong) > 0 {
		b := broken(d, wrong)
		b.Project = true
		f.broken = append(f.broken, b)
		return
	}
	f.projects = append(f.projects, Project{Project: v1alpha1.DefaultProject(project), Origin: d.Origin})
}

// broken is a declaration with mistakes in it. Its place is that of the first.
func broken(d manifest.Document, wrong []v1alpha1.FieldError) Broken {
	line := func(w v1alpha1.FieldError) int { return d.At(w.Path...).Line }
	slices.SortStableFunc(wrong, func(x, y v1alpha1.FieldError) int { return cmp.Compare(line(x), line(y)) })
	first := d.At(wrong[0].Path...)
	var messages []error
	for _, w := range wrong {
		if n := line(w); n != first.Line {
			messages = append(messages, fmt.Errorf("line %d: %w", n, w))
			continue
		}
		messages = append(messages, w)
	}
	return Broken{ID: identity(d), Origin: first, Err: errors.Join(messages...)}
}

// identity is the NAMESPACE/NAME of a document that can't be used otherwise,
// or empty where that can't be told for sure.
func identity(d manifest.Document) string {
	metadata, _ := d.Value["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	namespace, isText := metadata["namespace"].(string)
	if name == "" || metadata["namespace"] != nil && !isText {
		return ""
	}
	return cmp.Or(namespace, v1alpha1.DefaultNamespace) + "/" + name
}

// complete fills in what a declaration leaves out. Its repository is the root,
// unless it names another; and in the root it follows what the root follows,
// unless it says otherwise.
func complete(app v1alpha1.App, root source.Ref) v1alpha1.App {
	app = v1alpha1.Default(app)
	var git v1alpha1.Git
	if app.Spec.Source.Git != nil {
		git = *app.Spec.Source.Git
	}
	if git.URL == "" {
		git.URL = root.URL
		if git.Branch == "" && git.Tag == "" && git.Commit == "" {
			git.Branch, git.Tag, git.Commit = root.Branch, root.Tag, root.Commit
		}
	}
	app.Spec.Source.Git = &git
	return app
}
