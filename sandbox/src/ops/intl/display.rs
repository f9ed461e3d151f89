//! Names of regions, scripts, languages and currencies, and of units.

use fixed_decimal::Decimal;
use icu_decimal::DecimalFormatter;
use icu_experimental::dimension::units::categorized_formatter::CategorizedFormatter;
use icu_experimental::dimension::units::options::{UnitsFormatterOptions, Width};
use icu_experimental::displaynames::multi::{
    LocaleDisplayNamesFormatter, RegionDisplayNames, ScriptDisplayNames,
};
use icu_experimental::displaynames::{DisplayNamesOptions, Style};
use icu_experimental::measure::category::{CategorizedMeasureUnit, Duration, MeasureUnitCategory};
use icu_locale::Locale;
use serde::Deserialize;
use serde_json::Value;
use writeable::Writeable;

use super::{failed, parse_locale};
use crate::ops::{Answer, args, value};

#[derive(Deserialize)]
struct Name {
    locale: String,
    kind: String,
    style: String,
    code: String,
}

/// The name of a code, or null when there is none.
pub(super) fn name(arg: &Value) -> Answer {
    let Name {
        locale,
        kind,
        style,
        code,
    } = args(arg)?;
    let locale = parse_locale(&locale)?;
    let mut options = DisplayNamesOptions::default();
    options.style = match style.as_str() {
        "short" => Some(Style::Short),
        "narrow" => Some(Style::Narrow),
        _ => None,
    };
    let name = match kind.as_str() {
        "region" => {
            let names = RegionDisplayNames::try_new((&locale).into(), options).map_err(failed)?;
            code.parse()
                .ok()
                .and_then(|region| names.of(region).map(str::to_owned))
        }
        "script" => {
            let names = ScriptDisplayNames::try_new((&locale).into(), options).map_err(failed)?;
            code.parse()
                .ok()
                .and_then(|script| names.of(script).map(str::to_owned))
        }
        "language" => {
            let names =
                LocaleDisplayNamesFormatter::try_new((&locale).into(), options).map_err(failed)?;
            let tag = parse_locale(&code)?;
            let name = names.of(&tag).into_owned();
            (name != code).then_some(name)
        }
        _ => None,
    };
    value(name)
}

/// Units without locale data here are written with these, whatever the locale:
/// identifier, short, narrow, one, many.
const UNITS: &[(&str, &str, &str, &str, &str)] = &[
    ("acre", " ac", "ac", "acre", "acres"),
    ("bit", " bit", "bit", "bit", "bits"),
    ("byte", " byte", "B", "byte", "bytes"),
    ("celsius", "°C", "°C", "degree Celsius", "degrees Celsius"),
    ("centimeter", " cm", "cm", "centimeter", "centimeters"),
    ("degree", " deg", "°", "degree", "degrees"),
    (
        "fahrenheit",
        "°F",
        "°",
        "degree Fahrenheit",
        "degrees Fahrenheit",
    ),
    (
        "fluid-ounce",
        " fl oz",
        "fl oz",
        "fluid ounce",
        "fluid ounces",
    ),
    ("foot", " ft", "′", "foot", "feet"),
    ("gallon", " gal", "gal", "gallon", "gallons"),
    ("gigabit", " Gb", "Gb", "gigabit", "gigabits"),
    ("gigabyte", " GB", "GB", "gigabyte", "gigabytes"),
    ("gram", " g", "g", "gram", "grams"),
    ("hectare", " ha", "ha", "hectare", "hectares"),
    ("inch", " in", "″", "inch", "inches"),
    ("kilobit", " kb", "kb", "kilobit", "kilobits"),
    ("kilobyte", " kB", "kB", "kilobyte", "kilobytes"),
    ("kilogram", " kg", "kg", "kilogram", "kilograms"),
    ("kilometer", " km", "km", "kilometer", "kilometers"),
    ("liter", " L", "L", "liter", "liters"),
    ("megabit", " Mb", "Mb", "megabit", "megabits"),
    ("megabyte", " MB", "MB", "megabyte", "megabytes"),
    ("meter", " m", "m", "meter", "meters"),
    ("mile", " mi", "mi", "mile", "miles"),
    ("milliliter", " mL", "mL", "milliliter", "milliliters"),
    ("millimeter", " mm", "mm", "millimeter", "millimeters"),
    ("ounce", " oz", "oz", "ounce", "ounces"),
    ("percent", "%", "%", "percent", "percent"),
    ("petabyte", " PB", "PB", "petabyte", "petabytes"),
    ("pound", " lb", "#", "pound", "pounds"),
    ("stone", " st", "st", "stone", "stones"),
    ("terabit", " Tb", "Tb", "terabit", "terabits"),
    ("terabyte", " TB", "TB", "terabyte", "terabytes"),
    ("yard", " yd", "yd", "yard", "yards"),
];

/// `n` with its unit: `"5 hours"`. Durations follow the locale.
pub(super) fn unit(
    locale: &Locale,
    unit: &str,
    width: &str,
    n: &Decimal,
    plain: &DecimalFormatter,
) -> Result<String, String> {
    let duration = match unit {
        "microsecond" => Some(Duration::microsecond()),
        "nanosecond" => Some(Duration::nanosecond()),
        "millisecond" => Some(Duration::millisecond()),
        "second" => Some(Duration::second()),
        "minute" => Some(Duration::minute()),
        "hour" => Some(Duration::hour()),
        "day" => Some(Duration::day()),
        "week" => Some(Duration::week()),
        "month" => Some(Duration::month()),
        "year" => Some(Duration::year()),
        _ => None,
    };
    let mut options = UnitsFormatterOptions::default();
    options.width = match width {
        "long" => Width::Long,
        "narrow" => Width::Narrow,
        _ => Width::Short,
    };
    if let Some(text) = duration.and_then(|unit| categorised(locale, unit, options, n)) {
        return Ok(text);
    }
    let number = plain.format(n).write_to_string().into_owned();
    if let Some((unit, per)) = unit.split_once("-per-") {
        let known = |id: &str| {
            UNITS
                .iter()
                .find(|u| u.0 == id)
                .copied()
                .unwrap_or(match id {
                    "hour" => ("hour", " h", "h", "hour", "hours"),
                    "second" => ("second", " s", "s", "second", "seconds"),
                    "minute" => ("minute", " min", "m", "minute", "minutes"),
                    _ => ("", "", "", "", ""),
                })
        };
        let (a, b) = (known(unit), known(per));
        return Ok(match width {
            "long" => format!("{number} {} per {}", if is_one(n) { a.3 } else { a.4 }, b.3),
            "narrow" => format!("{number}{}/{}", a.2, b.2),
            _ => format!("{number}{}/{}", a.1, b.1.trim()),
        });
    }
    let found = UNITS.iter().find(|u| u.0 == unit);
    let (_, short, narrow, one, many) =
        found.ok_or_else(|| format!("RangeError: Invalid unit argument: {unit}"))?;
    Ok(match width {
        "long" => format!("{number} {}", if is_one(n) { one } else { many }),
        "narrow" => format!("{number}{narrow}"),
        _ => format!("{number}{short}"),
    })
}

fn is_one(n: &Decimal) -> bool {
    n.absolute.write_to_string() == "1"
}

fn categorised<C: MeasureUnitCategory>(
    locale: &Locale,
    unit: CategorizedMeasureUnit<C>,
    options: UnitsFormatterOptions,
    n: &Decimal,
) -> Option<String>
where
    icu_experimental::provider::Baked: icu_provider::DataProvider<C::DataMarkerCore>,
{
    let formatter = CategorizedFormatter::<C>::try_new_core(locale.into(), unit, options).ok()?;
    Some(
        formatter
            .format_fixed_decimal(n)
            .write_to_string()
            .into_owned(),
    )
}
