-- The log. The first seven columns are those of postgres-es, under the same
-- names and with the same meaning; a database that postgres-es made is taken
-- over as it is. Everything else has a default, so that a program that knows
-- only the seven can append.
CREATE TABLE IF NOT EXISTS events (
    aggregate_type  text                         NOT NULL,
    aggregate_id    text                         NOT NULL,
    sequence        bigint CHECK (sequence >= 0) NOT NULL,
    event_type      text                         NOT NULL,
    event_version   text                         NOT NULL,
    payload         json                         NOT NULL,
    metadata        json                         NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);

-- One statement, as a default that is computed for each row rewrites a table
-- that has rows.
ALTER TABLE events
    -- Place in the one global order, contiguous from 1; NULL until the event
    -- of another program is adopted.
    ADD COLUMN position       bigint,
    -- Milliseconds since the Unix epoch, given with the position.
    ADD COLUMN recorded_at    bigint,
    ADD COLUMN event_id       uuid,
    ADD COLUMN command_id     text        NOT NULL DEFAULT '',
    ADD COLUMN actor          text        NOT NULL DEFAULT '',
    ADD COLUMN correlation_id text        NOT NULL DEFAULT '',
    ADD COLUMN causation_id   text        NOT NULL DEFAULT '',
    ADD COLUMN request_id     text        NOT NULL DEFAULT '',
    ADD COLUMN project        text        NOT NULL DEFAULT '',
    ADD COLUMN previous_hash  bytea,
    ADD COLUMN hash           bytea,
    -- Whether metadata says anything; our own events have '{}' there for those
    -- who require an object.
    ADD COLUMN has_metadata   boolean     NOT NULL DEFAULT true,
    -- When another program inserted it: the order of adoption.
    ADD COLUMN arrived_at     timestamptz DEFAULT clock_timestamp();

CREATE UNIQUE INDEX events_position ON events (position);
CREATE INDEX events_recorded_at ON events (recorded_at, position) WHERE position IS NOT NULL;
CREATE INDEX events_not_adopted ON events (arrived_at) WHERE position IS NULL;

-- The end of the order: one row. Whoever appends changes it, which is what
-- makes the order one over all nodes.
CREATE TABLE head (
    the_only_row    boolean PRIMARY KEY DEFAULT true CHECK (the_only_row),
    position        bigint  NOT NULL,
    hash            bytea   NOT NULL,
    recorded_at     bigint  NOT NULL
) WITH (fillfactor = 10);

INSERT INTO head (position, hash, recorded_at)
VALUES (0, decode(repeat('00', 32), 'hex'), 0);

-- Command ids and their outcomes, written with the events they caused.
CREATE TABLE commands (
    command_id      text   PRIMARY KEY,
    fingerprint     bytea  NOT NULL,
    first           bigint NOT NULL,
    last            bigint NOT NULL,
    sequence        bigint NOT NULL,
    recorded_at     bigint NOT NULL
);
