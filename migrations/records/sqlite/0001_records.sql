-- One life of a scope: it begins with the first record and ends when the scope
-- is emptied; the next record begins another one. Numbers are never given
-- twice, as what is left of a dropped life may still be there.
CREATE TABLE scopes (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    project         TEXT    NOT NULL,
    integration     TEXT    NOT NULL,
    connection      TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    variant         TEXT    NOT NULL,
    opened_at       INTEGER NOT NULL,
    closed_at       INTEGER,
    -- The time of the newest change, or of the end of the life before.
    changed_at      INTEGER NOT NULL,
    -- How many records there are now that are not deleted.
    live            INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX scopes_now ON scopes (project, integration, connection, model, variant)
    WHERE closed_at IS NULL;
CREATE INDEX scopes_ever ON scopes (project, integration, connection, model, variant, opened_at);

-- The change journal, which is also the table of versions: a change is a row,
-- and how the record was from `at` until `superseded_at`. A row is written once
-- and closed once.
CREATE TABLE changes (
    -- Place in the store's own order: grows, with gaps.
    number          INTEGER PRIMARY KEY,
    scope           INTEGER NOT NULL,
    -- The number of the record's first change.
    record          INTEGER NOT NULL,
    id              TEXT    NOT NULL,
    uuid            BLOB    NOT NULL,
    -- What a reader is told: 1 added, 2 updated, 3 deleted.
    action          INTEGER NOT NULL,
    -- Milliseconds since the Unix epoch, as all times.
    at              INTEGER NOT NULL,
    superseded_at   INTEGER,
    first_seen_at   INTEGER NOT NULL,
    modified_at     INTEGER NOT NULL,
    -- Equal to `at` where pruning is the change.
    pruned_at       INTEGER,
    job             TEXT    NOT NULL,
    hash            BLOB    NOT NULL,
    payload         BLOB
) STRICT;

-- Times are different for every change of a scope.
CREATE UNIQUE INDEX changes_by_id ON changes (scope, id, at);
CREATE INDEX changes_now ON changes (scope, modified_at, uuid, action, pruned_at)
    WHERE superseded_at IS NULL;
CREATE INDEX changes_past ON changes (scope, modified_at, uuid, at, superseded_at, action)
    WHERE superseded_at IS NOT NULL;

-- When, in the store's order, and by which job a record was saved last, also
-- where that changed nothing.
CREATE TABLE seen (
    scope           INTEGER NOT NULL,
    record          INTEGER NOT NULL,
    number          INTEGER NOT NULL,
    job             TEXT    NOT NULL,
    PRIMARY KEY (scope, record)
) STRICT, WITHOUT ROWID;

-- The end of the order: one row.
CREATE TABLE head (
    the_only_row    INTEGER PRIMARY KEY CHECK (the_only_row = 1),
    number          INTEGER NOT NULL,
    at              INTEGER NOT NULL
) STRICT;

INSERT INTO head VALUES (1, 0, 0);

-- Lives of which something is to be removed: what is in `seen`, and with
-- `history` the changes too.
CREATE TABLE sweeps (
    scope           INTEGER PRIMARY KEY,
    history         INTEGER NOT NULL
) STRICT;

CREATE TABLE locks (
    project         TEXT    NOT NULL,
    key             TEXT    NOT NULL,
    owner           TEXT    NOT NULL,
    expires_at      INTEGER NOT NULL,
    PRIMARY KEY (project, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX locks_of_owner ON locks (owner);
