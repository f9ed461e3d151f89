-- Folded states of streams. Everything here can be made again from the log.
-- Not called snapshots, as postgres-es has a table of that name.
CREATE TABLE stream_snapshots (
    aggregate_type  text   NOT NULL,
    aggregate_id    text   NOT NULL,
    fold_version    bigint NOT NULL,
    sequence        bigint NOT NULL,
    state           bytea  NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, fold_version)
);
