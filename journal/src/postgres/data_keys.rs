//! Wrapped data keys, kept beside the log.

use std::sync::Arc;

use super::calls::Calls;
use crate::Error;

/// Small secrets that the nodes share and that can be erased, unlike events.
/// They arrive wrapped: what unwraps them is not in the database.
#[derive(Clone, Debug)]
pub struct DataKeys {
    pub(super) calls: Calls,
}

impl DataKeys {
    /// Stores a key. It is durable when this returns.
    pub async fn put(&self, id: &str, wrapped: &[u8]) -> Result<(), Error> {
        let sql = "INSERT INTO data_keys (id, wrapped) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let asked: Arc<(String, Vec<u8>)> = Arc::new((id.to_owned(), wrapped.to_owned()));
        self.calls
            .run(move |pool| {
                let asked = Arc::clone(&asked);
                async move {
                    let query = sqlx::query(sql).bind(&asked.0).bind(&asked.1);
                    query.execute(&pool).await.map(|_| ())
                }
            })
            .await
    }

    /// The key, unless it was never here or was erased.
    pub async fn get(&self, id: &str) -> Result<Option<Vec<u8>>, Error> {
        let id: Arc<str> = id.into();
        self.calls
            .run(move |pool| {
                let id = Arc::clone(&id);
                async move {
                    let query = sqlx::query_scalar("SELECT wrapped FROM data_keys WHERE id = $1");
                    query.bind(&*id).fetch_optional(&pool).await
                }
            })
            .await
    }

    /// All of them, by id.
    pub async fn all(&self) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.calls
            .run(|pool| async move {
                let query = sqlx::query_as("SELECT id, wrapped FROM data_keys ORDER BY id");
                query.fetch_all(&pool).await
            })
            .await
    }

    /// Erases a key; one that is not there is fine.
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        let id: Arc<str> = id.into();
        self.calls
            .run(move |pool| {
                let id = Arc::clone(&id);
                async move {
                    let query = sqlx::query("DELETE FROM data_keys WHERE id = $1");
                    query.bind(&*id).execute(&pool).await.map(|_| ())
                }
            })
            .await
    }
}
