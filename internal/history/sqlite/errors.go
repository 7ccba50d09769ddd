package sqlite

import (
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"plumb.dev/plumb/internal/history"
)

// damage is what a check of the file found.
type damage struct{ verdict string }

func (d *damage) Error() string { return "its content is damaged: " + d.verdict }

// damaged says that an error comes from the file's content, and not from the
// disk, its rights or its room.
func damaged(err error) bool {
	if _, ok := errors.AsType[*damage](err); ok {
		return true
	}
	code := code(err)
	return code&0xff == sqlite3.SQLITE_CORRUPT || code&0xff == sqlite3.SQLITE_NOTADB
}

// full says that an error comes from a lack of room. SQLITE_IOERR_SHMSIZE is
// what it is called when the shared index can't grow.
func full(err error) bool {
	code := code(err)
	return code&0xff == sqlite3.SQLITE_FULL || code == sqlite3.SQLITE_IOERR_SHMSIZE
}

// code is SQLite's own code of an error; 0 where it has none.
func code(err error) int {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e.Code()
	}
	return 0
}

// explain says of an error what was being done, to which file, and what helps.
func (s *Store) explain(doing string, err error) error {
	const form = "history: %s %s: %w"
	switch {
	case err == nil:
		return nil
	case full(err) && doing == "open":
		return fmt.Errorf(form+" on its disk: free some, and start again (%w)", doing, s.path, history.ErrFull, err)
	case full(err):
		return fmt.Errorf(form+" on its disk: free some, and it goes on by itself (%w)", doing, s.path, history.ErrFull, err)
	case damaged(err):
		return fmt.Errorf(form+"; the file is damaged: start again, and it is set aside and a new one begun", doing, s.path, err)
	}
	return fmt.Errorf(form, doing, s.path, err)
}
