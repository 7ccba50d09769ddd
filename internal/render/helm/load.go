package helm

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"
	"sigs.k8s.io/yaml"

	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// file is one of a chart's files: its name in the chart, its content, and where
// in the tree it is. A packed chart's files are where the package is.
type file struct {
	name    string
	content []byte
	origin  string
}

// load reads the chart in a folder, and the charts that it depends on. The
// folders that lead to it are those of the charts that depend on it.
func (b *build) load(folder string, leading []string) (*chart.Chart, error) {
	switch {
	case slices.Contains(leading, folder):
		return nil, fmt.Errorf("%s: the chart depends on itself, through %s: remove one of the dependencies",
			path.Join(folder, render.ChartFile), strings.Join(append(leading, folder), " and "))
	case len(leading) >= b.bounds.depth:
		return nil, fmt.Errorf("%s: charts depend on each other more than %d deep: merge some of them", shown(folder), b.bounds.depth)
	}
	rules, err := b.ignored(folder)
	if err != nil {
		return nil, err
	}
	w := walk{build: b, top: folder, rules: rules}
	if err := w.folder("", 1); err != nil {
		return nil, err
	}
	return b.assemble(w.files, place{folder: folder, leading: append(slices.Clone(leading), folder)})
}

// ignored are the rules of a chart's .helmignore.
func (b *build) ignored(folder string) (*ignore.Rules, error) {
	rules := ignore.Empty()
	at := path.Join(folder, ignore.HelmIgnore)
	switch content, err := b.Files.ReadFile(at); {
	case err == nil:
		if rules, err = ignore.Parse(bytes.NewReader(content)); err != nil {
			return nil, fmt.Errorf("%s: a rule can't be used: %w; correct it", at, err)
		}
	case !errors.Is(err, tree.ErrNotFound):
		return nil, err
	}
	rules.AddDefaults()
	return rules, nil
}

// walk reads a chart's folder.
type walk struct {
	*build
	top   string
	rules *ignore.Rules
	files []file
}

func (w *walk) folder(at string, depth int) error {
	if depth > w.bounds.depth {
		return fmt.Errorf("%s: folders nest more than %d deep in the chart; name it in .helmignore", path.Join(w.top, at), w.bounds.depth)
	}
	entries, err := w.Files.ReadDir(path.Join(w.top, at))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.entry(path.Join(at, e.Name), e, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(at string, e tree.Entry, depth int) error {
	from := path.Join(w.top, at)
	if e.Mode == tree.Link && !w.rules.Ignore(at, info{at, false}) {
		followed, err := w.Files.Stat(from)
		if err != nil {
			return err
		}
		e.Mode = followed.Mode
	}
	switch {
	case w.rules.Ignore(at, info{at, e.Mode == tree.Folder}):
		return nil
	case e.Mode == tree.Folder:
		return w.folder(at, depth+1)
	}
	content, err := w.Files.ReadFile(from)
	if err == nil {
		err = w.count(from, len(content))
	}
	w.files = append(w.files, file{name: at, content: withoutMark(content), origin: from})
	return err
}

// count holds what is read and unpacked to its bounds.
func (b *build) count(at string, size int) error {
	b.files++
	b.bytes += int64(size)
	switch {
	case b.files > b.bounds.files:
		return fmt.Errorf("%s: the chart and those it depends on have more than %d files; name what isn't theirs in .helmignore", at, b.bounds.files)
	case b.bytes > b.bounds.bytes:
		return fmt.Errorf("%s: the chart and those it depends on have more than %d bytes; name what isn't theirs in .helmignore", at, b.bounds.bytes)
	}
	return nil
}

func withoutMark(content []byte) []byte { return bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")) }

// info is a file as rules of .helmignore want it.
type info struct {
	path   string
	folder bool
}

func (i info) Name() string     { return path.Base(i.path) }
func (info) Size() int64        { return 0 }
func (info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool      { return i.folder }
func (info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir
	}
	return 0
}

// place is where a chart is: the folder of the tree, or, of one that is packed,
// where the package is, and the folders that led there.
type place struct {
	folder  string
	packed  bool
	leading []string
}

// assemble makes a chart of its files, those of the charts in charts/ included.
func (b *build) assemble(files []file, at place) (*chart.Chart, error) {
	var own []*archive.BufferedFile
	origin := map[string]string{}
	vendored := map[string][]file{}
	for _, f := range files {
		if below, is := strings.CutPrefix(f.name, "charts/"); is && path.Ext(f.name) != ".prov" {
			name, _, _ := strings.Cut(below, "/")
			f.name = below
			vendored[name] = append(vendored[name], f)
			continue
		}
		origin[f.name] = f.origin
		if slices.Contains([]string{"Chart.yaml", "values.yaml", "Chart.lock", "requirements.yaml", "requirements.lock"}, f.name) {
			if err := manifest.CheckExpansion(f.origin, f.content); err != nil {
				return nil, err
			}
		}
		own = append(own, &archive.BufferedFile{Name: f.name, Data: slices.Clone(f.content)}) // the store's bytes are not the library's to change
	}
	if _, has := origin[render.ChartFile]; !has {
		return nil, fmt.Errorf("%s: there is no %s in it, so it is no chart", shown(at.folder), render.ChartFile)
	}
	c, err := loader.LoadFiles(withoutOld(own))
	if err != nil {
		return nil, b.unreadable(at.folder, origin, own, err)
	}
	if c.Metadata.APIVersion != chart.APIVersionV1 && c.Metadata.APIVersion != chart.APIVersionV2 {
		return nil, fmt.Errorf("%s: apiVersion %q is not known; there are v1 and v2", origin[render.ChartFile], c.Metadata.APIVersion)
	}
	for _, list := range [][]*common.File{c.Templates, c.Files} {
		for _, f := range list {
			b.origins[f] = origin[f.Name]
		}
	}
	return c, b.depend(c, vendored, at)
}

// withoutOld leaves out the files that charts of version 2 don't have any more,
// as the library does, which also complains about them to the process's log.
func withoutOld(files []*archive.BufferedFile) []*archive.BufferedFile {
	var m chart.Metadata
	for _, f := range files {
		if f.Name == render.ChartFile && yaml.Unmarshal(f.Data, &m) != nil {
			return files // which the library tells
		}
	}
	if cmp.Or(m.APIVersion, chart.APIVersionV1) == chart.APIVersionV1 {
		return files
	}
	return slices.DeleteFunc(files, func(f *archive.BufferedFile) bool {
		return f.Name == "requirements.lock"
	})
}

// unreadable tells which of a chart's own files the library could not read, and
// quotes nothing of it.
func (b *build) unreadable(folder string, origin map[string]string, files []*archive.BufferedFile, err error) error {
	var wrong chart.ValidationError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s: %s; correct it", origin[render.ChartFile], strings.TrimPrefix(strings.TrimPrefix(err.Error(), "validation: "), "chart.metadata."))
	}
	for _, f := range files {
		if !strings.Contains(err.Error(), "cannot load "+f.Name) {
			continue
		}
		if err := sound(origin[f.Name], f.Data); err != nil {
			return err
		}
		return fmt.Errorf("%s: a field has a value of the wrong type; correct it", origin[f.Name])
	}
	return fmt.Errorf("%s: the chart can't be read: %w", shown(folder), err)
}

// sound says what is wrong with a file of YAML, and where.
func sound(at string, content []byte) error {
	for _, err := range manifest.Read(at, content) {
		if err != nil {
			return err
		}
	}
	return nil
}
