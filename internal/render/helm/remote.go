package helm

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"plumb.dev/plumb/api/v1alpha1"
	"plumb.dev/plumb/internal/render"
	"plumb.dev/plumb/internal/tree"
)

// remote loads the dependencies that are in a chart repository or registry, and
// not in charts/, from where they are mounted. Those that aren't mounted yet are
// noted as needed; their names are returned. Nothing is fetched by a lock file
// that is wrong.
func (b *build) remote(c *chart.Chart, at place, wrongLock error) (needed map[string]bool, err error) {
	vendored := map[string]bool{}
	for _, d := range c.Dependencies() {
		vendored[d.Name()] = true
	}
	needed = map[string]bool{}
	taken := map[string]bool{}
	for i, d := range c.Metadata.Dependencies {
		if d.Repository == "" || strings.HasPrefix(d.Repository, "file://") || vendored[d.Name] {
			continue
		}
		if wrongLock != nil {
			return nil, wrongLock
		}
		if why := unreachable(d.Repository); why != "" {
			return nil, fmt.Errorf("%s: the repository of the dependency %s %s", path.Join(at.folder, render.ChartFile), d.Name, why)
		}
		need := render.Need{Chart: &v1alpha1.Chart{Repository: d.Repository, Name: d.Name, Version: lockedVersion(c, i)}}
		mount := need.Mount()
		if taken[mount] {
			continue // another alias of the same
		}
		taken[mount] = true
		sub, err := b.fetched(need, at)
		switch {
		case err != nil:
			return nil, err
		case sub == nil:
			needed[d.Name] = true
		default:
			c.AddDependency(sub)
		}
	}
	return needed, nil
}

// fetched is the chart that is mounted for a need, or nil where it isn't yet.
func (b *build) fetched(need render.Need, at place) (*chart.Chart, error) {
	if b.Need != nil {
		b.Need(need)
	}
	mount := need.Mount()
	switch _, err := b.Files.Stat(mount); {
	case errors.Is(err, tree.ErrNotFound):
		b.needs = append(b.needs, need)
		return nil, nil
	case err != nil:
		return nil, err
	}
	sub, err := b.load(mount, at.leading)
	if err != nil {
		return nil, fmt.Errorf("%s: the dependency %s: %w", path.Join(at.folder, render.ChartFile), need.Chart.Name, err)
	}
	if sub.Name() != need.Chart.Name {
		return nil, fmt.Errorf("%s: the dependency %s is called %s by itself; correct one of the names", path.Join(at.folder, render.ChartFile), need.Chart.Name, sub.Name())
	}
	return sub, nil
}

// lockedVersion is the version of a chart's dependency that its lock file names,
// or else what the chart asks for.
func lockedVersion(c *chart.Chart, i int) string {
	d := c.Metadata.Dependencies[i]
	if c.Lock == nil {
		return d.Version
	}
	fits := func(l *chart.Dependency) bool { return l != nil && l.Name == d.Name && l.Version != "" }
	if i < len(c.Lock.Dependencies) && fits(c.Lock.Dependencies[i]) {
		return c.Lock.Dependencies[i].Version
	}
	if at := slices.IndexFunc(c.Lock.Dependencies, fits); at >= 0 {
		return c.Lock.Dependencies[at].Version
	}
	return d.Version
}

// unreachable says why nothing is fetched from a repository. It doesn't quote
// what may hold a password.
func unreachable(repository string) string {
	u, err := url.Parse(repository)
	switch {
	case strings.HasPrefix(repository, "@"), strings.HasPrefix(repository, "alias:"):
		return fmt.Sprintf("is given as %q, a name that only the one who added it knows; give its URL", repository)
	case err != nil:
		return "is not a URL; correct it"
	case u.User != nil:
		return "has a user in its URL; credentials are given to the daemon"
	case u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "oci":
		return fmt.Sprintf("is of the kind %q, which Plumb doesn't fetch from; use https:// or oci://, or vendor it: helm dependency build, and commit charts/", u.Scheme)
	case u.Host == "":
		return "names no host; correct it"
	}
	return ""
}
