-- The nodes that work on this database. A node is alive while its row has not
-- run out and the session that it was written through is there: that a process
-- was killed shows at once, that it hangs when its time is over.
CREATE TABLE nodes (
    id              text        PRIMARY KEY,
    address         text        NOT NULL,
    version         text        NOT NULL,
    started_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at      timestamptz NOT NULL,
    -- The end of the order as the node knows it.
    position        bigint      NOT NULL,
    session_pid     integer     NOT NULL,
    session_start   timestamptz
) WITH (fillfactor = 50);

CREATE FUNCTION is_alive(node nodes) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT node.expires_at > clock_timestamp() AND EXISTS (
        SELECT FROM pg_stat_get_activity(node.session_pid) AS session
        WHERE session.backend_start IS NULL OR session.backend_start = node.session_start
    )
$$;

-- Data keys of projects, wrapped by the master key, which is never here. A row
-- that is deleted takes everything with it that was sealed with its key.
CREATE TABLE data_keys (
    id              text        PRIMARY KEY,
    wrapped         bytea       NOT NULL
);
