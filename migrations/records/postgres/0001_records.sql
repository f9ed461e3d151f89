-- The tables are those of SQLite, where their columns are explained.
CREATE TABLE scopes (
    id              bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project         text    COLLATE "C" NOT NULL,
    integration     text    COLLATE "C" NOT NULL,
    connection      text    COLLATE "C" NOT NULL,
    model           text    COLLATE "C" NOT NULL,
    variant         text    COLLATE "C" NOT NULL,
    opened_at       bigint  NOT NULL,
    closed_at       bigint,
    changed_at      bigint  NOT NULL,
    live            bigint  NOT NULL
) WITH (fillfactor = 50);

CREATE UNIQUE INDEX scopes_now ON scopes (project, integration, connection, model, variant)
    WHERE closed_at IS NULL;
CREATE INDEX scopes_ever ON scopes (project, integration, connection, model, variant, opened_at);

CREATE TABLE changes (
    number          bigint   PRIMARY KEY,
    scope           bigint   NOT NULL,
    record          bigint   NOT NULL,
    at              bigint   NOT NULL,
    superseded_at   bigint,
    first_seen_at   bigint   NOT NULL,
    modified_at     bigint   NOT NULL,
    pruned_at       bigint,
    action          smallint NOT NULL,
    id              text     COLLATE "C" NOT NULL,
    -- Bytes and not of type uuid, so that both backends compare them alike.
    uuid            bytea    NOT NULL,
    job             text     COLLATE "C" NOT NULL,
    hash            bytea    NOT NULL,
    payload         bytea
);

CREATE UNIQUE INDEX changes_by_id ON changes (scope, id, at);
CREATE INDEX changes_now ON changes (scope, modified_at, uuid) INCLUDE (action, pruned_at)
    WHERE superseded_at IS NULL;
CREATE INDEX changes_past ON changes (scope, modified_at, uuid) INCLUDE (at, superseded_at, action)
    WHERE superseded_at IS NOT NULL;

-- Rows are updated in place: half of each page is left for that.
CREATE TABLE seen (
    scope           bigint  NOT NULL,
    record          bigint  NOT NULL,
    number          bigint  NOT NULL,
    job             text    COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, record)
) WITH (fillfactor = 50);

-- Whoever writes changes this row, which is what makes the order one over all
-- nodes.
CREATE TABLE head (
    the_only_row    boolean PRIMARY KEY DEFAULT true CHECK (the_only_row),
    number          bigint  NOT NULL,
    at              bigint  NOT NULL
) WITH (fillfactor = 10);

INSERT INTO head (number, at) VALUES (0, 0);

CREATE TABLE sweeps (
    scope           bigint   PRIMARY KEY,
    history         smallint NOT NULL
);

CREATE TABLE locks (
    project         text    COLLATE "C" NOT NULL,
    key             text    COLLATE "C" NOT NULL,
    owner           text    COLLATE "C" NOT NULL,
    expires_at      bigint  NOT NULL,
    PRIMARY KEY (project, key)
);

CREATE INDEX locks_of_owner ON locks (owner);
