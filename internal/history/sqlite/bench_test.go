package sqlite

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

// The history that the benchmarks ask: 1,000 Apps, a commit in ten touches all
// of them, one release in a thousand failed.
const (
	benchReleases = 100_000
	benchApps     = 1_000
)

// benchRelease is the i-th release: five changes, an attempt, a message.
func benchRelease(i int) release.Release {
	round := i / benchApps
	commit := fmt.Sprintf("%040x", uint64(i)*0x9e3779b97f4a7c15)
	if round%10 == 0 {
		commit = fmt.Sprintf("cafe%036x", round)
	}
	seen := time.Unix(1_700_000_000+int64(i), 0)
	r := release.Release{
		App: fmt.Sprintf("team/app-%d", i%benchApps), Trigger: release.TriggerCommit, Actor: "Ana <ana@example.com>",
		Outcome: release.Succeeded, Revision: release.Revision{
			URL: "https://git.example.com/fleet.git", Ref: "refs/heads/main", Commit: commit, Author: "Ana <ana@example.com>",
			Message: "shop: raise the limit of the cart\n\nIt was reached on Friday.", Time: seen,
		},
		Attempts: []release.Attempt{{Started: seen, Ended: seen.Add(time.Second)}},
		Seen:     seen, Planned: seen, Applied: seen, Healthy: seen, Finished: seen,
	}
	if i%1000 == 7 {
		r.Outcome = release.Failed
	}
	for n := range 5 {
		key := object.Key{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: fmt.Sprintf("web-%d", n)}
		r.Changes = append(r.Changes, release.Change{Action: "update", Object: key, Origin: object.Origin{File: "apps/shop/web.yaml", Line: n}})
	}
	return r
}

// benchStore is a history of benchReleases, written in one go.
func benchStore(b *testing.B) *Store {
	b.Helper()
	s, _, err := Open(b.Context(), Options{Path: b.TempDir() + "/history.db"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	err = s.inTx(b.Context(), func(tx *sql.Tx) error {
		save := tx.StmtContext(b.Context(), s.save)
		for i := range benchReleases {
			r := benchRelease(i)
			body, err := json.Marshal(r)
			if err != nil {
				return err
			}
			var id int64
			if err := save.QueryRow(nil, r.App, r.Revision.Commit, r.Outcome, r.Seen.UnixNano(), string(body)).Scan(&id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkPage asks for a page of 50 out of 100,000 releases.
func BenchmarkPage(b *testing.B) {
	s := benchStore(b)
	all := history.Query{Limit: 50}
	for _, q := range []struct {
		name  string
		query history.Query
	}{
		{"newest", all},
		{"deep", history.Query{Before: 500}},
		{"app", history.Query{App: "team/app-18"}},
		{"app that failed", history.Query{App: "team/app-7", Outcome: release.Failed}},
		{"commit of one app", history.Query{Commit: benchRelease(benchReleases - 5).Revision.Commit}},
		{"commit of all apps", history.Query{Commit: "cafe" + strings.Repeat("0", 36)}},
		{"prefix of 10,000 releases", history.Query{Commit: "cafe"}},
		{"prefix of none", history.Query{Commit: "dead0000"}},
		{"app and commit", history.Query{App: "team/app-18", Commit: "cafe"}},
		{"failed", history.Query{Outcome: release.Failed}},
		{"running: none", history.Query{Outcome: release.Running}},
	} {
		b.Run(q.name, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := s.List(b.Context(), q.query); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(start))
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// BenchmarkSave saves one release into 100,000.
func BenchmarkSave(b *testing.B) {
	s := benchStore(b)
	for b.Loop() {
		if _, err := s.Save(b.Context(), benchRelease(rand.IntN(benchReleases))); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTrim removes one release of 100,000, and then nothing.
func BenchmarkTrim(b *testing.B) {
	s := benchStore(b)
	bounds := history.Bounds{Age: 1000 * time.Hour, Count: benchReleases / benchApps}
	now := benchRelease(benchReleases).Seen
	b.Run("nothing", func(b *testing.B) {
		for b.Loop() {
			if n, err := s.Trim(b.Context(), bounds, now); err != nil || n != 0 {
				b.Fatal(n, err)
			}
		}
	})
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Save(b.Context(), benchRelease(12)); err != nil {
				b.Fatal(err)
			}
			if n, err := s.Trim(b.Context(), bounds, now); err != nil || n != 1 {
				b.Fatal(n, err)
			}
		}
	})
}

// BenchmarkOpen opens a history of 100,000 releases, check included.
func BenchmarkOpen(b *testing.B) {
	first := benchStore(b)
	if err := first.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, _, err := Open(b.Context(), Options{Path: first.path})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkApplied saves and loads what was applied to 5,000 objects.
func BenchmarkApplied(b *testing.B) {
	s, _, err := Open(b.Context(), Options{Path: b.TempDir() + "/history.db"})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	for i := range benchApps {
		var objects []history.AppliedObject
		for n := range 5 {
			objects = append(objects, history.AppliedObject{ID: fmt.Sprintf("apps/Deployment/shop/web-%d-%d", i, n),
				UID: "6e8bb2f1-66a5-4c4a-9d58-0f2f2c3c7b3f", Digest: strings.Repeat("d", 32), Fingerprint: strings.Repeat("f", 32)})
		}
		if err := s.SaveApplied(b.Context(), fmt.Sprintf("team/app-%d", i), objects, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("load 5,000", func(b *testing.B) {
		for b.Loop() {
			n := 0
			err := s.LoadApplied(b.Context(), func(string, history.AppliedObject) error { n++; return nil })
			if err != nil || n != 5*benchApps {
				b.Fatal(n, err)
			}
		}
	})
	b.Run("save 5", func(b *testing.B) {
		var objects []history.AppliedObject
		for n := range 5 {
			objects = append(objects, history.AppliedObject{ID: fmt.Sprintf("apps/Deployment/shop/web-1-%d", n), Digest: strings.Repeat("d", 32)})
		}
		for b.Loop() {
			if err := s.SaveApplied(b.Context(), "team/app-1", objects, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
