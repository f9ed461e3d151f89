//! Which nodes work on a database.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{Connection, Row};

use super::fault::unavailable;
use super::lease::millis;
use super::rows::signed;
use crate::{Error, Position};

/// A node as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its own for each process.
    pub id: String,
    /// Where it answers.
    pub address: String,
    /// Its release.
    pub version: String,
    /// Milliseconds since the Unix epoch, by the clock of the database.
    pub started_at: i64,
    /// The end of the order as the node knew it when it was last heard of.
    pub position: Position,
    /// Whether it was heard of in time and its session is there.
    pub alive: bool,
    /// The leases that it holds, by name.
    pub leases: Vec<String>,
}

/// A node's place among the nodes, for as long as it is renewed.
pub struct Membership {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    id: String,
    address: String,
    version: String,
}

/// What a node learns when it renews its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roll {
    /// The nodes that are alive, this one included, in the order of their ids.
    pub alive: Vec<String>,
    /// The leases that this node still holds, with their epochs.
    pub held: Vec<(String, u64)>,
}

impl Membership {
    pub(super) fn new(options: PgConnectOptions, id: &str, address: &str, version: &str) -> Self {
        Self {
            options: options.application_name("strata-node"),
            connection: None,
            id: id.to_owned(),
            address: address.to_owned(),
            version: version.to_owned(),
        }
    }

    /// Lets the place and all leases of this node last for `ttl` from now.
    ///
    /// Fails with [`Error::Unavailable`] when the database does not answer
    /// within `ttl`.
    pub async fn renew(&mut self, position: Position, ttl: Duration) -> Result<Roll, Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => within(ttl, connect(&self.options)).await?,
        };
        let roll = within(ttl, self.write(&mut connection, position, ttl)).await?;
        self.connection = Some(connection);
        Ok(roll)
    }

    async fn write(
        &self,
        connection: &mut PgConnection,
        position: Position,
        ttl: Duration,
    ) -> sqlx::Result<Roll> {
        let row = sqlx::query(
            "WITH self AS (
                 INSERT INTO nodes AS node (
                     id, address, version, expires_at, position, session_pid, session_start
                 )
                 SELECT $1, $2, $3, clock_timestamp() + $5 * interval '1 millisecond', $4,
                     pg_backend_pid(), session.backend_start
                 FROM pg_stat_get_activity(pg_backend_pid()) AS session
                 ON CONFLICT (id) DO UPDATE SET
                     expires_at = excluded.expires_at, position = excluded.position,
                     session_pid = excluded.session_pid, session_start = excluded.session_start
                 RETURNING id
             ), held AS (
                 UPDATE leases SET expires_at = clock_timestamp() + $5 * interval '1 millisecond'
                 WHERE holder = $1 AND expires_at > clock_timestamp()
                 RETURNING name, epoch
             ), others AS (
                 SELECT id FROM nodes WHERE id <> $1 AND is_alive(nodes)
             )
             SELECT
                 (SELECT array_agg(id ORDER BY id) FROM (
                     SELECT id FROM self UNION SELECT id FROM others
                 ) AS alive),
                 (SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM held),
                 (SELECT coalesce(array_agg(epoch ORDER BY name), '{}') FROM held)",
        )
        .bind(&self.id)
        .bind(&self.address)
        .bind(&self.version)
        .bind(signed(position))
        .bind(millis(ttl))
        .fetch_one(connection)
        .await?;
        let (names, epochs): (Vec<String>, Vec<i64>) = (row.try_get(1)?, row.try_get(2)?);
        let epochs = epochs.into_iter().map(|epoch| epoch as u64);
        Ok(Roll {
            alive: row.try_get(0)?,
            held: names.into_iter().zip(epochs).collect(),
        })
    }

    /// Gives the place back, and with it the leases.
    pub async fn leave(mut self) -> Result<(), Error> {
        let Some(mut connection) = self.connection.take() else {
            return Ok(());
        };
        let leave = async {
            let sql = "WITH free AS (
                    UPDATE leases SET holder = '', expires_at = clock_timestamp()
                    WHERE holder = $1
                ) DELETE FROM nodes WHERE id = $1";
            let query = sqlx::query(sql).bind(&self.id);
            query.execute(&mut connection).await?;
            connection.close().await
        };
        within(Duration::from_secs(2), leave).await
    }
}

/// All nodes that were heard of within the last hour, the oldest first. Older
/// ones are forgotten by each node that joins.
pub(super) async fn list(pool: &PgPool) -> sqlx::Result<Vec<Node>> {
    let rows = sqlx::query(
        "SELECT id, address, version,
             (extract(epoch FROM started_at) * 1000)::bigint, position, is_alive(nodes),
             (SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM leases
              WHERE holder = id AND leases.expires_at > clock_timestamp())
         FROM nodes WHERE expires_at > clock_timestamp() - interval '1 hour'
         ORDER BY started_at, id",
    );
    let node = |row: sqlx::postgres::PgRow| {
        Ok(Node {
            id: row.try_get(0)?,
            address: row.try_get(1)?,
            version: row.try_get(2)?,
            started_at: row.try_get(3)?,
            position: row.try_get::<i64, _>(4)? as u64,
            alive: row.try_get(5)?,
            leases: row.try_get(6)?,
        })
    };
    rows.fetch_all(pool).await?.into_iter().map(node).collect()
}

async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let mut connection = PgConnection::connect_with(options).await?;
    // A place that a crash of the database loses is taken again.
    sqlx::raw_sql(
        "SET synchronous_commit = off;
         DELETE FROM nodes WHERE expires_at < clock_timestamp() - interval '1 hour'",
    )
    .execute(&mut connection)
    .await?;
    Ok(connection)
}

async fn within<T>(
    time: Duration,
    work: impl Future<Output = sqlx::Result<T>>,
) -> Result<T, Error> {
    match tokio::time::timeout(time, work).await {
        Ok(result) => result.map_err(unavailable),
        Err(_) => {
            let reason = format!("PostgreSQL: no answer within {} ms", time.as_millis());
            Err(Error::Unavailable(reason))
        }
    }
}
