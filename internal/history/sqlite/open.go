package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver

	"plumb.dev/plumb/internal/history"
)

// The interfaces that a Store is.
var (
	_ history.Store   = (*Store)(nil)
	_ history.Applied = (*Store)(nil)
	_ history.Apps    = (*Store)(nil)
	_ history.Events  = (*Store)(nil)
	_ history.Desk    = (*Store)(nil)
)

// Store is a history in one SQLite file. It is safe for concurrent use.
type Store struct {
	path  string
	write *sql.DB // one connection
	read  *sql.DB // a few, which can't write

	saveAuthor, saveRelease, saveBody *sql.Stmt // of write
}

// Options say which file is opened.
type Options struct {
	// Path is the file; it is made where it is missing, its folder isn't.
	Path string
	// Now names a damaged file that is set aside; nil means time.Now.
	Now func() time.Time
}

// Opened tells what was found at the path.
type Opened struct {
	// SetAside is the new name of a damaged file; empty when none was found.
	SetAside string
	// Damage is what was wrong with it.
	Damage error
}

// Open opens the history, or begins one. A damaged file is renamed and a new
// one begun in its place, which Opened reports; the caller tells people.
func Open(ctx context.Context, o Options) (*Store, Opened, error) {
	s, err := open(ctx, o.Path)
	if !damaged(err) {
		return s, Opened{}, err
	}
	now := time.Now
	if o.Now != nil {
		now = o.Now
	}
	aside, moveErr := setAside(o.Path, now())
	if moveErr != nil {
		return nil, Opened{}, fmt.Errorf("history: %s is damaged (%w) and could not be set aside: %w; move it away by hand", o.Path, err, moveErr)
	}
	opened := Opened{SetAside: aside, Damage: err}
	s, err = open(ctx, o.Path)
	return s, opened, err
}

// open opens the file at path as it is, or begins it.
func open(ctx context.Context, path string) (_ *Store, err error) {
	if err := private(path); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	s := &Store{path: path}
	defer func() {
		if err != nil {
			err = errors.Join(s.explain("open", err), s.Close())
		}
	}()
	if s.write, err = connect(path, 1, url.Values{"_txlock": {"immediate"}, "_foreign_keys": {"on"}}); err != nil {
		return nil, err
	}
	if err = check(ctx, s.write); err != nil {
		return nil, err
	}
	if err = migrate(ctx, s.write); err != nil {
		return nil, err
	}
	if s.read, err = connect(path, readers, url.Values{"_query_only": {"on"}}); err != nil {
		return nil, err
	}
	for statement, text := range map[**sql.Stmt]string{&s.saveAuthor: saveAuthor, &s.saveRelease: saveRelease, &s.saveBody: saveBody} {
		if *statement, err = s.write.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readers is how many queries run at once.
const readers = 4

// connect makes a pool of at most n connections with these parameters of the
// driver besides the common ones.
func connect(path string, n int, parameters url.Values) (*sql.DB, error) {
	parameters.Set("_busy_timeout", "5000") // milliseconds; another process may look at the file
	parameters.Set("_journal_mode", "WAL")
	parameters.Set("_synchronous", "NORMAL")
	parameters.Set("_defensive", "1")
	parameters.Set("_dqs", "0")
	parameters.Add("_pragma", "journal_size_limit(16777216)") // a burst doesn't leave a large log behind
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: parameters.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// private makes the file where it is missing, and takes it from other people's
// eyes where it is there. SQLite gives the files beside it the same mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// check reads through the file's structure.
func check(ctx context.Context, db *sql.DB) error {
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return &damage{verdict}
	}
	return nil
}

// setAside renames the file, and those that SQLite keeps beside it, and returns
// the new name.
func setAside(path string, now time.Time) (string, error) {
	aside := path + ".damaged-" + now.UTC().Format("20060102T150405.000Z")
	for _, suffix := range []string{"-wal", "-shm", ""} {
		err := os.Rename(path+suffix, aside+suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	return aside, nil
}

// Close ends the use of the store.
func (s *Store) Close() error {
	var errs []error
	for _, statement := range []*sql.Stmt{s.saveAuthor, s.saveRelease, s.saveBody} {
		if statement != nil {
			errs = append(errs, statement.Close())
		}
	}
	for _, db := range []*sql.DB{s.read, s.write} { // the last to close puts the log into the file
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
