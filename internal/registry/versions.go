package registry

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Exact says whether what is asked for is one version, and not a range that
// another version could come into.
func Exact(version string) bool {
	_, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v"))
	return err == nil
}

// newest picks from versions: the one that is asked for to the letter, or the
// newest in the range. Pre-releases are taken where the range names one.
// Whatever isn't a version is passed over.
func newest(asked string, versions []string) (string, error) {
	constraint, err := semver.NewConstraint(cmp.Or(asked, "*"))
	if err != nil {
		return "", fmt.Errorf("%w: %q is neither a version nor a range of them", ErrNoVersion, asked)
	}
	exact := Exact(asked)
	var best *semver.Version
	found := ""
	for _, text := range versions {
		if asked != "" && text == asked {
			return text, nil
		}
		v, err := semver.NewVersion(text)
		if err != nil || !constraint.Check(v) || exact && !sameVersion(asked, text) {
			continue
		}
		if order := compare(v, best); order > 0 || order == 0 && text > found {
			best, found = v, text
		}
	}
	if best == nil {
		return "", fmt.Errorf("%w: none of %d is %s; correct the version, or wait for one", ErrNoVersion, len(versions), cmp.Or(asked, "a release"))
	}
	return found, nil
}

// compare orders versions, and those that differ in their build alone by that:
// which is newer nobody says, but it must not be chance.
func compare(v, other *semver.Version) int {
	if other == nil {
		return 1
	}
	return cmp.Or(v.Compare(other), strings.Compare(v.Metadata(), other.Metadata()))
}

// sameVersion says whether two texts are one version, build and all.
func sameVersion(a, b string) bool {
	x, errX := semver.NewVersion(a)
	y, errY := semver.NewVersion(b)
	if errX != nil || errY != nil {
		return a == b
	}
	return x.Equal(y) && x.Metadata() == y.Metadata()
}

// respelt is a version with a v before it, or without the one that it has: which
// of the two is its tag depends on who made the chart.
func respelt(version string) string {
	if bare, has := strings.CutPrefix(version, "v"); has {
		return bare
	}
	return "v" + version
}

// tag is a version as a registry has it: + is no letter of a tag.
func tag(version string) string { return strings.ReplaceAll(version, "+", "_") }

func untag(tag string) string { return strings.ReplaceAll(tag, "_", "+") }
