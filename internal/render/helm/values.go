package helm

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"k8s.io/apimachinery/pkg/runtime"

	"plumb.dev/plumb/internal/manifest"
	"plumb.dev/plumb/internal/tree"
)

// maxValueFiles bounds how many files of values count.
const maxValueFiles = 200

// readValues are the values that the App gives: those of its files, one over
// the other, over them those from the target, and over all those that it
// declares. The chart's own are below.
func (b *build) readValues() (map[string]any, error) {
	merged := map[string]any{}
	files, err := b.valueFiles()
	if err != nil {
		return nil, err
	}
	for _, at := range files {
		content, err := b.Files.ReadFile(at)
		if err != nil {
			return nil, fmt.Errorf("spec.render.helm.valueFiles: %w", err)
		}
		if err := b.count(at, len(content)); err != nil {
			return nil, err
		}
		values, err := parseValues(at, content)
		if err != nil {
			return nil, err
		}
		merged = loader.MergeMaps(merged, values)
	}
	for i, from := range b.params.ValuesFrom {
		if merged, err = b.valuesFrom(merged, from); err != nil {
			return nil, fmt.Errorf("spec.render.helm.valuesFrom[%d]: %w", i, err)
		}
	}
	return loader.MergeMaps(merged, runtime.DeepCopyJSON(b.params.Values)), nil
}

// parseValues reads a file of values as Helm does.
func parseValues(at string, content []byte) (map[string]any, error) {
	if err := manifest.CheckExpansion(at, content); err != nil {
		return nil, err
	}
	values, err := loader.LoadValues(bytes.NewReader(withoutMark(content)))
	if err != nil {
		if why := sound(at, content); why != nil {
			return nil, why
		}
		return nil, fmt.Errorf("%s: its values are no mapping; correct it", at) // the library's error may quote them
	}
	return values, nil
}

// valueFiles are the paths that the parameters name, patterns resolved.
func (b *build) valueFiles() ([]string, error) {
	var files []string
	for i, given := range b.params.ValueFiles {
		field := fmt.Sprintf("spec.render.helm.valueFiles[%d]", i)
		at, isInside := b.valueFile(given)
		if !isInside {
			return nil, fmt.Errorf("%s: %s leads out of the repository; name a file in it", field, given)
		}
		found, err := b.glob(at)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no file matches %s; correct it, or add the file", field, given)
		}
		if files = append(files, found...); len(files) > maxValueFiles {
			return nil, fmt.Errorf("%s: there are more than %d files of values; merge some", field, maxValueFiles)
		}
	}
	return files, nil
}

// valueFile is where a path or pattern of a file of values leads: in the chart's
// folder, or in the App's where the chart is a source of its own; with a leading
// slash from the repository's top, and with @NAME in another source.
func (b *build) valueFile(given string) (at string, isInside bool) {
	folder := b.Path
	if b.Params.ValuesBase != "" || strings.HasPrefix(folder, tree.MountMark) {
		folder = b.Params.ValuesBase
	}
	if rest, fromTop := strings.CutPrefix(given, "/"); fromTop {
		return inside("", rest)
	}
	if strings.HasPrefix(given, tree.MountMark) {
		mount, rest, _ := strings.Cut(given, "/")
		return inside(mount, rest)
	}
	return inside(folder, given)
}

// glob finds the files that match a pattern, sorted. A path without a pattern is
// yielded as it is, so that reading it tells what is wrong.
func (b *build) glob(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, `*?[`) {
		return []string{pattern}, nil
	}
	found := []string{""}
	names := strings.Split(pattern, "/")
	for i, name := range names {
		var next []string
		for _, folder := range found {
			matched, err := b.matches(folder, name, i < len(names)-1)
			if err != nil {
				return nil, err
			}
			if next = append(next, matched...); len(next) > maxValueFiles {
				return nil, fmt.Errorf("more than %d files or folders match %s; name them more closely", maxValueFiles, pattern)
			}
		}
		found = next
	}
	slices.Sort(found)
	return found, nil
}

// matches are the files, or the folders, in a folder whose name fits.
func (b *build) matches(folder, name string, wantFolder bool) ([]string, error) {
	if wantFolder && !strings.ContainsAny(name, `*?[`) {
		return []string{path.Join(folder, name)}, nil
	}
	entries, err := b.Files.ReadDir(folder)
	if errors.Is(err, tree.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range entries {
		fits, err := path.Match(name, e.Name)
		if err != nil {
			return nil, fmt.Errorf("%s is not a pattern: %w", name, err)
		}
		if !fits {
			continue
		}
		below := path.Join(folder, e.Name)
		if e.Mode == tree.Link {
			if e, err = b.Files.Stat(below); err != nil {
				return nil, err
			}
		}
		if (e.Mode == tree.Folder) == wantFolder {
			found = append(found, below)
		}
	}
	return found, nil
}
