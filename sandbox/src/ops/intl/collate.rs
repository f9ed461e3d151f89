//! Comparing strings, and cutting them into characters, words and sentences.

use std::cell::RefCell;
use std::collections::HashMap;

use icu_collator::options::{AlternateHandling, CaseLevel, CollatorOptions, Strength};
use icu_collator::preferences::{CollationCaseFirst, CollationNumericOrdering};
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};
use icu_segmenter::options::{SentenceBreakInvariantOptions, WordBreakInvariantOptions};
use icu_segmenter::{GraphemeClusterSegmenter, SentenceSegmenter, WordSegmenter};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{failed, parse_locale};
use crate::ops::{Answer, args, value};

#[derive(Clone, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase")]
struct Options {
    locale: String,
    sensitivity: String,
    numeric: bool,
    case_first: String,
    ignore_punctuation: bool,
}

#[derive(Deserialize)]
struct Compare {
    options: Options,
    a: String,
    b: String,
}

thread_local! {
    // Sorting compares many times with one collator.
    static COLLATORS: RefCell<HashMap<Options, CollatorBorrowed<'static>>> = RefCell::new(HashMap::new());
}

fn collator(options: &Options) -> Result<CollatorBorrowed<'static>, String> {
    let mut prefs = CollatorPreferences::from(&parse_locale(&options.locale)?);
    if options.numeric {
        prefs.numeric_ordering = Some(CollationNumericOrdering::True);
    }
    match options.case_first.as_str() {
        "upper" => prefs.case_first = Some(CollationCaseFirst::Upper),
        "lower" => prefs.case_first = Some(CollationCaseFirst::Lower),
        _ => {}
    }
    let mut settings = CollatorOptions::default();
    settings.strength = Some(match options.sensitivity.as_str() {
        "base" | "case" => Strength::Primary,
        "accent" => Strength::Secondary,
        _ => Strength::Tertiary,
    });
    if options.sensitivity == "case" {
        settings.case_level = Some(CaseLevel::On);
    }
    if options.ignore_punctuation {
        settings.alternate_handling = Some(AlternateHandling::Shifted);
    }
    Collator::try_new(prefs, settings).map_err(failed)
}

/// -1, 0 or 1.
pub(super) fn compare(arg: &Value) -> Answer {
    let Compare { options, a, b } = args(arg)?;
    let order = COLLATORS.with_borrow_mut(|known| -> Result<_, String> {
        if !known.contains_key(&options) {
            if known.len() >= 32 {
                known.clear();
            }
            known.insert(options.clone(), collator(&options)?);
        }
        Ok(known[&options].compare(&a, &b))
    })?;
    value(order as i8)
}

#[derive(Deserialize)]
struct Segment {
    text: String,
    granularity: String,
}

/// The ends of the pieces as UTF-16 offsets, and for words which are words.
pub(super) fn segment(arg: &Value) -> Answer {
    let Segment { text, granularity } = args(arg)?;
    let mut words = Vec::new();
    let ends: Vec<usize> = match granularity.as_str() {
        "word" => {
            let segmenter = WordSegmenter::new_auto(WordBreakInvariantOptions::default());
            let mut breaks = segmenter.segment_str(&text);
            let mut ends = Vec::new();
            while let Some(end) = breaks.next() {
                if end > 0 {
                    ends.push(end);
                    words.push(breaks.is_word_like());
                }
            }
            ends
        }
        "sentence" => SentenceSegmenter::new(SentenceBreakInvariantOptions::default())
            .segment_str(&text)
            .filter(|end| *end > 0)
            .collect(),
        _ => GraphemeClusterSegmenter::new()
            .segment_str(&text)
            .filter(|end| *end > 0)
            .collect(),
    };
    let mut units = 0;
    let mut from = 0;
    let ends: Vec<usize> = ends
        .into_iter()
        .map(|end| {
            units += text[from..end].encode_utf16().count();
            from = end;
            units
        })
        .collect();
    value(json!({ "ends": ends, "words": words }))
}
