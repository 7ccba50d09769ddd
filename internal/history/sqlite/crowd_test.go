package sqlite

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

// A history of 100,000 releases of 1,000 Apps by 200 authors: a commit in ten
// touches all Apps, one release in a thousand failed, one in twenty put drift
// right, and each changed five objects. Half of them are of one App, which is
// the worst that a history is: nobody keeps that many of each.
const (
	crowdSize    = 100_000
	crowdApps    = 1_000
	crowdAuthors = 200
	crowdObjects = 5
)

// crowdRelease is the i-th release, without an ID.
func crowdRelease(i int) release.Release {
	round, seen := i/crowdApps, time.Unix(1_700_000_000+int64(i), 0).UTC()
	commit := fmt.Sprintf("%040x", i*0x9e3779b9)
	if round%10 == 0 {
		commit = fmt.Sprintf("cafe%036x", round)
	}
	number := i % crowdApps
	if i%2 == 0 {
		number = 0
	}
	author := fmt.Sprintf("Author %d <author-%d@example.com>", i%crowdAuthors, i%crowdAuthors)
	r := release.Release{
		App: fmt.Sprintf("team/app-%d", number), Trigger: release.TriggerCommit, Actor: author, Outcome: release.Succeeded,
		Revision: release.Revision{
			URL: "https://git.example.com/fleet.git", Ref: "refs/heads/main", Commit: commit, Author: author,
			Message: "shop: raise the limit of the cart\n\nIt was reached on Friday.", Time: seen,
		},
		Attempts: []release.Attempt{{Started: seen, Ended: seen.Add(time.Second)}},
		Seen:     seen, Planned: seen, Applied: seen, Healthy: seen, Finished: seen,
	}
	if i%1000 == 7 {
		r.Outcome = release.Failed
	}
	if i%20 == 19 {
		r.Trigger = release.TriggerDrift
	}
	for n := range crowdObjects {
		key := object.Key{Group: "apps", Kind: "Deployment", Namespace: fmt.Sprint("app-", number), Name: fmt.Sprint("web-", n)}
		r.Changes = append(r.Changes, release.Change{Action: "update", Object: key, Origin: object.Origin{File: "apps/shop/web.yaml", Line: n}})
	}
	return r
}

// crowd writes the rows that saving each release would, in a tenth of the time.
// TestManyReleases compares.
const crowd = `
CREATE TEMPORARY TABLE n AS
WITH RECURSIVE count (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM count WHERE i + 1 < 100000)
SELECT i, CASE WHEN i % 2 = 0 THEN 0 ELSE i % 1000 END AS app FROM count;

INSERT INTO authors (id, name, folded)
SELECT i + 1, printf('Author %d <author-%d@example.com>', i, i), printf('author %d <author-%d@example.com>', i, i) FROM n WHERE i < 200;

INSERT INTO releases (id, app, nth, commit_hash, outcome, cause, seen, author)
SELECT i + 1, printf('team/app-%d', app), row_number() OVER (PARTITION BY app ORDER BY i),
    CASE WHEN i / 1000 % 10 = 0 THEN printf('cafe%036x', i / 1000) ELSE printf('%040x', i * 0x9e3779b9) END,
    CASE WHEN i % 1000 = 7 THEN 'Failed' ELSE 'Succeeded' END, CASE WHEN i % 20 = 19 THEN 'drift' ELSE 'commit' END,
    (1700000000 + i) * 1000000000, i % 200 + 1
FROM n ORDER BY i;

INSERT INTO bodies (id, body) SELECT i + 1, ?1 FROM n ORDER BY i;

INSERT INTO objects (id, api_group, kind, namespace, name)
SELECT i + 1, 'apps', 'deployment', printf('app-%d', i / 5), printf('web-%d', i % 5) FROM n WHERE i < 5000;

INSERT INTO touched (object, release_id) SELECT n.app * 5 + o.i + 1, n.i + 1 FROM n o CROSS JOIN n WHERE o.i < 5;

DROP TABLE n;`

// crowded is a history of crowdSize releases. Their bodies are all one.
func crowded(tb testing.TB) *Store {
	tb.Helper()
	s, _, err := Open(tb.Context(), Options{Path: tb.TempDir() + "/history.db"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	body, err := json.Marshal(crowdRelease(7))
	if err != nil {
		tb.Fatal(err)
	}
	err = s.inTx(tb.Context(), func(tx *sql.Tx) error {
		for statement := range strings.SplitSeq(crowd, ";\n") {
			args := []any{string(body)}[:strings.Count(statement, "?1")]
			if _, err := tx.ExecContext(tb.Context(), statement, args...); err != nil {
				return fmt.Errorf("%w in %s", err, statement)
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

type crowdQuery struct {
	name  string
	query history.Query
	want  int // on the first page
}

// crowdQueries ask by everything, for much, little and nothing, and by what
// has much of each but nothing of both.
func crowdQueries() []crowdQuery {
	first, last := crowdRelease(0).Seen, crowdRelease(crowdSize-1).Seen
	return []crowdQuery{
		{"newest", history.Query{}, 50},
		{"a long page", history.Query{Limit: 500}, 500},
		{"deep", history.Query{Before: 500}, 50},
		{"app", history.Query{App: "team/app-17"}, 50},
		{"app of half of all", history.Query{App: "team/app-0"}, 50},
		{"app that failed", history.Query{App: "team/app-7", Outcome: release.Failed}, 50},
		{"commit of one", history.Query{Commit: crowdRelease(crowdSize - 5).Revision.Commit}, 1},
		{"commit of all apps", history.Query{Commit: crowdRelease(0).Revision.Commit}, 50},
		{"prefix of 10,000", history.Query{Commit: "cafe"}, 50},
		{"prefix of none", history.Query{Commit: "dead0000"}, 0},
		{"app and commit", history.Query{App: "team/app-17", Commit: "cafe"}, 10},
		{"failed", history.Query{Outcome: release.Failed}, 50},
		{"succeeded", history.Query{Outcome: release.Succeeded}, 50},
		{"running: none", history.Query{Outcome: release.Running}, 0},
		{"author", history.Query{Author: "author-11@"}, 50},
		{"author: everyone", history.Query{Author: "example.com"}, 50},
		{"author: many", history.Query{Author: "author 1"}, 50},
		{"author: nobody", history.Query{Author: "zoe"}, 0},
		{"author and another's app", history.Query{Author: "author-11@", App: "team/app-0"}, 0},
		{"object", history.Query{Object: "Deployment/app-17/web-2"}, 50},
		{"object of half of all", history.Query{Object: "Deployment/app-0/web-2"}, 50},
		{"object in any namespace", history.Query{Object: "Deployment/web-2"}, 50},
		{"object: none", history.Query{Object: "Deployment/web-9"}, 0},
		{"object of another app", history.Query{Object: "Deployment/app-0/web-2", App: "team/app-17"}, 0},
		{"object and another author", history.Query{Object: "Deployment/app-0/web-2", Author: "author-11@"}, 0},
		{"since the beginning", history.Query{Since: first}, 50},
		{"since the end", history.Query{Since: last}, 1},
		{"until the end", history.Query{Until: last}, 50},
		{"until the beginning", history.Query{Until: first.Add(10 * time.Second)}, 10},
		{"an hour in the middle", history.Query{Since: first.Add(12 * time.Hour), Until: first.Add(13 * time.Hour)}, 50},
		{"app in an hour long ago", history.Query{App: "team/app-0", Since: first, Until: first.Add(time.Minute)}, 30},
		{"corrective", history.Query{Trigger: release.TriggerDrift}, 50},
		{"intended", history.Query{Intended: true}, 50},
		{"corrective that failed: none", history.Query{Trigger: release.TriggerDrift, Outcome: release.Failed}, 0},
		{"trigger of none", history.Query{Trigger: release.TriggerManual}, 0},
		{"everything at once", history.Query{
			App: "team/app-17", Author: "author-17@", Object: "Deployment/app-17/web-0", Trigger: release.TriggerCommit, Intended: true,
			Outcome: release.Succeeded, Since: first, Until: last, Commit: "cafe", Before: crowdSize,
		}, 10},
	}
}
