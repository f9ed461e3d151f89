//! Which file of the upload a function starts with.

use crate::{
    diagnostic::Diagnostic, path, source::Source, suggest::nearest, transform::Language,
    tsconfig::Settings,
};

/// Extensions of source files that a compiled file can come from.
const SOURCES: &[(&str, &[&str])] = &[
    ("js", &["ts", "tsx", "jsx", "mts", "cts"]),
    ("mjs", &["mts", "ts"]),
    ("cjs", &["cts", "ts"]),
];

/// Finds the module that `entrypoint` means: the file itself, or, when it is the output of a
/// TypeScript build that has not run (`dist/main.js`), the source it would be compiled from.
pub(crate) fn find(
    source: &Source,
    entrypoint: &str,
    settings: &Settings,
) -> Result<String, Diagnostic> {
    let Some(wanted) = path::normalise(entrypoint.trim()) else {
        return Err(Diagnostic::file(
            "",
            format!("The entrypoint `{entrypoint}` leads out of the upload"),
        ));
    };
    if wanted.is_empty() {
        return Err(Diagnostic::file("", "No entrypoint is set")
            .hint("set it to a file of the upload, such as `src/main.ts`"));
    }
    if source.get(&wanted).is_some() {
        if Language::of(&wanted).is_none_or(|language| language.json) {
            return Err(
                Diagnostic::file("", format!("The entrypoint `{wanted}` is not code"))
                    .hint("it must end in .ts, .tsx, .mts, .cts, .js, .jsx, .mjs or .cjs"),
            );
        }
        return Ok(wanted);
    }
    for candidate in candidates(&wanted, settings) {
        if source.get(&candidate).is_some() {
            return Ok(candidate);
        }
    }
    let code: Vec<&str> = source
        .files()
        .map(|(path, _)| path)
        .filter(|path| {
            !path.contains("node_modules/")
                && Language::of(path).is_some_and(|language| !language.json)
        })
        .collect();
    let diagnostic = Diagnostic::file(
        "",
        format!("The entrypoint `{wanted}` is not in the upload"),
    );
    Err(match nearest(&wanted, code.iter().copied()) {
        Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
        None if code.is_empty() => diagnostic.hint("there is no code in the upload"),
        None => diagnostic.hint(format!(
            "the upload holds {}{}",
            code.iter()
                .take(5)
                .map(|path| format!("`{path}`"))
                .collect::<Vec<_>>()
                .join(", "),
            if code.len() > 5 { " and more" } else { "" }
        )),
    })
}

/// Where the source of a compiled file may be, the most likely place first.
fn candidates(wanted: &str, settings: &Settings) -> Vec<String> {
    let (stem, extension) = wanted.rsplit_once('.').unwrap_or((wanted, "js"));
    let extensions = SOURCES
        .iter()
        .find(|(compiled, _)| *compiled == extension)
        .map_or(&["ts", "js"][..], |(_, sources)| *sources);
    let clean = |folder: &str| path::normalise(folder).unwrap_or_default();
    let mut stems = Vec::new();
    if let Some(out) = &settings.out_dir {
        let out = clean(out);
        let inner = if out.is_empty() {
            Some(stem)
        } else {
            stem.strip_prefix(&format!("{out}/"))
        };
        if let Some(inner) = inner {
            let root = settings.root_dir.as_deref().map(clean);
            for root in root.iter().map(String::as_str).chain(["src", ""]) {
                stems.push(if root.is_empty() {
                    inner.to_owned()
                } else {
                    format!("{root}/{inner}")
                });
            }
        }
    }
    stems.push(stem.to_owned());
    if let Some((first, inner)) = stem.split_once('/')
        && matches!(first, "dist" | "build" | "out" | "lib" | "output")
    {
        stems.push(format!("src/{inner}"));
        stems.push(inner.to_owned());
    }
    stems
        .iter()
        .flat_map(|stem| {
            extensions
                .iter()
                .copied()
                .chain([extension])
                .map(move |extension| format!("{stem}.{extension}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_names_lead_to_their_sources() {
        let settings = |out: Option<&str>, root: Option<&str>| Settings {
            out_dir: out.map(str::to_owned),
            root_dir: root.map(str::to_owned),
            ..Settings::default()
        };
        for (files, entrypoint, settings, expected) in [
            (
                &["src/main.ts"][..],
                "dist/main.js",
                settings(Some("./dist"), Some("src")),
                Some("src/main.ts"),
            ),
            (
                &["lib/main.ts"],
                "out/main.js",
                settings(Some("out"), Some("./lib/")),
                Some("lib/main.ts"),
            ),
            (
                &["main.ts"],
                "dist/main.js",
                settings(None, None),
                Some("main.ts"),
            ),
            (
                &["src/a/x.mts"],
                "build/a/x.mjs",
                settings(None, None),
                Some("src/a/x.mts"),
            ),
            (
                &["src/main.ts"],
                "./src//main.js",
                settings(None, None),
                Some("src/main.ts"),
            ),
            (&["src/main.ts"], "src/mian.ts", settings(None, None), None),
            (&["src/main.ts"], "../main.ts", settings(None, None), None),
        ] {
            let source = Source::from_files(files.iter().map(|path| (*path, "")));
            assert_eq!(
                find(&source, entrypoint, &settings).ok().as_deref(),
                expected,
                "{entrypoint}"
            );
        }
    }
}
