package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/release"
)

// The statements of a Save. An ID stays with the App that got it; the count of
// a new one follows the App's newest.
const (
	saveAuthor = `
INSERT INTO authors (name, folded) VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET folded = excluded.folded WHERE folded <> excluded.folded`

	saveRelease = `
INSERT INTO releases (id, app, nth, commit_hash, outcome, cause, seen, author)
VALUES (?1, ?2, 1 + ifnull((SELECT max(nth) FROM releases WHERE app = ?2), 0), ?3, ?4, ?5, ?6, (SELECT id FROM authors WHERE name = ?7))
ON CONFLICT (id) DO UPDATE SET
    commit_hash = excluded.commit_hash, outcome = excluded.outcome, cause = excluded.cause, seen = excluded.seen, author = excluded.author
    WHERE app = excluded.app
RETURNING id`

	saveBody = `INSERT INTO bodies (id, body) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET body = excluded.body`
)

// Save writes a release whole, and gives a new one its ID.
func (s *Store) Save(ctx context.Context, r release.Release) (release.Release, error) {
	saved := r
	err := s.inTx(ctx, func(tx *sql.Tx) (err error) {
		saved.ID, err = s.saveIn(ctx, tx, r)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return r, fmt.Errorf("history: save release %d: it is not one of %s", r.ID, r.App)
	}
	if err != nil {
		return r, s.explain("save a release of "+r.App+" to", err)
	}
	return saved, nil
}

// saveIn writes a release as a part of a transaction, and returns its ID.
func (s *Store) saveIn(ctx context.Context, tx *sql.Tx, r release.Release) (int64, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	id, err := s.saveRow(ctx, tx, r)
	if err != nil {
		return 0, err
	}
	if _, err := tx.StmtContext(ctx, s.saveBody).ExecContext(ctx, id, string(body)); err != nil {
		return 0, err
	}
	return id, s.saveTouched(ctx, tx, id, r)
}

// saveRow writes what a release is asked by, and returns its ID; where the ID is
// another App's, sql.ErrNoRows.
func (s *Store) saveRow(ctx context.Context, tx *sql.Tx, r release.Release) (id int64, err error) {
	author := r.Revision.Author
	if author != "" {
		if _, err := tx.StmtContext(ctx, s.saveAuthor).ExecContext(ctx, author, strings.ToLower(author)); err != nil {
			return 0, err
		}
	}
	given := sql.NullInt64{Int64: r.ID, Valid: r.ID != 0}
	row := tx.StmtContext(ctx, s.saveRelease).QueryRowContext(ctx, given, r.App, r.Revision.Commit, r.Outcome, r.Trigger, r.Seen.UnixNano(), author)
	err = row.Scan(&id)
	return id, err
}

// Get returns one release, or history.ErrNotFound.
func (s *Store) Get(ctx context.Context, id int64) (release.Release, error) {
	row := s.read.QueryRowContext(ctx, `SELECT id, body FROM bodies WHERE id = ?`, id)
	r, err := scan(row)
	if errors.Is(err, sql.ErrNoRows) {
		return release.Release{}, fmt.Errorf("release %d: %w", id, history.ErrNotFound)
	}
	return r, s.explain("read a release from", err)
}

// List returns releases, newest first.
func (s *Store) List(ctx context.Context, q history.Query) (_ []release.Release, err error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	defer func() { err = s.explain("read releases from", err) }()
	statement, args, err := selectPage(q)
	if err != nil {
		return nil, err
	}
	rows, err := s.read.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []release.Release{}
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// scan reads one release from a row of id and body.
func scan(row interface{ Scan(...any) error }) (release.Release, error) {
	var (
		id   int64
		body []byte
		r    release.Release
	)
	if err := row.Scan(&id, &body); err != nil {
		return r, err
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return r, fmt.Errorf("release %d: %w", id, err)
	}
	r.ID = id
	return r, nil
}
