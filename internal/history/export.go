package history

import (
	"context"
	"encoding/json"
	"io"

	"plumb.dev/plumb/internal/release"
)

// exportPage is how many releases an export holds in memory at a time.
const exportPage = 50

// Lister is what lists releases: Store.List, or the same asked of a daemon.
type Lister func(ctx context.Context, q Query) ([]release.Release, error)

// Export writes all releases that a query selects to w, newest first, each as
// one line of JSON, and says how many. The query's Limit doesn't count, and
// what is recorded meanwhile isn't among them.
func Export(ctx context.Context, list Lister, q Query, w io.Writer) (written int, err error) {
	q.Limit = exportPage
	lines := json.NewEncoder(w)
	for {
		page, err := list(ctx, q)
		if err != nil || len(page) == 0 {
			return written, err
		}
		for _, r := range page {
			if err := lines.Encode(r); err != nil {
				return written, err
			}
			written++
			q.Before = r.ID
		}
	}
}
