//! Paths of the virtual tree: relative to its root, separated by `/`, without `.` and `..`.

/// The folder that holds `path`; empty for the root.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// `base` followed by `relative`, without `.` and `..`. `None` when it leaves the root.
pub(crate) fn join(base: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// `path` without `.`, `..` and doubled or leading slashes. `None` when it leaves the root.
pub(crate) fn normalise(path: &str) -> Option<String> {
    join("", path)
}
