package sqlite

import (
	"context"

	"plumb.dev/plumb/internal/history"
)

// Put writes one value whole.
func (s *Store) Put(ctx context.Context, kind history.DeskKind, key string, value []byte) error {
	if value == nil {
		value = []byte{} // nil is NULL to the driver
	}
	_, err := s.write.ExecContext(ctx, `
INSERT INTO desk (kind, key, value) VALUES (?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value`, kind, key, value)
	return s.explain("save the "+string(kind)+" of "+key+" to", err)
}

// Drop forgets one value; of one that isn't there it is no error.
func (s *Store) Drop(ctx context.Context, kind history.DeskKind, key string) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM desk WHERE kind = ? AND key = ?`, kind, key)
	return s.explain("drop the "+string(kind)+" of "+key+" from", err)
}

// Kept returns all values of a kind, by key.
func (s *Store) Kept(ctx context.Context, kind history.DeskKind) (_ map[string][]byte, err error) {
	defer func() { err = s.explain("read each "+string(kind)+" from", err) }()
	rows, err := s.read.QueryContext(ctx, `SELECT key, value FROM desk WHERE kind = ?`, kind)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	kept := map[string][]byte{}
	for rows.Next() {
		var (
			key   string
			value []byte
		)
		if err := rows.Scan(&key, &value); err != nil {
			return nil, err
		}
		kept[key] = value
	}
	return kept, rows.Err()
}
