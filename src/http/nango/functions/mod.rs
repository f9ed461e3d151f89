//! `/functions`: compiling, and what else is done with source.

pub mod bundle;
pub mod compile;
pub mod deployed;
pub mod deployments;
pub mod dryruns;
pub mod entry;

use super::rules::{BELOW, Object};

/// The files beside the entry that a submission brings (beyond upstream): paths relative to the
/// entry's folder, and texts.
fn files(object: &mut Object<'_>) -> Vec<(String, String)> {
    const MOST: usize = 100;
    let Some(files) = object.optional_texts("files", usize::MAX) else {
        return Vec::new();
    };
    if files.len() > MOST {
        let message = format!("Too big: expected record to have <={MOST} entries");
        object.refuse("files", "too_big", message);
    }
    for path in files.keys() {
        let parts = || path.split('/');
        let fits = path.ends_with(".ts")
            && path.len() <= 255
            && parts().all(|part| !matches!(part, "" | "." | ".." | "node_modules"))
            && !path.contains(['\\', ':', '\0']);
        if !fits {
            let message = "Invalid string: must be the relative path of a .ts file";
            object.refuse(&format!("files{BELOW}{path}"), "invalid_format", message);
        }
    }
    files.into_iter().collect()
}

/// Entry and other files, by their paths in the project.
fn sources(entry: &str, code: String, files: Vec<(String, String)>) -> Vec<(String, String)> {
    let folder = entry.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut sources = vec![(entry.to_owned(), code)];
    sources.extend(
        files
            .into_iter()
            .map(|(path, text)| (format!("{folder}/{path}"), text))
            .filter(|(path, _)| path != entry),
    );
    sources
}
