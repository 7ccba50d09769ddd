-- +goose Up

-- The bodies move to a table of their own, so that a search that has to look at
-- many releases reads some ten bytes of each and not some thousand.
CREATE TABLE bodies (
    id   INTEGER PRIMARY KEY REFERENCES releases (id) ON DELETE CASCADE,
    body TEXT NOT NULL -- a release whole, as JSON
) STRICT;

INSERT INTO bodies (id, body) SELECT id, body FROM releases;

-- The commits' authors, each once: there are few, so one is found in a part of
-- his name or address by looking at all.
CREATE TABLE authors (
    id     INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE, -- Name <email>
    folded TEXT NOT NULL         -- the same in lower case
) STRICT;

ALTER TABLE releases ADD COLUMN cause TEXT NOT NULL DEFAULT '';                      -- its trigger
ALTER TABLE releases ADD COLUMN author INTEGER REFERENCES authors (id) DEFAULT NULL; -- NULL where nobody is named

INSERT INTO authors (name, folded)
SELECT DISTINCT json_extract(body, '$.revision.author'), lower(json_extract(body, '$.revision.author'))
FROM bodies WHERE ifnull(json_extract(body, '$.revision.author'), '') <> '';

UPDATE releases SET
    cause = ifnull((SELECT json_extract(body, '$.trigger') FROM bodies WHERE bodies.id = releases.id), ''),
    author = (SELECT authors.id FROM bodies JOIN authors ON authors.name = json_extract(body, '$.revision.author') WHERE bodies.id = releases.id);

ALTER TABLE releases DROP COLUMN body;

CREATE INDEX releases_cause ON releases (cause);
CREATE INDEX releases_author ON releases (author);

-- The objects that releases were about, each once.
CREATE TABLE objects (
    id        INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL, -- in lower case
    name      TEXT NOT NULL,
    namespace TEXT NOT NULL, -- empty for an object of the cluster
    api_group TEXT NOT NULL, -- empty for the core's
    UNIQUE (kind, name, namespace, api_group)
) STRICT;

-- Which release was about which object.
CREATE TABLE touched (
    object     INTEGER NOT NULL REFERENCES objects (id),
    release_id INTEGER NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    PRIMARY KEY (object, release_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX touched_release ON touched (release_id);

CREATE TEMPORARY TABLE found AS
SELECT bodies.id AS release_id, lower(json_extract(value, '$.object.kind')) AS kind, json_extract(value, '$.object.name') AS name,
    ifnull(json_extract(value, '$.object.namespace'), '') AS namespace, ifnull(json_extract(value, '$.object.group'), '') AS api_group
FROM bodies, json_each(body, '$.changes');

INSERT INTO objects (kind, name, namespace, api_group) SELECT DISTINCT kind, name, namespace, api_group FROM found;

INSERT INTO touched (object, release_id)
SELECT DISTINCT objects.id, release_id FROM found JOIN objects USING (kind, name, namespace, api_group);

DROP TABLE found;

-- +goose Down
ALTER TABLE releases ADD COLUMN body TEXT NOT NULL DEFAULT '';
UPDATE releases SET body = (SELECT body FROM bodies WHERE bodies.id = releases.id);
DROP TABLE touched;
DROP TABLE objects;
DROP INDEX releases_author;
DROP INDEX releases_cause;
ALTER TABLE releases DROP COLUMN author;
ALTER TABLE releases DROP COLUMN cause;
DROP TABLE authors;
DROP TABLE bodies;
