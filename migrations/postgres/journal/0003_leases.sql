-- Who may do what only one node may do at a time. A row stays when its lease
-- is given back, so that the epoch never starts over.
CREATE TABLE leases (
    name            text        PRIMARY KEY,
    holder          text        NOT NULL,
    epoch           bigint      NOT NULL,
    expires_at      timestamptz NOT NULL
);
