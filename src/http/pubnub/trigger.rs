//! The words for what makes a function run (section 10).

use aggregates::TriggerKind;

/// The trigger that a word names; the spellings of older surfaces are taken as well (section 10.2).
pub fn kind(word: &str) -> Option<TriggerKind> {
    let legacy = match word {
        "js-before-publish" => Some(TriggerKind::BeforePublish),
        "js-after-publish" => Some(TriggerKind::AfterPublish),
        "js-before-signal" => Some(TriggerKind::BeforeSignal),
        "js-after-signal" => Some(TriggerKind::AfterSignal),
        "js-after-presence" => Some(TriggerKind::AfterPresence),
        "js-on-rest" => Some(TriggerKind::OnRequest),
        "js-on-interval" => Some(TriggerKind::OnInterval),
        _ => None,
    };
    let mut words = TriggerKind::ALL.into_iter();
    legacy.or_else(|| words.find(|kind| kind.as_str() == word))
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn words_of_all_surfaces() {
        for known in aggregates::TriggerKind::ALL {
            assert_eq!(kind(known.as_str()), Some(known));
        }
        assert_eq!(kind("js-on-rest"), Some(aggregates::TriggerKind::OnRequest));
        for unknown in ["", "before_publish", "BEFORE_PRESENCE", "js-before-presence"] {
            assert_eq!(kind(unknown), None, "{unknown}");
        }
    }
}
