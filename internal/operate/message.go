package operate

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/commit"
	"plumb.dev/plumb/internal/release"
	"plumb.dev/plumb/internal/tree"
)

// message says what a rollback goes back to, why, for whom, and what it skips.
func (r *restoration) message(files map[string]commit.File) string {
	const most = 30
	var m strings.Builder
	fmt.Fprintf(&m, "Roll back %s to release %d\n\n", r.ask.App, r.to.ID)
	fmt.Fprintf(&m, "What %s is made from becomes what it was at %s again.\n", r.ask.App, r.to.Revision.Commit)
	if why := oneLine(r.ask.Why, 1000); why != "" {
		fmt.Fprintf(&m, "Why: %s\n", why)
	}
	if by := oneLine(r.ask.By, 200); by != "" {
		fmt.Fprintf(&m, "Asked for by: %s\n", by)
	}
	if len(r.others) > 0 {
		fmt.Fprintf(&m, "Other Apps that are made from these files: %s\n", some(r.others, most))
	}
	if len(r.skipped) > 0 {
		m.WriteString("\nSkipped are the changes to these files by:\n")
	}
	for _, s := range r.skipped[:min(most, len(r.skipped))] {
		fmt.Fprintf(&m, "- %s %s: %s\n", s.Commit[:min(12, len(s.Commit))], oneLine(s.Author, 100), s.Subject)
		for _, image := range s.Images {
			fmt.Fprintf(&m, "  image %s\n", image)
		}
	}
	if more := len(r.skipped) - most; more > 0 {
		fmt.Fprintf(&m, "- and %d more\n", more)
	}
	names := sortedKeys(files)
	m.WriteString("\nFiles:\n")
	for _, name := range names[:min(most, len(names))] {
		fmt.Fprintf(&m, "- %s\n", name)
	}
	if more := len(names) - most; more > 0 {
		fmt.Fprintf(&m, "- and %d more\n", more)
	}
	return m.String()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// The bounds of a look for images: commits, files of each, and bytes of a file.
const (
	imageCommits = 20
	imageFiles   = 200
	imageBytes   = 1 << 20
)

// images are those that each of the skipped commits, given newest first, brought
// into the files. It is a courtesy: what can't be read has none.
func (r *restoration) images(log []release.Revision, names []string) map[int][]string {
	brought := map[int][]string{}
	before := imagesOf(r.then, names)
	for i := len(log) - 1; i >= 0; i-- {
		if i >= imageCommits {
			continue
		}
		files, err := r.operator.Source.Tree(r.known.Ref.URL, log[i].Commit)
		if err != nil {
			continue
		}
		after := imagesOf(files, names)
		for _, image := range sortedKeys(after) {
			if !before[image] {
				brought[i] = append(brought[i], image)
			}
		}
		before = after
	}
	return brought
}

var (
	imageLine = regexp.MustCompile(`^[\s-]*"?image"?:\s*["']?([^\s"'#{]+)`)
	nameLine  = regexp.MustCompile(`^[\s-]*(?:newName|name):\s*["']?([^\s"'#{]+)`)
	tagLine   = regexp.MustCompile(`^[\s-]*newTag:\s*["']?([^\s"'#{]+)`)
)

// imagesOf are the images that files name, by their lines: this is for people to
// read, and the files may be of any kind.
func imagesOf(files tree.Tree, names []string) map[string]bool {
	found := map[string]bool{}
	files = files.WithLimits(tree.Limits{FileBytes: imageBytes})
	for _, file := range names[:min(imageFiles, len(names))] {
		if ext := path.Ext(file); ext != ".yaml" && ext != ".yml" && ext != ".json" {
			continue
		}
		content, err := files.ReadFile(file)
		if err != nil {
			continue
		}
		name := ""
		for line := range strings.Lines(string(content)) {
			if m := imageLine.FindStringSubmatch(line); m != nil {
				found[oneLine(m[1], 300)] = true
			}
			if m := nameLine.FindStringSubmatch(line); m != nil {
				name = m[1]
			}
			if m := tagLine.FindStringSubmatch(line); m != nil && name != "" {
				found[oneLine(name+":"+m[1], 300)] = true
			}
		}
	}
	return found
}
