package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"plumb.dev/plumb/internal/history"
)

// newestSuccess is the ID of the newest release of r's App that succeeded. It
// is what a rollback would go back to, and so is never removed.
const newestSuccess = `ifnull((SELECT max(s.id) FROM releases s WHERE s.app = r.app AND s.outcome = 'Succeeded'), 0)`

// beyondAge selects the releases seen before a time. It walks the index from
// its old end and so reads what is removed, and at most one release more per App.
const beyondAge = `
SELECT r.id FROM releases r
WHERE r.seen < ? AND r.outcome <> 'Running' AND r.id <> ` + newestSuccess

// beyondCount selects what exceeds a number of releases per App. It hops from
// App to App, and in each reads what is removed, and at most one release more.
const beyondCount = `
WITH RECURSIVE names (app) AS (
    SELECT min(app) FROM releases
    UNION ALL
    SELECT (SELECT min(app) FROM releases WHERE app > names.app) FROM names WHERE names.app IS NOT NULL
)
SELECT r.id FROM names CROSS JOIN releases r ON r.app = names.app
WHERE r.nth <= (SELECT max(nth) FROM releases WHERE app = names.app) - ?
AND r.outcome <> 'Running' AND r.id <> ` + newestSuccess

// trimBatch is how many releases one transaction removes; others write in between.
const trimBatch = 500

// Trim removes what is beyond the bounds, never a running release and never an
// App's newest success, and says how many.
func (s *Store) Trim(ctx context.Context, b history.Bounds, now time.Time) (int, error) {
	var beyond []int64
	if b.Age > 0 {
		old, err := s.ids(ctx, beyondAge, now.Add(-b.Age).UnixNano())
		if err != nil {
			return 0, s.explain("trim", err)
		}
		beyond = append(beyond, old...)
	}
	if b.Count > 0 {
		many, err := s.ids(ctx, beyondCount, b.Count)
		if err != nil {
			return 0, s.explain("trim", err)
		}
		beyond = append(beyond, many...)
	}
	slices.Sort(beyond)
	removed := 0
	for batch := range slices.Chunk(slices.Compact(beyond), trimBatch) {
		n, err := s.remove(ctx, batch)
		if err != nil {
			return removed, s.explain(fmt.Sprintf("trim, with %d releases removed so far,", removed), err)
		}
		removed += n
	}
	if removed > 0 {
		if err := s.forgetUnused(ctx); err != nil {
			return removed, s.explain("trim the names in", err)
		}
	}
	return removed, nil
}

// forgetUnused removes the authors and objects that no release is about any more.
func (s *Store) forgetUnused(ctx context.Context) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for _, statement := range []string{
			`DELETE FROM authors WHERE NOT EXISTS (SELECT 1 FROM releases WHERE author = authors.id)`,
			`DELETE FROM objects WHERE NOT EXISTS (SELECT 1 FROM touched WHERE object = objects.id)`,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// ids returns the IDs that a query selects.
func (s *Store) ids(ctx context.Context, query string, args ...any) ([]int64, error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// remove deletes releases in one transaction, leaving one that began to run again.
func (s *Store) remove(ctx context.Context, ids []int64) (removed int, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		statement, err := tx.PrepareContext(ctx, `DELETE FROM releases WHERE id = ? AND outcome <> 'Running'`)
		if err != nil {
			return err
		}
		defer statement.Close()
		for _, id := range ids {
			result, err := statement.ExecContext(ctx, id)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			removed += int(n)
		}
		return nil
	})
	return removed, err
}

// inTx does work in one writing transaction: all of it or nothing.
func (s *Store) inTx(ctx context.Context, work func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after a commit, and after an error that error is what counts
	if err := work(tx); err != nil {
		return err
	}
	return tx.Commit()
}
