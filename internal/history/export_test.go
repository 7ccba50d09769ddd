package history

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"plumb.dev/plumb/internal/release"
)

// pagesOf lists releases with the IDs from n down, and notes the longest page
// that was asked for.
func pagesOf(n int64, longest *int) Lister {
	return func(_ context.Context, q Query) (page []release.Release, _ error) {
		*longest = max(*longest, q.Limit)
		next := n
		if q.Before != 0 {
			next = q.Before - 1
		}
		for ; next > 0 && len(page) < q.Limit; next-- {
			page = append(page, release.Release{ID: next, App: q.App, Reason: "two\nlines"})
		}
		return page, nil
	}
}

func TestExportWritesAllPagesAsLines(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 1, exportPage, exportPage + 1, 20 * exportPage} {
		var (
			out     bytes.Buffer
			longest int
		)
		written, err := Export(t.Context(), pagesOf(n, &longest), Query{App: "team/shop", Limit: 3}, &out)
		if err != nil || written != int(n) || longest > exportPage {
			t.Errorf("of %d releases it wrote %d, %v, at most %d at a time", n, written, err, longest)
		}
		lines := bytes.Split(out.Bytes(), []byte("\n"))
		if len(lines) != int(n)+1 || len(lines[n]) != 0 {
			t.Fatalf("%d releases are %d lines, the last one %q", n, len(lines)-1, lines[len(lines)-1])
		}
		for i, line := range lines[:n] {
			var r release.Release
			if err := json.Unmarshal(line, &r); err != nil || r.ID != n-int64(i) || r.App != "team/shop" {
				t.Fatalf("line %d is %s (%v)", i, line, err)
			}
		}
	}
}

func TestExportStopsAtAnError(t *testing.T) {
	t.Parallel()
	broken, longest := errors.New("broken"), 0
	calls := 0
	failing := func(ctx context.Context, q Query) ([]release.Release, error) {
		if calls++; calls == 3 {
			return nil, broken
		}
		return pagesOf(1000, &longest)(ctx, q)
	}
	if n, err := Export(t.Context(), failing, Query{}, io.Discard); !errors.Is(err, broken) || n != 2*exportPage {
		t.Errorf("it wrote %d and ended with %v", n, err)
	}
	r, w := io.Pipe()
	if err := r.CloseWithError(broken); err != nil {
		t.Fatal(err)
	}
	if n, err := Export(t.Context(), pagesOf(1000, &longest), Query{}, w); !errors.Is(err, broken) || n != 0 {
		t.Errorf("into a broken pipe it wrote %d and ended with %v", n, err)
	}
}
