//! `tar.gz` → [`Source`], from people who may mean harm.
//!
//! Nothing is written to disk. The stream is read once, through a reader that
//! counts what comes out of the decompression, so that an archive bomb costs at
//! most the limit.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::bufread::GzDecoder;
use tar::{Archive, EntryType};

use crate::{path, source::Source};

/// What an upload may hold.
#[derive(Debug, Clone)]
pub struct UnpackLimits {
    /// Bytes of the archive as uploaded.
    pub packed: u64,
    /// Bytes of everything that comes out of the decompression.
    pub unpacked: u64,
    /// Files and folders.
    pub entries: usize,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of one path.
    pub path: usize,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self {
            packed: 100 << 20,
            unpacked: 512 << 20,
            entries: 50_000,
            file: 64 << 20,
            path: 1_024,
        }
    }
}

/// Why an archive was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The upload is larger than allowed.
    #[error("the archive is {size} bytes; at most {limit} are allowed")]
    PackedSize {
        /// Bytes of the upload.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// More comes out of the archive than allowed.
    #[error("the archive unpacks to more than {limit} bytes")]
    UnpackedSize {
        /// Bytes allowed.
        limit: u64,
    },
    /// One file is larger than allowed.
    #[error("`{path}` is {size} bytes; at most {limit} are allowed in one file")]
    FileSize {
        /// Path in the archive.
        path: String,
        /// Bytes of the file.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// There are too many files and folders.
    #[error("the archive holds more than {limit} files and folders")]
    Entries {
        /// Files and folders allowed.
        limit: usize,
    },
    /// A path leads out of the archive, is absolute, too long, or not text.
    #[error("`{path}` is not an allowed path: {reason}")]
    Path {
        /// Path in the archive.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Something that is neither a file nor a folder.
    #[error("`{path}` is a {kind}; only files and folders are allowed")]
    Kind {
        /// Path in the archive.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// The same path twice, or a file where a folder is needed.
    #[error("`{path}` is in the archive twice")]
    Twice {
        /// Path in the archive.
        path: String,
    },
    /// There is no file in the archive.
    #[error("the archive is empty")]
    Empty,
    /// Not a `tar.gz`, or a damaged one.
    #[error("the archive is damaged or not a tar.gz: {0}")]
    Damaged(#[source] io::Error),
}

/// Fails once more than `left` bytes were read.
struct Capped<R> {
    inner: R,
    left: u64,
}

/// Marks the error of [`Capped`] among those of the readers around it.
#[derive(Debug, thiserror::Error)]
#[error("too large")]
struct TooLarge;

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other(TooLarge))?;
        Ok(read)
    }
}

/// The members of a gzip file, one after the other. What follows the last one, padding of zeros
/// mostly, is not read.
struct Members<'a> {
    current: GzDecoder<&'a [u8]>,
}

impl Read for Members<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.current.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let rest = *self.current.get_ref();
            if !rest.starts_with(&[0x1f, 0x8b]) {
                return Ok(0);
            }
            self.current = GzDecoder::new(rest);
        }
    }
}

/// Bytes of a long path or a set of extended attributes.
const EXTENSION: u64 = 64 << 10;

pub(crate) fn tar_gz(bytes: &[u8], limits: &UnpackLimits) -> Result<Source, UnpackError> {
    if bytes.len() as u64 > limits.packed {
        return Err(UnpackError::PackedSize {
            size: bytes.len() as u64,
            limit: limits.packed,
        });
    }
    let mut source = Source::default();
    walk(bytes, limits, Refused::Error, |path, content| {
        source.insert(path, content);
    })?;
    if source.is_empty() {
        return Err(UnpackError::Empty);
    }
    Ok(source)
}

/// What to do with an entry that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Error,
    /// Leave it out: packages hold odd things that no module needs.
    Skipped,
}

/// Calls `each` with every plain file of the archive.
pub(crate) fn walk(
    bytes: &[u8],
    limits: &UnpackLimits,
    on_refused: Refused,
    mut each: impl FnMut(String, Bytes),
) -> Result<(), UnpackError> {
    let capped = Capped {
        inner: Members {
            current: GzDecoder::new(bytes),
        },
        left: limits.unpacked,
    };
    let mut archive = Archive::new(capped);
    let failed = |error: io::Error| {
        if is_too_large(&error) {
            UnpackError::UnpackedSize {
                limit: limits.unpacked,
            }
        } else {
            UnpackError::Damaged(error)
        }
    };
    let mut seen = Seen::default();
    let mut count = 0;
    // Raw: the crate would read extension entries of any size into memory.
    let mut extended = Extended::default();
    for entry in archive.entries().map_err(failed)?.raw(true) {
        let mut entry = entry.map_err(failed)?;
        count += 1;
        if count > limits.entries {
            return Err(UnpackError::Entries {
                limit: limits.entries,
            });
        }
        let kind = entry.header().entry_type();
        match kind {
            EntryType::XGlobalHeader | EntryType::GNULongLink => continue,
            EntryType::GNULongName | EntryType::XHeader => {
                if entry.size() > EXTENSION {
                    return Err(UnpackError::Damaged(io::Error::other(
                        "an extended header is too large",
                    )));
                }
                let mut content = Vec::new();
                entry.read_to_end(&mut content).map_err(failed)?;
                if kind == EntryType::GNULongName {
                    content.truncate(
                        content
                            .iter()
                            .position(|byte| *byte == 0)
                            .unwrap_or(content.len()),
                    );
                    extended.path = Some(content);
                } else {
                    extended.read(&content)?;
                }
                continue;
            }
            _ => {}
        }
        let size = entry.size();
        let extended = std::mem::take(&mut extended);
        if extended.size.is_some_and(|said| said != size) {
            return Err(UnpackError::Damaged(io::Error::other(
                "two sizes are given for one file",
            )));
        }
        let admitted = match extended.path {
            Some(name) => admit(&name, kind, size, limits, &mut seen),
            None => admit(&entry.path_bytes(), kind, size, limits, &mut seen),
        };
        let name = match admitted {
            Ok(Some(name)) => name,
            Ok(None) => continue,
            Err(
                UnpackError::Kind { .. } | UnpackError::Path { .. } | UnpackError::Twice { .. },
            ) if on_refused == Refused::Skipped => {
                continue;
            }
            Err(error) => return Err(error),
        };
        // The header may lie about the size, so memory grows with what is there.
        let mut content = Vec::with_capacity(usize::try_from(size.min(1 << 20)).unwrap_or(0));
        entry.read_to_end(&mut content).map_err(failed)?;
        if content.len() as u64 != size {
            return Err(UnpackError::Damaged(io::ErrorKind::UnexpectedEof.into()));
        }
        each(name, Bytes::from(content));
    }
    // Reads to the end of the member, where the checksum is compared.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(failed)?;
    Ok(())
}

/// Paths so far, and whether they are folders.
type Seen = rustc_hash::FxHashMap<String, bool>;

/// The path of an entry that is a file, `None` for a folder, an error for anything that may not be.
fn admit(
    path: &[u8],
    kind: EntryType,
    size: u64,
    limits: &UnpackLimits,
    seen: &mut Seen,
) -> Result<Option<String>, UnpackError> {
    let name = checked_path(path, limits)?;
    let refused = |kind| {
        Err(UnpackError::Kind {
            path: name.clone(),
            kind,
        })
    };
    match kind {
        EntryType::Regular | EntryType::Continuous => {}
        EntryType::Directory => {
            if !name.is_empty() && seen.insert(name.clone(), true) == Some(false) {
                return Err(UnpackError::Twice { path: name });
            }
            return Ok(None);
        }
        EntryType::Symlink => return refused("symbolic link"),
        EntryType::Link => return refused("hard link"),
        EntryType::Char | EntryType::Block => return refused("device file"),
        EntryType::Fifo => return refused("named pipe"),
        EntryType::GNUSparse => return refused("sparse file"),
        _ => return refused("special file"),
    }
    if name.is_empty() {
        return Err(UnpackError::Path {
            path: name,
            reason: "it names the root",
        });
    }
    if size > limits.file {
        return Err(UnpackError::FileSize {
            path: name,
            size,
            limit: limits.file,
        });
    }
    // A file may not be where another entry needs a folder.
    let mut folder = path::parent(&name);
    while !folder.is_empty() {
        match seen.insert(folder.to_owned(), true) {
            Some(true) => break,
            Some(false) => {
                return Err(UnpackError::Twice {
                    path: folder.to_owned(),
                });
            }
            None => folder = path::parent(folder),
        }
    }
    if seen.insert(name.clone(), false).is_some() {
        return Err(UnpackError::Twice { path: name });
    }
    Ok(Some(name))
}

/// What headers before an entry say about it.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Extended {
    /// Reads a set of extended attributes.
    fn read(&mut self, content: &[u8]) -> Result<(), UnpackError> {
        for extension in tar::PaxExtensions::new(content) {
            let extension = extension.map_err(UnpackError::Damaged)?;
            match extension.key_bytes() {
                b"path" => self.path = Some(extension.value_bytes().to_vec()),
                b"size" => {
                    let size = extension.value().ok().and_then(|text| text.parse().ok());
                    self.size = Some(size.ok_or_else(|| {
                        UnpackError::Damaged(io::Error::other("a size is not a number"))
                    })?);
                }
                key if key.starts_with(b"GNU.sparse") => {
                    return Err(UnpackError::Kind {
                        path: String::from_utf8_lossy(self.path.as_deref().unwrap_or_default())
                            .into_owned(),
                        kind: "sparse file",
                    });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn is_too_large(error: &io::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> =
        error.get_ref().map(|inner| inner as _);
    while let Some(error) = cause {
        if error.is::<TooLarge>() {
            return true;
        }
        // `tar` wraps an error of the reader in one of its own.
        if let Some(inner) = error.downcast_ref::<io::Error>()
            && is_too_large(inner)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

fn checked_path(bytes: &[u8], limits: &UnpackLimits) -> Result<String, UnpackError> {
    let shown: String = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let refused = |reason| UnpackError::Path {
        path: shown.clone(),
        reason,
    };
    let text = std::str::from_utf8(bytes).map_err(|_| refused("it is not UTF-8"))?;
    if text.len() > limits.path {
        return Err(refused("it is too long"));
    }
    if text.starts_with('/')
        || text
            .get(1..3)
            .is_some_and(|drive| drive == ":\\" || drive == ":/")
    {
        return Err(refused("it is absolute"));
    }
    if text.contains('\\') {
        return Err(refused("it holds a backslash"));
    }
    if text.chars().any(char::is_control) {
        return Err(refused("it holds a control character"));
    }
    if text.split('/').any(|part| part == "..") {
        return Err(refused("it leads out of the archive"));
    }
    path::normalise(text).ok_or_else(|| refused("it leads out of the archive"))
}
