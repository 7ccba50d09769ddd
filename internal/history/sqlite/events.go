package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"plumb.dev/plumb/internal/event"
	"plumb.dev/plumb/internal/history"
)

// AddEvents writes events, all or nothing, gives each its ID, and drops the
// oldest beyond history.MaxEvents.
func (s *Store) AddEvents(ctx context.Context, events []event.Event) ([]event.Event, error) {
	if len(events) == 0 {
		return nil, nil
	}
	added := slices.Clone(events)
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, `INSERT INTO events (app, kind, body) VALUES (?, ?, ?) RETURNING id`)
		if err != nil {
			return err
		}
		defer insert.Close()
		for i, e := range added {
			e.ID = 0 // the column has it
			body, err := json.Marshal(e)
			if err != nil {
				return err
			}
			if err := insert.QueryRowContext(ctx, e.App, e.Kind, string(body)).Scan(&added[i].ID); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM events WHERE id <= ?`, added[len(added)-1].ID-history.MaxEvents)
		return err
	})
	if err != nil {
		return nil, s.explain("save events to", err)
	}
	return added, nil
}

// ListEvents returns events, oldest first.
func (s *Store) ListEvents(ctx context.Context, q event.Query) (_ []event.Event, err error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	defer func() { err = s.explain("read events from", err) }()
	statement, args := selectEvents(q)
	rows, err := s.read.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []event.Event{}
	for rows.Next() {
		var (
			id   int64
			body []byte
			e    event.Event
		)
		if err := rows.Scan(&id, &body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(body, &e); err != nil {
			return nil, fmt.Errorf("event %d: %w", id, err)
		}
		e.ID = id
		list = append(list, e)
	}
	if q.After == 0 {
		slices.Reverse(list)
	}
	return list, rows.Err()
}

// selectEvents is the statement for a query: forward from a known event, or
// backward from the newest.
func selectEvents(q event.Query) (statement string, args []any) {
	conditions, order := []string{"id > ?"}, "DESC"
	args = append(args, q.After)
	if q.After != 0 {
		order = "ASC"
	}
	if q.App != "" {
		conditions, args = append(conditions, "app = ?"), append(args, q.App)
	}
	if q.Kind != "" {
		conditions, args = append(conditions, "kind = ?"), append(args, q.Kind)
	}
	limit := q.Limit
	if limit == 0 {
		limit = event.DefaultLimit
	}
	return `SELECT id, body FROM events WHERE ` + strings.Join(conditions, " AND ") + ` ORDER BY id ` + order + ` LIMIT ?`, append(args, limit)
}
