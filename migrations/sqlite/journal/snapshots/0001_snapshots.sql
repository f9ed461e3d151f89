-- Folded states of streams. Everything here can be made again from the log.
CREATE TABLE snapshots (
    aggregate_type  TEXT    NOT NULL,
    aggregate_id    TEXT    NOT NULL,
    fold_version    INTEGER NOT NULL,
    sequence        INTEGER NOT NULL,
    state           BLOB    NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, fold_version)
) STRICT;
