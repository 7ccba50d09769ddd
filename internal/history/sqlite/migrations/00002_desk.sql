-- +goose Up

-- What happened, the newest only. As with releases, body is all of it.
CREATE TABLE events (
    id   INTEGER PRIMARY KEY AUTOINCREMENT, -- grows, also when all are dropped
    app  TEXT    NOT NULL,                  -- NAMESPACE/NAME; empty where it is about all
    kind TEXT    NOT NULL,
    body TEXT    NOT NULL
) STRICT;

CREATE INDEX events_app ON events (app);
CREATE INDEX events_kind ON events (kind);

-- What people said that still holds.
CREATE TABLE desk (
    kind  TEXT NOT NULL,
    key   TEXT NOT NULL,
    value BLOB NOT NULL, -- JSON
    UNIQUE (kind, key)
) STRICT;

-- +goose Down
DROP TABLE desk;
DROP TABLE events;
