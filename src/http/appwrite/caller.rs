//! Who calls, for which project, and what they may do.

use http::HeaderMap;

use aggregates::ProjectId;
use aggregates::project::Project;

use super::ephemeral;
use super::error::{Error, Kind};
use crate::app::App;
use crate::http::Sender;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The holder of an API key.
    Key {
        /// As audit names them.
        actor: String,
        /// `*` for every scope.
        scopes: Vec<String>,
    },
    /// Anybody.
    Guest,
}

/// What guests may do.
const GUEST_SCOPES: &[&str] = &["executions.write", "execution.write"];

impl Caller {
    /// As audit names them.
    pub fn actor(&self) -> &str {
        match self {
            Self::Key { actor, .. } => actor,
            Self::Guest => "guest",
        }
    }

    /// Holds an API key: permission checks are skipped and logs are shown.
    pub fn is_key(&self) -> bool {
        matches!(self, Self::Key { .. })
    }

    /// The roles that a function's `execute` list may name.
    pub fn roles(&self) -> &'static [&'static str] {
        match self {
            Self::Key { .. } => &[],
            Self::Guest => &["any", "guests"],
        }
    }

    /// Fails unless they hold one of the scopes (an empty list asks for none).
    pub fn check(&self, project: &ProjectId, scopes: &[&str]) -> Result<(), Error> {
        let allowed = scopes.is_empty()
            || scopes.iter().any(|scope| match self {
                Self::Key { scopes, .. } => scopes.iter().any(|have| have == "*" || have == scope),
                Self::Guest => GUEST_SCOPES.contains(scope),
            });
        if allowed {
            return Ok(());
        }
        let quoted: Vec<String> = scopes.iter().map(|scope| format!("\"{scope}\"")).collect();
        let missing = quoted.join(",");
        let who = match self {
            Self::Key { .. } => format!("app.{project}@service (role: apps)"),
            Self::Guest => "User (role: guests)".to_owned(),
        };
        Err(Error::with(
            Kind::UnauthorizedScope,
            format!("{who} missing scopes ([{missing}])"),
        ))
    }
}

/// Finds out who calls and for which project. `in_query`: the project as a GET
/// may name it in its query string. `sender` is told.
pub async fn identify(
    app: &App,
    headers: &HeaderMap,
    in_query: Option<&str>,
    sender: &Sender,
) -> Result<(ProjectId, Caller), Error> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .filter(|value| !value.is_empty())
    };
    let key = text("x-appwrite-key");
    let Some(project) = text("x-appwrite-project").or(in_query) else {
        return Err(Error::new(match key {
            Some(_) => Kind::ProjectIdMissing,
            None => Kind::AccessForbidden,
        }));
    };
    let project = ProjectId::from(project);
    let caller = match key {
        Some(key) => by_key(app, &project, key, sender).await?,
        None => None,
    };
    // A key of the project proves that the project is there; the root key and
    // guests do not.
    let proven = matches!(&caller, Some(Caller::Key { actor, .. }) if actor != "root");
    // The aggregate is in memory after the first time.
    if !proven
        && !app
            .bus
            .load::<Project>(project.as_str())
            .await?
            .state
            .exists
    {
        return Err(Error::new(Kind::ProjectNotFound));
    }
    let actor = caller.as_ref().map_or("guest", Caller::actor);
    sender.is(project.as_str(), actor);
    if let Some(caller) = caller {
        return Ok((project, caller));
    }
    // There are no users here, so no JWT of one can be valid.
    if text("x-appwrite-jwt").is_some() {
        let session = text("x-appwrite-session").is_some()
            || text("cookie").is_some_and(|cookie| cookie.contains("a_session_"));
        return Err(Error::new(match session {
            true => Kind::UserJwtAndCookieSet,
            false => Kind::UserJwtInvalid,
        }));
    }
    Ok((project, Caller::Guest))
}

async fn by_key(
    app: &App,
    project: &ProjectId,
    key: &str,
    sender: &Sender,
) -> Result<Option<Caller>, Error> {
    let minted = key
        .strip_prefix("ephemeral_")
        .or_else(|| key.strip_prefix("dynamic_"));
    if let Some(token) = minted {
        let claims = ephemeral::verify(&app.vault, token, super::time::now());
        return Ok(claims
            .filter(|claims| claims.project_id == project.as_str())
            .map(|claims| Caller::Key {
                actor: format!("function:{}", claims.function_id),
                scopes: claims.scopes,
            }));
    }
    // Clients may have been given the secret with the prefix of stored keys.
    let mut grant = app.keys.find(key).await?;
    if grant.is_none()
        && let Some(secret) = key.strip_prefix("standard_")
    {
        grant = app.keys.find(secret).await?;
    }
    let Some(grant) = grant.filter(|grant| grant.project.as_ref().is_none_or(|of| of == project))
    else {
        return Ok(None);
    };
    if grant.expired {
        sender.is(project.as_str(), &grant.actor());
        return Err(Error::new(Kind::ProjectKeyExpired));
    }
    Ok(Some(Caller::Key {
        actor: grant.actor(),
        scopes: grant.scopes,
    }))
}
