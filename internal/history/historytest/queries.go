package historytest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

var (
	web1    = object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	web2    = object.Key{Group: "apps", Kind: "Deployment", Namespace: "cart", Name: "web"}
	service = object.Key{Kind: "Service", Namespace: "shop", Name: "web"}
	role    = object.Key{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "web"}
	gear    = object.Key{Group: "example.com", Kind: "Service", Namespace: "shop", Name: "web"}
)

// with is a release of an author's that changes objects.
func with(r release.Release, author string, objects ...object.Key) release.Release {
	r.Revision.Author = author
	for _, key := range objects {
		r.Changes = append(r.Changes, release.Change{Action: "update", Object: key})
	}
	return r
}

// question is a query and the releases that answer it, newest first, by their
// place among all that were saved.
type question struct {
	query history.Query
	want  []int
}

// ask saves releases in the order given, and asks.
func ask(t *testing.T, s history.Store, releases []release.Release, questions []question) {
	t.Helper()
	place := map[int64]int{}
	for i, r := range releases {
		place[save(t, s, r).ID] = i
	}
	for _, q := range questions {
		got := []int{}
		for _, id := range list(t, s, q.query) {
			got = append(got, place[id])
		}
		if diff := cmp.Diff(q.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", q.query, diff)
		}
	}
}

func byAuthor(t *testing.T, s history.Store) {
	by := func(author string) release.Release { return with(aRelease("a/one", 0, release.Failed), author) }
	ask(t, s, []release.Release{by("Ana Björk <ana@example.com>"), by("ÅSA <asa@example.com>"), by(""), by("Ana Björk <ana@example.com>"), by("100% <x_y@example.org>")}, []question{
		{history.Query{Author: "ana björk"}, []int{3, 0}},
		{history.Query{Author: "BJÖRK"}, []int{3, 0}},
		{history.Query{Author: "åsa"}, []int{1}},
		{history.Query{Author: "@example.com"}, []int{3, 1, 0}},
		{history.Query{Author: "<ana@"}, []int{3, 0}},
		{history.Query{Author: "%"}, []int{4}},
		{history.Query{Author: "x_y"}, []int{4}},
		{history.Query{Author: "x.y"}, []int{}},
		{history.Query{Author: " "}, []int{4, 3, 1, 0}},
		{history.Query{Author: "nobody"}, []int{}},
		{history.Query{Author: "'"}, []int{}},
	})
}

func byObject(t *testing.T, s history.Store) {
	about := func(objects ...object.Key) release.Release {
		return with(aRelease("a/one", 0, release.Failed), "", objects...)
	}
	ask(t, s, []release.Release{about(web1, service), about(web2), about(role), about(), about(service, service, web1), about(gear)}, []question{
		{history.Query{Object: "Deployment/shop/web"}, []int{4, 0}},
		{history.Query{Object: "deployment/shop/web"}, []int{4, 0}},
		{history.Query{Object: "Deployment.apps/shop/web"}, []int{4, 0}},
		{history.Query{Object: "Deployment.example.com/shop/web"}, []int{}},
		{history.Query{Object: "Deployment/web"}, []int{4, 1, 0}},
		{history.Query{Object: "ClusterRole/web"}, []int{2}},
		{history.Query{Object: "Service/shop/web"}, []int{5, 4, 0}},
		{history.Query{Object: "Service.example.com/web"}, []int{5}},
		{history.Query{Object: "Deployment/shop/we"}, []int{}},
		{history.Query{Object: "Deployment/Shop/web"}, []int{}},
		{history.Query{Object: "Deployment/%"}, []int{}},
	})
}

func byTime(t *testing.T, s history.Store) {
	at := func(minute int) time.Time { return day.Add(time.Duration(minute) * time.Minute) }
	seen := func(minute int) release.Release { return aRelease("a/one", minute, release.Failed) }
	ask(t, s, []release.Release{seen(1), seen(3), seen(2), seen(4)}, []question{ // a release can be recorded after one that was seen later
		{history.Query{Since: at(2)}, []int{3, 2, 1}},
		{history.Query{Since: at(2).Add(1)}, []int{3, 1}},
		{history.Query{Until: at(2)}, []int{0}},
		{history.Query{Since: at(2), Until: at(4)}, []int{2, 1}},
		{history.Query{Since: at(5)}, []int{}},
		{history.Query{Since: at(2).In(time.FixedZone("", 3600)), Limit: 1}, []int{3}},
	})
}

func byCause(t *testing.T, s history.Store) {
	because := func(trigger release.Trigger) release.Release {
		r := aRelease("a/one", 0, release.Failed)
		r.Trigger = trigger
		return r
	}
	ask(t, s, []release.Release{because(release.TriggerCommit), because(release.TriggerDrift), because(release.TriggerManual), because(release.TriggerDrift)}, []question{
		{history.Query{Trigger: release.TriggerDrift}, []int{3, 1}},
		{history.Query{Trigger: release.TriggerManual}, []int{2}},
		{history.Query{Trigger: release.TriggerRemoval}, []int{}},
		{history.Query{Intended: true}, []int{2, 0}},
		{history.Query{Intended: true, Trigger: release.TriggerDrift}, []int{}},
	})
}

func byAll(t *testing.T, s history.Store) {
	var releases []release.Release
	for i := range 4 {
		releases = append(releases,
			with(aRelease("a/one", 16+i, release.Failed), "Ana <ana@example.com>", web1, service),
			with(aRelease("a/one", 16+i, release.Succeeded), "Ana <ana@example.com>", web1),
			with(aRelease("a/two", 16+i, release.Failed), "Ana <ana@example.com>", web1),
			with(aRelease("a/one", 16+i, release.Failed), "Bob <bob@example.com>", web1),
			with(aRelease("a/one", 16+i, release.Failed), "Ana <ana@example.com>", web2))
	}
	ask(t, s, releases, []question{{history.Query{
		App: "a/one", Outcome: release.Failed, Author: "ana", Object: "Deployment/shop/web", Trigger: release.TriggerCommit, Intended: true,
		Commit: "0000001", Since: day.Add(17 * time.Minute), Until: day.Add(19 * time.Minute),
	}, []int{10, 5}}})
}

// A release is asked by what it is now, not by what it was.
func askedAfterChange(t *testing.T, s history.Store) {
	r := save(t, s, with(aRelease("a/one", 1, release.Running), "Ana", web1, service))
	other := save(t, s, with(aRelease("a/one", 2, release.Running), "Ana", web1))
	r.Revision.Author, r.Trigger, r.Seen = "Bob", release.TriggerManual, day.Add(time.Hour)
	r.Changes = []release.Change{{Action: "update", Object: service}, {Action: "prune", Object: role}}
	save(t, s, r)
	for _, test := range []struct {
		query history.Query
		want  []int64
	}{
		{history.Query{Author: "ana"}, []int64{other.ID}},
		{history.Query{Author: "bob"}, []int64{r.ID}},
		{history.Query{Object: "Deployment/web"}, []int64{other.ID}},
		{history.Query{Object: "Service/web"}, []int64{r.ID}},
		{history.Query{Object: "ClusterRole/web"}, []int64{r.ID}},
		{history.Query{Trigger: release.TriggerCommit}, []int64{other.ID}},
		{history.Query{Since: day.Add(time.Hour)}, []int64{r.ID}},
	} {
		if diff := cmp.Diff(test.want, list(t, s, test.query)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", test.query, diff)
		}
	}
}
