//! Plural categories, lists, and relative times.

use fixed_decimal::Decimal;
use icu_experimental::relativetime::options::Numeric;
use icu_experimental::relativetime::{RelativeTimeFormatter, RelativeTimeFormatterOptions};
use icu_list::ListFormatter;
use icu_list::options::{ListFormatterOptions, ListLength};
use icu_plurals::{PluralCategory, PluralRules};
use serde::Deserialize;
use serde_json::Value;

use super::number::{Options, decimal};
use super::{Pieces, failed, pairs, parse_locale};
use crate::ops::{Answer, args, value};

#[derive(Deserialize)]
struct Plural {
    options: Options,
    ordinal: bool,
    value: String,
}

fn rules(locale: &str, ordinal: bool) -> Result<PluralRules, String> {
    let locale = parse_locale(locale)?;
    if ordinal {
        PluralRules::try_new_ordinal((&locale).into())
    } else {
        PluralRules::try_new_cardinal((&locale).into())
    }
    .map_err(failed)
}

fn category(category: PluralCategory) -> &'static str {
    match category {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

pub(super) fn plural(arg: &Value) -> Answer {
    let Plural {
        options,
        ordinal,
        value: text,
    } = args(arg)?;
    let rules = rules(&options.locale, ordinal)?;
    let n = options.precise(decimal(&text)?);
    value(category(rules.category_for(&n.absolute)))
}

#[derive(Deserialize)]
struct Plurals {
    locale: String,
    ordinal: bool,
}

/// The categories a language has.
pub(super) fn plurals(arg: &Value) -> Answer {
    let Plurals { locale, ordinal } = args(arg)?;
    value(
        rules(&locale, ordinal)?
            .categories()
            .map(category)
            .collect::<Vec<_>>(),
    )
}

#[derive(Deserialize)]
struct List {
    locale: String,
    kind: String,
    style: String,
    items: Vec<String>,
}

pub(super) fn list(arg: &Value) -> Answer {
    let List {
        locale,
        kind,
        style,
        items,
    } = args(arg)?;
    let prefs = (&parse_locale(&locale)?).into();
    let options = ListFormatterOptions::default().with_length(match style.as_str() {
        "short" => ListLength::Short,
        "narrow" => ListLength::Narrow,
        _ => ListLength::Wide,
    });
    let formatter = match kind.as_str() {
        "disjunction" => ListFormatter::try_new_or(prefs, options),
        "unit" => ListFormatter::try_new_unit(prefs, options),
        _ => ListFormatter::try_new_and(prefs, options),
    }
    .map_err(failed)?;
    value(pairs(&Pieces::outermost(&formatter.format(items.iter()))))
}

#[derive(Deserialize)]
struct Relative {
    locale: String,
    style: String,
    unit: String,
    auto: bool,
    value: String,
}

pub(super) fn relative(arg: &Value) -> Answer {
    let Relative {
        locale,
        style,
        unit,
        auto,
        value: text,
    } = args(arg)?;
    let prefs = (&parse_locale(&locale)?).into();
    let numeric = if auto { Numeric::Auto } else { Numeric::Always };
    let options = RelativeTimeFormatterOptions::default().with_numeric(numeric);
    macro_rules! by_style {
        ($($unit:literal $long:ident $short:ident $narrow:ident,)*) => {
            match (unit.as_str(), style.as_str()) {
                $(
                    ($unit, "short") => RelativeTimeFormatter::$short(prefs, options),
                    ($unit, "narrow") => RelativeTimeFormatter::$narrow(prefs, options),
                    ($unit, _) => RelativeTimeFormatter::$long(prefs, options),
                )*
                _ => return Err(format!("RangeError: Invalid unit argument for format() '{unit}'")),
            }
        };
    }
    let formatter = by_style! {
        "second" try_new_long_second try_new_short_second try_new_narrow_second,
        "minute" try_new_long_minute try_new_short_minute try_new_narrow_minute,
        "hour" try_new_long_hour try_new_short_hour try_new_narrow_hour,
        "day" try_new_long_day try_new_short_day try_new_narrow_day,
        "week" try_new_long_week try_new_short_week try_new_narrow_week,
        "month" try_new_long_month try_new_short_month try_new_narrow_month,
        "quarter" try_new_long_quarter try_new_short_quarter try_new_narrow_quarter,
        "year" try_new_long_year try_new_short_year try_new_narrow_year,
    }
    .map_err(failed)?;
    let n: Decimal = decimal(&text)?;
    value(pairs(&Pieces::innermost(&formatter.format(n))))
}
