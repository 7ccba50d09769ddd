package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// migrations are the steps that made the tables what they are. A step that was
// released is never changed; a change is another step.
//
//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables up to what this program knows.
func migrate(ctx context.Context, db *sql.DB) error {
	provider, err := migrator(db)
	if err != nil {
		return err
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > newest {
		return fmt.Errorf("its tables are of version %d and this Plumb knows them up to %d: "+
			"use the newer Plumb that wrote it, or move the file away and begin another history", current, newest)
	}
	_, err = provider.Up(ctx)
	return err
}

func migrator(db *sql.DB) (*goose.Provider, error) {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, steps, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
}
