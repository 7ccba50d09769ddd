package sqlite

import (
	"strings"

	"plumb.dev/plumb/internal/history"
	"plumb.dev/plumb/internal/object"
	"plumb.dev/plumb/internal/release"
)

// search gathers what releases must fulfil.
type search struct {
	from       string
	id         string
	conditions []string
	args       []any
}

func (s *search) where(condition string, values ...any) {
	s.conditions = append(s.conditions, condition)
	s.args = append(s.args, values...)
}

// selectPage is the statement for a query. The inner part finds the page's IDs
// from the newest down, in one of these ways:
//   - asked by object, it takes the releases that are noted for it;
//   - asked by commit, App, or one other thing, it walks that one's index;
//   - asked by several others, or by time, it walks the rows of releases, which
//     are short: that is quicker than to look up each entry of an index.
//
// A + keeps SQLite from another way. Only the page's bodies are read.
func selectPage(q history.Query) (statement string, args []any, err error) {
	s := search{from: "releases", id: "releases.id"}
	if q.Object != "" {
		key, err := object.ParseKey(q.Object)
		if err != nil {
			return "", nil, err
		}
		s.about(key)
	}
	if s.filter(q); q.Object != "" && len(s.conditions) > 1 {
		s.from += " CROSS JOIN releases ON releases.id = touched.release_id"
	}
	if q.Before != 0 {
		s.where(s.id+" < ?", q.Before)
	}
	limit := q.Limit
	if limit == 0 {
		limit = history.DefaultLimit
	}
	condition := "1"
	if len(s.conditions) > 0 {
		condition = strings.Join(s.conditions, " AND ")
	}
	return `SELECT id, body FROM bodies WHERE id IN (SELECT DISTINCT ` + s.id + ` FROM ` + s.from + ` WHERE ` + condition +
		` ORDER BY ` + s.id + ` DESC LIMIT ?) ORDER BY id DESC`, append(s.args, limit), nil
}

// about asks for releases of an object.
func (s *search) about(key object.Key) {
	s.from, s.id = "touched", "touched.release_id"
	condition, args := "kind = ? AND name = ?", []any{strings.ToLower(key.Kind), key.Name}
	if key.Namespace != "" {
		condition, args = condition+" AND namespace = ?", append(args, key.Namespace)
	}
	if key.Group != "" {
		condition, args = condition+" AND api_group = ?", append(args, key.Group)
	}
	s.where("touched.object IN (SELECT id FROM objects WHERE "+condition+")", args...)
}

// filter adds what rows of releases must fulfil.
func (s *search) filter(q history.Query) {
	type filter struct {
		asked     bool
		condition string
		args      []any
	}
	prefix := strings.ToLower(q.Commit)
	filters := []filter{ // what selects best comes first, and may use its index
		{q.Commit != "", "commit_hash >= ? AND commit_hash < ?", []any{prefix, prefix + "\U0010FFFF"}},
		{q.App != "", "app = ?", []any{q.App}},
		{q.Author != "", "author IN (SELECT id FROM authors WHERE instr(folded, ?))", []any{strings.ToLower(q.Author)}},
		{q.Trigger != "", "cause = ?", []any{q.Trigger}},
		{q.Outcome != "", "outcome = ?", []any{q.Outcome}},
		{q.Intended, "+cause <> ?", []any{release.TriggerDrift}},
		{!q.Since.IsZero(), "+seen >= ?", []any{q.Since.UnixNano()}},
		{!q.Until.IsZero(), "+seen < ?", []any{q.Until.UnixNano()}},
	}
	asked := 0
	for _, f := range filters {
		if f.asked {
			asked++
		}
	}
	mayIndex := q.Object == "" && (asked == 1 || q.Commit != "" || q.App != "")
	for _, f := range filters {
		switch {
		case !f.asked:
			continue
		case mayIndex:
			mayIndex = false
		case !strings.HasPrefix(f.condition, "+"):
			f.condition = "+" + strings.ReplaceAll(f.condition, " AND ", " AND +")
		}
		s.where(f.condition, f.args...)
	}
}
