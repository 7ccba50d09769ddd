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

// saveRelease writes one release. An ID stays with the App that got it; the
// count of a new one follows the App's newest.
const saveRelease = `
INSERT INTO releases (id, app, nth, commit_hash, outcome, seen, body)
VALUES (?1, ?2, 1 + ifnull((SELECT max(nth) FROM releases WHERE app = ?2), 0), ?3, ?4, ?5, ?6)
ON CONFLICT (id) DO UPDATE SET
    commit_hash = excluded.commit_hash, outcome = excluded.outcome, seen = excluded.seen, body = excluded.body
    WHERE app = excluded.app
RETURNING id`

// Save writes a release whole, and gives a new one its ID.
func (s *Store) Save(ctx context.Context, r release.Release) (release.Release, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return r, fmt.Errorf("history: save a release of %s: %w", r.App, err)
	}
	id := sql.NullInt64{Int64: r.ID, Valid: r.ID != 0}
	err = s.save.QueryRowContext(ctx, id, r.App, r.Revision.Commit, r.Outcome, r.Seen.UnixNano(), string(body)).Scan(&r.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return r, fmt.Errorf("history: save release %d: it is not one of %s", r.ID, r.App)
	}
	return r, s.explain("save a release of "+r.App+" to", err)
}

// Get returns one release, or history.ErrNotFound.
func (s *Store) Get(ctx context.Context, id int64) (release.Release, error) {
	row := s.read.QueryRowContext(ctx, `SELECT id, body FROM releases WHERE id = ?`, id)
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
	statement, args := selectPage(q)
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

// selectPage is the statement for a query. The inner part finds the page's IDs
// in an index, whatever it was asked by; only the page's bodies are read.
func selectPage(q history.Query) (statement string, args []any) {
	conditions := []string{"1"}
	where := func(condition string, values ...any) {
		conditions = append(conditions, condition)
		args = append(args, values...)
	}
	if q.App != "" {
		where("app = ?", q.App)
	}
	if q.Commit != "" {
		prefix := strings.ToLower(q.Commit)
		where("commit_hash >= ? AND commit_hash < ?", prefix, prefix+"\U0010FFFF")
	}
	if q.Outcome != "" {
		where("outcome = ?", q.Outcome)
	}
	if q.Before != 0 {
		where("id < ?", q.Before)
	}
	limit := q.Limit
	if limit == 0 {
		limit = history.DefaultLimit
	}
	return `SELECT id, body FROM releases WHERE id IN (SELECT id FROM releases WHERE ` + strings.Join(conditions, " AND ") +
		` ORDER BY id DESC LIMIT ?) ORDER BY id DESC`, append(args, limit)
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
