package sqlite

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"plumb.dev/plumb/internal/history"
)

// BenchmarkPage asks for a page of 50 out of 100,000 releases.
func BenchmarkPage(b *testing.B) {
	s := crowded(b)
	for _, q := range crowdQueries() {
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
	s := crowded(b)
	for b.Loop() {
		if _, err := s.Save(b.Context(), crowdRelease(rand.IntN(crowdSize))); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTrim removes one release of 100,000, and then nothing.
func BenchmarkTrim(b *testing.B) {
	s := crowded(b)
	bounds := history.Bounds{Age: 1000 * time.Hour, Count: crowdSize / 2} // as many as the App with most has
	now := crowdRelease(crowdSize).Seen
	b.Run("nothing", func(b *testing.B) {
		for b.Loop() {
			if n, err := s.Trim(b.Context(), bounds, now); err != nil || n != 0 {
				b.Fatal(n, err)
			}
		}
	})
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Save(b.Context(), crowdRelease(12)); err != nil {
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
	first := crowded(b)
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
	for i := range crowdApps {
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
			if err != nil || n != 5*crowdApps {
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
