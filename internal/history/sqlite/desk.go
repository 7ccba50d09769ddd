package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"plumb.dev/plumb/internal/history"
)

// Put writes one value whole. It is on the disk itself when Put returns, so that
// what follows from someone's word never outlives the word.
func (s *Store) Put(ctx context.Context, kind history.DeskKind, key string, value []byte) error {
	if value == nil {
		value = []byte{} // nil is NULL to the driver
	}
	err := s.lastingly(ctx, func(c *sql.Conn) error {
		_, err := c.ExecContext(ctx, `
INSERT INTO desk (kind, key, value) VALUES (?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value`, kind, key, value)
		return err
	})
	return s.explain("save the "+string(kind)+" of "+key+" to", err)
}

// lastingly writes, and waits until the disk has it. All else that is written
// waits for the operating system only.
func (s *Store) lastingly(ctx context.Context, write func(*sql.Conn) error) (err error) {
	c, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if _, err := c.ExecContext(ctx, "PRAGMA synchronous = FULL"); err != nil {
		return err
	}
	defer func() { // also when ctx is done
		_, again := c.ExecContext(context.WithoutCancel(ctx), "PRAGMA synchronous = NORMAL")
		err = errors.Join(err, again)
	}()
	return write(c)
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
