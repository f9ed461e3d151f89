//! `?as_of=`: which moment a read is asked of.

use std::time::Duration;

use crate::app::App;

/// How long a node waits to hear of a position that it does not know.
const NEWS: Duration = Duration::from_secs(1);

/// Why a moment cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither a position nor a time.
    #[error("as_of must be a position (a whole number) or an RFC 3339 time, not {0:?}")]
    Malformed(String),
    /// A position that no event has yet.
    #[error("as_of {asked} is in the future: the last position is {head}")]
    FuturePosition {
        /// Asked for.
        asked: u64,
        /// The last one there is.
        head: u64,
    },
    /// A time that has not come.
    #[error("as_of {0} is in the future")]
    FutureTime(jiff::Timestamp),
    /// The journal could not be asked.
    #[error("the journal failed")]
    Journal(#[from] journal::Error),
}

/// The position that a query's `as_of` names; none: now.
pub async fn resolve(app: &App, query: Option<&str>) -> Result<Option<u64>, Error> {
    let Some(query) = query.filter(|query| query.contains("as_of")) else {
        return Ok(None);
    };
    let asked = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "as_of")
        .map(|(_, value)| value.into_owned());
    match asked {
        Some(text) => position(app, &text).await.map(Some),
        None => Ok(None),
    }
}

/// When what is read at a position was recorded, in milliseconds since the Unix epoch; none: now.
pub async fn moment(app: &App, position: Option<u64>) -> Result<i64, journal::Error> {
    let Some(position) = position else {
        return Ok(crate::auth::now_ms());
    };
    let journal = app.bus.journal();
    let events = journal.read_all(position.saturating_sub(1), 1).await?;
    Ok(events
        .first()
        .map_or_else(crate::auth::now_ms, |event| event.recorded_at))
}

/// The position that a text names: a position, or the last one at a time.
pub async fn position(app: &App, text: &str) -> Result<u64, Error> {
    let journal = app.bus.journal();
    if text.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(asked) = text.parse::<u64>()
    {
        let mut head = journal.head();
        if asked > head && !app.cluster.is_alone() {
            // Another node may have answered with it a moment ago.
            head = journal.wait_beyond(asked - 1, NEWS).await;
        }
        if asked > head {
            return Err(Error::FuturePosition { asked, head });
        }
        return Ok(asked);
    }
    // A `+` of an offset arrives as a blank when it was not percent-encoded.
    let time: jiff::Timestamp = text
        .parse()
        .or_else(|_| text.replace(' ', "+").parse())
        .map_err(|_| Error::Malformed(text.to_owned()))?;
    if time > jiff::Timestamp::now() {
        return Err(Error::FutureTime(time));
    }
    Ok(journal.position_at(time.as_millisecond()).await?)
}
