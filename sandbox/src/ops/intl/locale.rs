//! Language tags, likely subtags, and letter case by language.

use icu_casemap::CaseMapper;
use icu_locale::{LocaleCanonicalizer, LocaleExpander, TransformResult};
use serde::Deserialize;
use serde_json::{Value, json};

use super::parse_locale;
use crate::ops::{Answer, args, value};

/// The canonical form of a tag, with what `Intl.Locale` shows of it, or null
/// when it is not well-formed.
pub(super) fn canonical(arg: &Value) -> Answer {
    let tag: String = args(arg)?;
    let Ok(mut locale) = parse_locale(&tag) else {
        return value(Value::Null);
    };
    LocaleCanonicalizer::new_extended().canonicalize(&mut locale);
    let keywords: Vec<Value> = locale
        .extensions
        .unicode
        .keywords
        .iter()
        .map(|(key, value)| json!([key.to_string(), value.to_string()]))
        .collect();
    let mut known = locale.id.clone();
    let known = LocaleExpander::new_extended().maximize(&mut known) == TransformResult::Modified
        || known.script.is_some() && known.region.is_some();
    value(json!({
        "tag": locale.to_string(),
        "base": locale.id.to_string(),
        "language": locale.id.language.to_string(),
        "script": locale.id.script.map(|script| script.to_string()),
        "region": locale.id.region.map(|region| region.to_string()),
        "keywords": keywords,
        "known": known && !locale.id.language.is_unknown(),
    }))
}

#[derive(Deserialize)]
struct Likely {
    tag: String,
    minimize: bool,
}

/// Adds or takes away the subtags that are likely anyway.
pub(super) fn likely(arg: &Value) -> Answer {
    let Likely { tag, minimize } = args(arg)?;
    let mut locale = parse_locale(&tag)?;
    let expander = LocaleExpander::new_extended();
    if minimize {
        expander.minimize(&mut locale.id);
    } else {
        expander.maximize(&mut locale.id);
    }
    value(locale.to_string())
}

#[derive(Deserialize)]
struct Case {
    locale: String,
    text: String,
    upper: bool,
}

pub(super) fn case(arg: &Value) -> Answer {
    let Case {
        locale,
        text,
        upper,
    } = args(arg)?;
    let id = parse_locale(&locale)?.id;
    let mapper = CaseMapper::new();
    value(if upper {
        mapper.uppercase_to_string(&text, &id).into_owned()
    } else {
        mapper.lowercase_to_string(&text, &id).into_owned()
    })
}
