package sqlite

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
)

// TestManyReleases asks a history of 100,000 releases. The race detector makes
// that a hundred times slower, so under it the test runs once more without.
func TestManyReleases(t *testing.T) {
	if raceDetector {
		withoutRaceDetector(t)
		return
	}
	s := crowded(t)
	t.Run("are what saving makes", func(t *testing.T) { sameRows(t, s) })
	t.Run("pages are quick", func(t *testing.T) { quickPages(t, s) })
	t.Run("an export takes no room", func(t *testing.T) { smallExport(t, s) })
}

func withoutRaceDetector(t *testing.T) {
	again := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-run=^"+t.Name()+"$", ".")
	again.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false")
	said, err := again.CombinedOutput()
	t.Logf("%s", said)
	if err != nil {
		t.Errorf("without the race detector it fails: %v", err)
	}
}

// sameRows holds that the many rows that are asked here are those that saving
// as many releases would make.
func sameRows(t *testing.T, many *Store) {
	few, _, err := Open(t.Context(), Options{Path: t.TempDir() + "/history.db"})
	if err != nil {
		t.Fatal(err)
	}
	defer few.Close()
	numbers := []int{0, 1, 7, 19, 500, 999, 1000, 20_019, 54_321, crowdSize - 1}
	for _, i := range numbers {
		r := crowdRelease(i)
		if _, err := few.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	const row = `
SELECT app, commit_hash, outcome, cause, seen, authors.name, authors.folded, (
    SELECT group_concat(api_group || '/' || kind || '/' || namespace || '/' || objects.name, ' ' ORDER BY objects.name)
    FROM touched JOIN objects ON objects.id = touched.object WHERE release_id = releases.id)
FROM releases JOIN authors ON authors.id = author WHERE releases.id = ?`
	read := func(s *Store, id int) (columns [8]string) {
		into := make([]any, len(columns))
		for i := range columns {
			into[i] = &columns[i]
		}
		if err := s.read.QueryRowContext(t.Context(), row, id).Scan(into...); err != nil {
			t.Fatal(err)
		}
		return columns
	}
	for place, i := range numbers {
		if diff := cmp.Diff(read(few, place+1), read(many, i+1)); diff != "" {
			t.Errorf("release %d (-saved +crowd):\n%s", i, diff)
		}
	}
}

// quickPages asks for a page by everything that a history can be asked by.
func quickPages(t *testing.T, s *Store) {
	const tries, most = 5, 100 * time.Millisecond
	for _, q := range crowdQueries() {
		best := time.Hour
		for range tries {
			start := worked(t)
			page, err := s.List(t.Context(), q.query)
			best = min(best, worked(t)-start)
			if err != nil || len(page) != q.want {
				t.Fatalf("%s: %d releases, %v; want %d", q.name, len(page), err, q.want)
			}
		}
		t.Logf("%-28s %8.2f ms", q.name, float64(best.Microseconds())/1000)
		if best > most {
			t.Errorf("%s: a page takes %v; want less than %v", q.name, best, most)
		}
	}
}

// worked is the time that this process was at work: others are, too, on this machine.
func worked(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// smallExport holds that an export takes as much memory for many releases as
// for few.
func smallExport(t *testing.T, s *Store) {
	const most = 2 << 20
	gauge := &memoryGauge{}
	gauge.look()
	before := gauge.most
	n, err := history.Export(t.Context(), s.List, history.Query{Trigger: release.TriggerDrift}, gauge)
	if err != nil || n != crowdSize/20 {
		t.Fatalf("%d releases, %v; want %d", n, err, crowdSize/20)
	}
	t.Logf("%d releases are %d MB, and took %d KB", n, gauge.written>>20, (gauge.most-before)>>10)
	if gauge.most > before+most || gauge.written < most/2 {
		t.Errorf("writing %d bytes took %d of memory; want less than %d", gauge.written, gauge.most-before, most)
	}
}

// memoryGauge looks, while it is written to, how much memory is in use.
type memoryGauge struct {
	lines, written int
	most           uint64
}

func (g *memoryGauge) Write(p []byte) (int, error) {
	g.written += len(p)
	if g.lines++; g.lines%500 == 0 {
		g.look()
	}
	return len(p), nil
}

func (g *memoryGauge) look() {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	g.most = max(g.most, m.HeapAlloc)
}
