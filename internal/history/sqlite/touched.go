package sqlite

import (
	"context"
	"database/sql"
	"strings"

	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

const (
	knownTouched = `
SELECT api_group, kind, namespace, name FROM touched JOIN objects ON objects.id = touched.object WHERE release_id = ?`

	saveObject = `
INSERT INTO objects (api_group, kind, namespace, name) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING`

	saveTouched = `
INSERT INTO touched (object, release_id)
SELECT id, ?5 FROM objects WHERE api_group = ?1 AND kind = ?2 AND namespace = ?3 AND name = ?4`

	dropTouched = `
DELETE FROM touched WHERE release_id = ?5
AND object = (SELECT id FROM objects WHERE api_group = ?1 AND kind = ?2 AND namespace = ?3 AND name = ?4)`
)

// saveTouched notes which objects a release is about. It writes the difference
// only: a release is saved several times with the same changes. It had no ID
// if it is new.
func (s *Store) saveTouched(ctx context.Context, tx *sql.Tx, id int64, r release.Release) error {
	known := map[object.Key]bool{}
	if r.ID != 0 {
		var err error
		if known, err = readTouched(ctx, tx, id); err != nil {
			return err
		}
	}
	var names, more [][]any
	for _, c := range r.Changes {
		key := c.Object
		key.Kind = strings.ToLower(key.Kind)
		if _, noted := known[key]; !noted {
			names, more = append(names, rowOf(key)), append(more, append(rowOf(key), id))
		}
		known[key] = true
	}
	var gone [][]any
	for key, stays := range known {
		if !stays {
			gone = append(gone, append(rowOf(key), id))
		}
	}
	if err := execEach(ctx, tx, saveObject, names); err != nil {
		return err
	}
	if err := execEach(ctx, tx, saveTouched, more); err != nil {
		return err
	}
	return execEach(ctx, tx, dropTouched, gone)
}

// readTouched is which objects a release is noted with, none of them seen yet.
func readTouched(ctx context.Context, tx *sql.Tx, id int64) (map[object.Key]bool, error) {
	rows, err := tx.QueryContext(ctx, knownTouched, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[object.Key]bool{}
	for rows.Next() {
		var k object.Key
		if err := rows.Scan(&k.Group, &k.Kind, &k.Namespace, &k.Name); err != nil {
			return nil, err
		}
		known[k] = false
	}
	return known, rows.Err()
}

func rowOf(k object.Key) []any { return []any{k.Group, k.Kind, k.Namespace, k.Name} }
