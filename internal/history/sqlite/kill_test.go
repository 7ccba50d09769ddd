package sqlite_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/history/sqlite"
	"plumb.dev/plumb/internal/release"
)

// writerVariable makes this test binary save releases, events and what people
// said into the file that it names, without an end, telling the ID of each
// release once all three are saved.
const writerVariable = "PLUMB_TEST_WRITE_HISTORY"

// TestS62_WriterProcess is that process; in an ordinary run there is nothing for it to do.
func TestS62_WriterProcess(t *testing.T) {
	path := os.Getenv(writerVariable)
	if path == "" {
		return
	}
	s, _, err := sqlite.Open(t.Context(), sqlite.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	for {
		r, err := s.Save(t.Context(), release.Release{App: "a/one", Outcome: release.Running, Seen: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.AddEvents(t.Context(), []event.Event{{Release: r.ID}}); err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), history.DeskApproval, "a/one", strconv.AppendInt(nil, r.ID, 10)); err != nil {
			t.Fatal(err)
		}
		fmt.Println(r.ID)
	}
}

// TestS62_KilledWriterLosesNothing kills the process that writes, again and
// again: what was saved is there, and the file is sound.
func TestS62_KilledWriterLosesNothing(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/history.db"
	var last int64
	for round := range 5 {
		last = killAfter(t, path, 10*(round+1))
	}
	s := open(t, path)
	defer s.Close()
	for id := int64(1); id <= last; id++ {
		if _, err := s.Get(t.Context(), id); err != nil {
			t.Errorf("release %d of %d is gone: %v", id, last, err)
		}
	}
	events, err := s.ListEvents(t.Context(), event.Query{Limit: event.MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	told := map[int64]bool{}
	for _, e := range events {
		told[e.Release] = true
	}
	kept, err := s.Kept(t.Context(), history.DeskApproval)
	if err != nil {
		t.Fatal(err)
	}
	said, err := strconv.ParseInt(string(kept["a/one"]), 10, 64)
	if err != nil || said < last || !told[last] {
		t.Errorf("after release %d the desk holds %d (%v), and there is an event of it: %v", last, said, err, told[last])
	}
}

// killAfter runs a writer, kills it once it saved n releases, and returns the
// last ID that it told.
func killAfter(t *testing.T, path string, n int) (last int64) {
	t.Helper()
	writer := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestS62_WriterProcess$")
	writer.Env = append(os.Environ(), writerVariable+"="+path)
	writer.Stderr = os.Stderr
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for told := 0; lines.Scan(); told++ {
		if last, err = strconv.ParseInt(lines.Text(), 10, 64); err != nil {
			t.Fatalf("the writer says %q", lines.Text())
		}
		if told == n {
			if err := writer.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if err := writer.Wait(); err == nil {
		t.Fatal("the writer ended by itself")
	}
	return last
}
