//! Downloads of sources and builds.

use std::ops::Range;

use aggregates::Blob;
use aggregates::deployment::ArtefactKind;
use bytes::Bytes;
use projections::model::Deployment;

use super::super::archive;
use super::super::error::{Error, Kind};
use super::super::reply::Reply;
use super::super::request::Request;
use super::range;
use crate::blobs::Blobs;

/// The file that `type` names.
pub async fn download(request: Request) -> Result<Reply, Error> {
    allowed(&request)?;
    let kind = request.parameters.one_of("type", &["source", "output"])?;
    let output = kind == Some("output");
    answer(&request, output).await
}

/// The build.
pub async fn download_build(request: Request) -> Result<Reply, Error> {
    allowed(&request)?;
    answer(&request, true).await
}

/// Before anything is looked up. Signed tokens are not given out here, so none
/// can be valid.
fn allowed(request: &Request) -> Result<(), Error> {
    if request.caller.is_key() {
        Ok(())
    } else {
        Err(Error::new(Kind::UserUnauthorized))
    }
}

async fn answer(request: &Request, output: bool) -> Result<Reply, Error> {
    let function = request.function().await?;
    let row = request.deployment(&function).await?;
    let asked = request.header("range");
    let blobs = &request.app.blobs;
    let (media_type, name, size, part) = if output {
        let bytes = build_of(blobs, &row).await?;
        let size = bytes.len() as u64;
        let asked = range::read(asked, size)?;
        let bytes = match &asked {
            Some(range) => bytes.slice(range.start as usize..range.end as usize),
            None => bytes,
        };
        let name = format!("{}-output-code.tar.gz", row.id);
        ("application/octet-stream", name, size, (asked, bytes))
    } else {
        if row.source.is_empty() {
            return Err(Error::new(Kind::DeploymentNotFound));
        }
        let size = row.source.iter().map(|chunk| chunk.size).sum();
        let asked = range::read(asked, size)?;
        let wanted = asked.clone().unwrap_or(0..size);
        let bytes = bytes_of(blobs, &row.source, wanted).await?;
        let name = format!("{}-source.tar.gz", row.id);
        ("application/gzip", name, size, (asked, bytes))
    };
    let (range, bytes) = part;
    let status = if range.is_some() { 206 } else { 200 };
    let mut reply = Reply::bytes(status, media_type, bytes);
    reply.header(
        "content-disposition",
        &format!("attachment; filename=\"{name}\""),
    );
    reply.header("cache-control", "private, max-age=3888000");
    reply.header("accept-ranges", "bytes");
    if let Some(Range { start, end }) = range {
        let value = format!("bytes {start}-{}/{size}", end - 1);
        reply.header("content-range", &value);
    }
    Ok(reply)
}

/// Some bytes of a file that is kept in chunks.
async fn bytes_of(blobs: &Blobs, chunks: &[Blob], wanted: Range<u64>) -> Result<Bytes, Error> {
    let mut all = Vec::with_capacity((wanted.end - wanted.start) as usize);
    let mut begin = 0;
    for chunk in chunks {
        let end = begin + chunk.size;
        let (from, to) = (wanted.start.max(begin), wanted.end.min(end));
        if from == begin && to == end {
            all.extend_from_slice(&blobs.get(chunk).await?);
        } else if from < to {
            let some = blobs.get_range(chunk, from - begin..to - begin).await?;
            all.extend_from_slice(&some);
        }
        begin = end;
    }
    Ok(all.into())
}

/// The build as an archive.
async fn build_of(blobs: &Blobs, row: &Deployment) -> Result<Bytes, Error> {
    let Some(artefact) = &row.artefact else {
        return Err(Error::new(Kind::DeploymentNotFound));
    };
    let code = blobs.get(&artefact.code).await?;
    let map = match &artefact.source_map {
        Some(map) => Some(blobs.get(map).await?),
        None => None,
    };
    let name = match artefact.kind {
        ArtefactKind::JavaScript => "bundle.js",
        ArtefactKind::Component => "function.wasm",
    };
    let files = [(name, Some(code)), ("bundle.js.map", map)];
    let packed = tokio::task::spawn_blocking(move || {
        let present = files
            .iter()
            .filter_map(|(name, bytes)| Some((*name, bytes.as_deref()?)));
        archive::pack(present)
    });
    match packed.await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        failed => {
            tracing::error!(?failed, "cannot pack a build");
            Err(Error::new(Kind::ServerError))
        }
    }
}
