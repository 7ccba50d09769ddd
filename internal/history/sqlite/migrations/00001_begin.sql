-- +goose Up

-- A release is kept whole as JSON in body; the other columns are what it is
-- asked by. A new field of a release therefore needs no migration.
CREATE TABLE releases (
    id          INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice, not even after a trim
    app         TEXT    NOT NULL,                  -- NAMESPACE/NAME
    nth         INTEGER NOT NULL,                  -- counts the App's releases; finds what is beyond a count without counting
    commit_hash TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    seen        INTEGER NOT NULL,                  -- nanoseconds since 1970
    body        TEXT    NOT NULL
) STRICT;

CREATE INDEX releases_app ON releases (app);                  -- a page of an App: each index ends in id
CREATE INDEX releases_app_outcome ON releases (app, outcome); -- its successes
CREATE INDEX releases_app_nth ON releases (app, nth);         -- its oldest, for trimming
CREATE INDEX releases_commit ON releases (commit_hash);
CREATE INDEX releases_outcome ON releases (outcome);
CREATE INDEX releases_seen ON releases (seen);

-- The Apps that were declared when last looked.
CREATE TABLE apps (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE -- NAMESPACE/NAME
) STRICT;

-- What was last applied to each object of an App: a cache.
CREATE TABLE applied (
    app         INTEGER NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    object      TEXT    NOT NULL, -- GROUP/KIND/NAMESPACE/NAME
    uid         TEXT    NOT NULL,
    digest      TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    PRIMARY KEY (app, object)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE applied;
DROP TABLE apps;
DROP TABLE releases;
