package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
)

// step is the end of each step of a test: all comes in line, and the history has exactly these new releases, each on a line of
//
//	APP TRIGGER COMMIT by ACTOR: ACTION KIND/NAME, ACTION KIND/NAME = OUTCOME
//
// in the order of the lines, because Apps don't wait for each other.
func (f *fleet) step(want ...string) {
	f.t.Helper()
	f.inLine()
	f.tells(want...)
}

// tells checks that the history has exactly these new releases.
func (f *fleet) tells(want ...string) {
	f.t.Helper()
	var got []string
	for _, r := range f.news() {
		got = append(got, f.line(r))
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Fatalf("the history has not exactly one release for each change (-want +got)\n%s", diff)
	}
}

// news are the releases since the last step, the oldest first. From now on they are known.
func (f *fleet) news() []release.Release {
	f.t.Helper()
	all := f.releases(f.told)
	for _, r := range all {
		f.told = max(f.told, r.ID)
	}
	return all
}

// releases are all with an id greater than one, the oldest first.
func (f *fleet) releases(after int64) []release.Release {
	f.t.Helper()
	const page = 200
	var all []release.Release
	q := history.Query{Limit: page}
	for {
		list, err := f.daemon.client.Releases(f.t.Context(), q)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, r := range list {
			if r.ID > after {
				all = append(all, r)
			}
		}
		if len(list) < page || list[len(list)-1].ID <= after {
			slices.Reverse(all)
			return all
		}
		q.Before = list[len(list)-1].ID
	}
}

var (
	address   = regexp.MustCompile(` <.*>$`)
	generated = regexp.MustCompile(`-[0-9a-z]{10}$`) // what kustomize adds to the name of a generated ConfigMap
)

// mostNamed is how many changes of a release a line names; of more it tells how many there are.
const mostNamed = 4

// line is a release as step writes it, with what is wrong with it in itself.
func (f *fleet) line(r release.Release) string {
	var changes []string
	for _, c := range r.Changes {
		name := c.Object.Name
		if c.Object.Kind == "ConfigMap" {
			name = generated.ReplaceAllString(name, "-*")
		}
		changes = append(changes, c.Action+" "+c.Object.Kind+"/"+name)
	}
	slices.Sort(changes)
	what := strings.Join(changes, ", ")
	if len(changes) > mostNamed {
		what = fmt.Sprintf("%d changes", len(changes))
	}
	line := fmt.Sprintf("%s %s %s by %s: %s = %s", strings.TrimPrefix(r.App, f.namespace+"/"), r.Trigger, f.nameOf(r.Revision.Commit),
		address.ReplaceAllString(r.Actor, ""), what, r.Outcome)
	for _, problem := range flaws(r, f.tolerated) {
		line += "; " + problem
	}
	return line
}

// flaws is what is wrong with a release in itself, whatever it was for; but for attempts that failed in a way that is part of the test.
func flaws(r release.Release, tolerated *regexp.Regexp) []string {
	var found []string
	for _, a := range r.Attempts {
		if a.Error != "" && (tolerated == nil || !tolerated.MatchString(a.Error)) {
			found = append(found, "an attempt failed: "+a.Error)
		}
	}
	if r.Outcome == release.Running {
		return found
	}
	if len(r.Attempts) == 0 {
		found = append(found, "ended without an attempt")
	}
	if r.Finished.IsZero() || r.Seen.IsZero() || r.Planned.IsZero() {
		found = append(found, "has no times")
	}
	if r.Outcome == release.Succeeded && (r.Applied.Before(r.Planned) || r.Finished.Before(r.Applied) || r.Planned.Before(r.Seen)) {
		found = append(found, fmt.Sprintf("has times out of order: seen %s, planned %s, applied %s, finished %s", r.Seen, r.Planned, r.Applied, r.Finished))
	}
	return found
}
