package helm

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"plumb.dev/plumb/internal/render"
)

// depend gives a chart those it depends on: the ones in its folder charts, and
// those that are named as file:// in the tree. They are in one order whatever
// their files' names, so that which of two versions is taken is no chance.
func (b *build) depend(c *chart.Chart, vendored map[string][]file, at place) error {
	for _, name := range slices.Sorted(maps.Keys(vendored)) {
		if strings.IndexAny(name, "_.") == 0 {
			continue
		}
		sub, err := b.vendored(name, vendored[name], at)
		if err != nil {
			return err
		}
		if sub != nil {
			c.AddDependency(sub)
		}
	}
	wrong := locked(c, at)
	if err := b.local(c, at); err != nil {
		return err
	}
	needed, err := b.remote(c, at, wrong)
	if err != nil {
		return err
	}
	if wrong != nil {
		b.Notice(wrong.Error())
	}
	sorted := slices.Clone(c.Dependencies())
	slices.SortStableFunc(sorted, func(x, y *chart.Chart) int {
		return cmp.Or(strings.Compare(x.Name(), y.Name()), -compareVersions(x.Metadata.Version, y.Metadata.Version))
	})
	c.SetDependencies(sorted...)
	return missing(c, at, needed)
}

func compareVersions(x, y string) int {
	a, errA := semver.NewVersion(x)
	b, errB := semver.NewVersion(y)
	if errA != nil || errB != nil {
		return strings.Compare(x, y)
	}
	return a.Compare(b)
}

// vendored is the chart that an entry of charts/ holds, or nil where it is a
// file that has nothing to do with charts.
func (b *build) vendored(name string, files []file, at place) (*chart.Chart, error) {
	below := place{folder: path.Join(at.folder, "charts", name), packed: at.packed, leading: append(slices.Clone(at.leading), path.Join(at.folder, "charts", name))}
	if at.packed {
		below.folder = at.folder
	}
	if len(below.leading) > b.bounds.depth {
		return nil, fmt.Errorf("%s: charts depend on each other more than %d deep: merge some of them", below.folder, b.bounds.depth)
	}
	if path.Ext(name) == ".tgz" && len(files) == 1 && files[0].name == name {
		unpacked, err := b.unpack(files[0].origin, files[0].content)
		if err != nil {
			return nil, err
		}
		below.packed, below.folder = true, files[0].origin
		return b.assemble(unpacked, below)
	}
	var own []file
	for _, f := range files {
		if _, rest, isBelow := strings.Cut(f.name, "/"); isBelow {
			f.name = rest
			own = append(own, f)
		}
	}
	if len(own) == 0 {
		return nil, nil
	}
	return b.assemble(own, below)
}

// local loads the dependencies that are named as file:// and aren't in charts/.
func (b *build) local(c *chart.Chart, at place) error {
	for _, d := range c.Metadata.Dependencies {
		given, isLocal := strings.CutPrefix(d.Repository, "file://")
		if !isLocal || has(c, d.Name) {
			continue
		}
		folder, isInside := inside(at.folder, given)
		if !isInside || at.packed {
			return fmt.Errorf("%s: the dependency %s is at %s, which is not in the repository; vendor it: helm dependency update, and commit charts/",
				path.Join(at.folder, render.ChartFile), d.Name, d.Repository)
		}
		sub, err := b.load(folder, at.leading)
		if err != nil {
			return fmt.Errorf("the dependency %s: %w", d.Name, err)
		}
		if sub.Name() != d.Name {
			return fmt.Errorf("%s: the dependency %s is at %s, but the chart there is %s; correct one of the names",
				path.Join(at.folder, render.ChartFile), d.Name, d.Repository, sub.Name())
		}
		c.AddDependency(sub)
	}
	return nil
}

func has(c *chart.Chart, name string) bool {
	return slices.ContainsFunc(c.Dependencies(), func(d *chart.Chart) bool { return d.Name() == name })
}

// missing names the dependencies that aren't there, and won't be.
func missing(c *chart.Chart, at place, needed map[string]bool) error {
	var absent []string
	for _, d := range c.Metadata.Dependencies {
		if !has(c, d.Name) && !needed[d.Name] {
			absent = append(absent, strings.TrimSpace(fmt.Sprintf("%s %s", d.Name, d.Version)))
		}
	}
	if len(absent) == 0 {
		return nil
	}
	return fmt.Errorf("%s: what it depends on is not in charts/, and no repository is named: %s; name the repository, or commit charts/",
		path.Join(at.folder, render.ChartFile), strings.Join(absent, ", "))
}

// locked says where a chart's Chart.lock is wrong: it was made for other
// dependencies, or charts/ has others than it says. As long as nothing is
// fetched by it, that is no error: Helm goes by what is in charts/ then.
func locked(c *chart.Chart, at place) error {
	if c.Lock == nil {
		return nil
	}
	in := path.Join(at.folder, render.ChartFile)
	lock := "Chart.lock"
	digests := []string{digest([2][]*chart.Dependency{c.Metadata.Dependencies, c.Lock.Dependencies})}
	if c.Metadata.APIVersion == chart.APIVersionV1 {
		lock = "requirements.lock"
		digests = append(digests, digest(map[string][]*chart.Dependency{"dependencies": c.Metadata.Dependencies}))
	}
	if !slices.ContainsFunc(c.Metadata.Dependencies, named) && !slices.Contains(digests, c.Lock.Digest) {
		return fmt.Errorf("%s: %s was made for other dependencies than it names; bring it in line: helm dependency update", in, lock)
	}
	for _, l := range c.Lock.Dependencies {
		if l == nil || strings.HasPrefix(l.Repository, "file://") || !has(c, l.Name) {
			continue
		}
		if !slices.ContainsFunc(c.Dependencies(), func(d *chart.Chart) bool { return d.Name() == l.Name && same(d.Metadata.Version, l.Version) }) {
			return fmt.Errorf("%s: %s names version %s of %s, and charts/ has another; bring it in line: helm dependency build", in, lock, l.Version, l.Name)
		}
	}
	return nil
}

// named says that a repository is given by a name, which only the configuration
// of who made the lock file knows; the digest is that of its URL.
func named(d *chart.Dependency) bool {
	return strings.HasPrefix(d.Repository, "@") || strings.HasPrefix(d.Repository, "alias:")
}

func same(x, y string) bool { return strings.TrimPrefix(x, "v") == strings.TrimPrefix(y, "v") }

// digest is what Helm writes to a lock file: the SHA-256 of dependencies as JSON.
func digest(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
