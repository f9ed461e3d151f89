//! Uploads of code, whole or in chunks that come in any order and in parallel.

use aggregates::DeploymentId;
use aggregates::deployment::{Command, Plan};
use projections::model;

use super::super::error::{Error, Kind};
use super::super::reply::Reply;
use super::super::request::Request;
use super::super::rules;
use super::{changed, execute};
use crate::bus::Committed;

/// Bytes of every chunk but the last.
const CHUNK: u64 = 5 * 1024 * 1024;
/// How often a chunk is tried again when others change the same upload.
const TRIES: u32 = 8;
/// Seconds after which a client may try again then.
const RETRY_AFTER: u32 = 5;

/// Which part of a source an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    /// From 0.
    index: u32,
    /// Of the whole source.
    chunks: u32,
    /// Bytes of the whole source.
    size: u64,
    /// Bytes of this part.
    length: u64,
}

/// Takes a whole source or a chunk of one.
pub async fn create(request: Request) -> Result<Reply, Error> {
    let sent = &request.parameters;
    let entrypoint = sent.text("entrypoint", 0..=1028)?.unwrap_or_default();
    let commands = sent.text("commands", 0..=8192)?;
    let activate = sent.loose_boolean("activate")?;
    let activate = activate.ok_or_else(|| Error::missing("activate"))?;
    let function = request.function().await?;
    let entrypoint = match entrypoint {
        "" => function.settings.entrypoint.as_str(),
        entrypoint => entrypoint,
    };
    if entrypoint.is_empty() {
        return Err(Error::new(Kind::EntrypointMissing));
    }
    let Some(file) = sent.file("code") else {
        return Err(Error::new(match sent.get("code") {
            Some(_) => Kind::InvalidFile,
            None => Kind::FileEmpty,
        }));
    };
    if !file.name.ends_with(".gz") {
        return Err(Error::new(Kind::FileTypeUnsupported));
    }
    let part = part(request.header("content-range"), file.bytes.len() as u64)?;
    let most = request.app.config.max_source_bytes;
    if most > 0 && part.size > most {
        return Err(Error::with(
            Kind::InvalidFileSize,
            format!(
                "The source has {} bytes; this server accepts {most}.",
                part.size
            ),
        ));
    }
    if file.bytes.is_empty() {
        return Err(Error::new(Kind::FileEmpty));
    }
    let id = match request.header("x-appwrite-id") {
        Some(id) if request.header("content-range").is_some() && !id.is_empty() => {
            request.chosen_id("x-appwrite-id", id)?
        }
        _ => request.new_id(),
    };
    debug_assert!(rules::is_path_id(&id));
    let id = DeploymentId::from(id);
    // Some clients send one byte too many in the last chunk.
    let length = usize::try_from(part.length).unwrap_or(usize::MAX);
    let bytes = file.bytes.slice(..file.bytes.len().min(length));
    let blob = request.app.blobs.put(bytes).await?;
    let from_cli = request.header("x-sdk-language") == Some("cli");
    let command = Command::Upload {
        plan: Plan {
            script: None,
            function: function.id.as_str().into(),
            kind: if from_cli { "cli" } else { "manual" }.to_owned(),
            entrypoint: entrypoint.to_owned(),
            commands: commands.unwrap_or(&function.settings.commands).to_owned(),
            activate,
            size: part.size,
            chunks: part.chunks,
        },
        index: part.index,
        blob,
    };
    let committed = store(&request, &function, &id, command).await?;
    changed(request, 202, &function, &id, committed).await
}

async fn store(
    request: &Request,
    function: &model::Function,
    id: &DeploymentId,
    command: Command,
) -> Result<Committed, Error> {
    let mut tries = 1;
    loop {
        match execute(request, id, command.clone()).await {
            Err(error) if error.kind == Kind::ResourceLocked && tries < TRIES => tries += 1,
            Err(error) if error.kind == Kind::ResourceLocked => {
                return Err(Error::busy(RETRY_AFTER));
            }
            // The upload is known with another number of chunks or bytes.
            Err(error) if error.kind == Kind::InvalidContentRange => {
                request.deployment_by_id(function, id.as_str()).await?;
                return Err(error);
            }
            result => return result,
        }
    }
}

/// Reads `bytes <start>-<end>/<size>`. Without it the file is the whole source.
fn part(content_range: Option<&str>, length: u64) -> Result<Part, Error> {
    let Some(text) = content_range else {
        return Ok(Part {
            index: 0,
            chunks: 1,
            size: length,
            length,
        });
    };
    let refused = |why: &'static str| Err(Error::with(Kind::InvalidContentRange, why));
    let Some((start, end, size)) = numbers(text) else {
        return refused("The content-range header must read \"bytes <start>-<end>/<size>\".");
    };
    // An end right behind the last byte is a known slip of clients.
    if start > end || end > size || size == 0 || start >= size {
        return refused("The content-range header goes beyond the end of the file.");
    }
    let wanted = (end + 1).min(size) - start;
    if length < wanted {
        return refused("The chunk is shorter than the content-range header says.");
    }
    if wanted == size {
        return Ok(Part {
            index: 0,
            chunks: 1,
            size,
            length: wanted,
        });
    }
    let last = start + wanted == size;
    if start % CHUNK != 0 || wanted > CHUNK || (wanted < CHUNK && !last) {
        return refused(
            "Chunks must begin at multiples of 5242880 bytes and be as long, but for the last.",
        );
    }
    match (
        u32::try_from(start / CHUNK),
        u32::try_from(size.div_ceil(CHUNK)),
    ) {
        (Ok(index), Ok(chunks)) => Ok(Part {
            index,
            chunks,
            size,
            length: wanted,
        }),
        _ => refused("The file is too large."),
    }
}

fn numbers(text: &str) -> Option<(u64, u64, u64)> {
    let (range, size) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, end) = range.split_once('-')?;
    let number = |digits: &str| {
        let digits = digits.trim();
        // `parse` would take a sign.
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let (end, size): (u64, u64) = (number(end)?, number(size)?);
    (end < u64::MAX).then_some((number(start)?, end, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        let part_of = |range: &str, length| part(Some(range), length).ok();
        let expected = |index, chunks, size, length| {
            Some(Part {
                index,
                chunks,
                size,
                length,
            })
        };
        assert_eq!(part(None, 7).ok(), expected(0, 1, 7, 7));
        for (range, length, result) in [
            ("bytes 0-6/7", 7, expected(0, 1, 7, 7)),
            (
                "bytes 0-5242879/12000000",
                5_242_880,
                expected(0, 3, 12_000_000, 5_242_880),
            ),
            (
                "bytes 5242880-10485759/12000000",
                5_242_880,
                expected(1, 3, 12_000_000, 5_242_880),
            ),
            (
                "bytes 10485760-11999999/12000000",
                1_514_240,
                expected(2, 3, 12_000_000, 1_514_240),
            ),
            // One byte too many in the last chunk.
            (
                "bytes 5242880-10485759/10485759",
                5_242_880,
                expected(1, 2, 10_485_759, 5_242_879),
            ),
            // Whole, though larger than a chunk.
            (
                "bytes 0-5999999/6000000",
                6_000_000,
                expected(0, 1, 6_000_000, 6_000_000),
            ),
            ("bytes 0-6/5", 7, None),
            ("bytes 7-6/9", 1, None),
            ("bytes 9-9/9", 1, None),
            ("bytes 0-8/9", 3, None),
            ("bytes 100-5242979/12000000", 5_242_880, None),
            ("bytes 0-99/12000000", 100, None),
            ("bytes 0-/9", 9, None),
            ("bytes -1-6/7", 7, None),
            ("bytes +0-6/7", 7, None),
            ("items 0-6/7", 7, None),
            ("bytes 0-6", 7, None),
            ("bytes 0-0/0", 1, None),
            ("bytes 0-18446744073709551615/18446744073709551615", 1, None),
            ("bytes 0-99999999999999999999/7", 7, None),
            ("", 7, None),
        ] {
            assert_eq!(part_of(range, length), result, "{range}");
        }
    }
}
