-- The log. Its first columns are those of postgres-es; `position` is the one
-- global order, contiguous from 1 and given by the single writer.
CREATE TABLE events (
    position        INTEGER PRIMARY KEY,
    aggregate_type  TEXT    NOT NULL,
    aggregate_id    TEXT    NOT NULL,
    sequence        INTEGER NOT NULL,
    event_type      TEXT    NOT NULL,
    event_version   TEXT    NOT NULL,
    payload         TEXT    NOT NULL,
    metadata        TEXT,
    recorded_at     INTEGER NOT NULL,
    event_id        BLOB    NOT NULL,
    command_id      TEXT    NOT NULL,
    actor           TEXT    NOT NULL,
    correlation_id  TEXT    NOT NULL,
    causation_id    TEXT    NOT NULL,
    request_id      TEXT    NOT NULL,
    project         TEXT    NOT NULL,
    previous_hash   BLOB    NOT NULL,
    hash            BLOB    NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_stream ON events (aggregate_type, aggregate_id, sequence);
CREATE INDEX events_recorded_at ON events (recorded_at);

-- Command ids and their outcomes, written with the events they caused.
CREATE TABLE commands (
    command_id      TEXT    PRIMARY KEY,
    fingerprint     BLOB    NOT NULL,
    first           INTEGER NOT NULL,
    last            INTEGER NOT NULL,
    sequence        INTEGER NOT NULL,
    recorded_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
