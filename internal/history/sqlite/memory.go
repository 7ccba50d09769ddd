package sqlite

import (
	"context"
	"database/sql"

	"plumb.dev/plumb/internal/history"
)

const (
	rememberApp = `INSERT INTO apps (name) VALUES (?) ON CONFLICT (name) DO NOTHING`
	forgetApp   = `DELETE FROM apps WHERE name = ?` // and, by its foreign key, what was applied for it

	rememberObject = `
INSERT INTO applied (app, object, uid, digest, fingerprint)
VALUES ((SELECT id FROM apps WHERE name = ?1), ?2, ?3, ?4, ?5)
ON CONFLICT (app, object) DO UPDATE SET uid = excluded.uid, digest = excluded.digest, fingerprint = excluded.fingerprint`

	forgetObject = `DELETE FROM applied WHERE app = (SELECT id FROM apps WHERE name = ?1) AND object = ?2`
)

// SaveApplied remembers upserts and forgets the objects removed, all or nothing.
func (s *Store) SaveApplied(ctx context.Context, app string, upserts []history.AppliedObject, removed []string) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, rememberApp, app); err != nil {
			return err
		}
		keep := make([][]any, len(upserts))
		for i, o := range upserts {
			keep[i] = []any{app, o.ID, o.UID, o.Digest, o.Fingerprint}
		}
		drop := make([][]any, len(removed))
		for i, id := range removed {
			drop[i] = []any{app, id}
		}
		if err := execEach(ctx, tx, forgetObject, drop); err != nil {
			return err
		}
		return execEach(ctx, tx, rememberObject, keep)
	})
	return s.explain("save what was applied for "+app+" to", err)
}

// LoadApplied calls fn with every object, App by App.
func (s *Store) LoadApplied(ctx context.Context, fn func(app string, o history.AppliedObject) error) error {
	rows, err := s.read.QueryContext(ctx, `
SELECT apps.name, object, uid, digest, fingerprint FROM apps JOIN applied ON applied.app = apps.id
ORDER BY apps.id, object`)
	if err != nil {
		return s.explain("read what was applied from", err)
	}
	defer rows.Close()
	for rows.Next() {
		var (
			app string
			o   history.AppliedObject
		)
		if err := rows.Scan(&app, &o.ID, &o.UID, &o.Digest, &o.Fingerprint); err != nil {
			return s.explain("read what was applied from", err)
		}
		if err := fn(app, o); err != nil {
			return err
		}
	}
	return s.explain("read what was applied from", rows.Err())
}

// SaveApps remembers the Apps declared and forgets those that are gone.
func (s *Store) SaveApps(ctx context.Context, declared, gone []string) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if err := execEach(ctx, tx, forgetApp, singles(gone)); err != nil {
			return err
		}
		return execEach(ctx, tx, rememberApp, singles(declared))
	})
	return s.explain("save the declared Apps to", err)
}

// LoadApps returns the remembered Apps in the order of their names.
func (s *Store) LoadApps(ctx context.Context) (_ []string, err error) {
	defer func() { err = s.explain("read the declared Apps from", err) }()
	rows, err := s.read.QueryContext(ctx, `SELECT name FROM apps ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// execEach carries out one statement for each list of arguments.
func execEach(ctx context.Context, tx *sql.Tx, statement string, each [][]any) error {
	if len(each) == 0 {
		return nil
	}
	prepared, err := tx.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer prepared.Close()
	for _, args := range each {
		if _, err := prepared.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// singles makes each value a list of arguments of its own.
func singles(values []string) [][]any {
	lists := make([][]any, len(values))
	for i, v := range values {
		lists[i] = []any{v}
	}
	return lists
}
