//! Numbers by the options of `Intl.NumberFormat`: decimal, percent, currency,
//! unit; standard, compact, scientific and engineering notation.
//!
//! Digits always come from the decimal formatter, with the precision that was
//! asked for. What stands around them (currency, percent sign, unit) is taken
//! from the formatter of that style, run on the same number.

use fixed_decimal::{Decimal, Sign, SignedRoundingMode, UnsignedRoundingMode};
use icu_decimal::options::{
    CompactDecimalFormatterOptions, DecimalFormatterOptions, GroupingStrategy,
};
use icu_decimal::{CompactDecimalFormatter, DecimalFormatter};
use icu_experimental::dimension::currency::CurrencyType;
use icu_experimental::dimension::currency::formatter::CurrencyFormatter;
use icu_experimental::dimension::currency::options::{CurrencyFormatterOptions, CurrencyUsage};
use icu_experimental::dimension::percent::formatter::PercentFormatter;
use icu_locale::Locale;
use serde::Deserialize;
use serde_json::Value;
use writeable::Writeable;

use super::datetime::digit;
use super::{Piece, Pieces, failed, pairs, parse_locale};
use crate::ops::{Answer, args, value};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Options {
    pub(super) locale: String,
    style: String,
    currency: Option<String>,
    currency_display: Option<String>,
    currency_sign: Option<String>,
    unit: Option<String>,
    unit_display: Option<String>,
    notation: String,
    compact_display: Option<String>,
    sign_display: String,
    use_grouping: String,
    minimum_integer_digits: i16,
    /// Both unset in compact notation: its own rounding applies.
    minimum_fraction_digits: Option<i16>,
    maximum_fraction_digits: Option<i16>,
    minimum_significant_digits: Option<i16>,
    maximum_significant_digits: Option<i16>,
    rounding_mode: String,
    #[serde(default)]
    strip_zeros: bool,
}

#[derive(Deserialize)]
struct Format {
    options: Options,
    /// A decimal literal, `NaN`, `Infinity` or `-Infinity`.
    value: String,
}

fn piece(kind: &'static str, text: impl Into<String>) -> Piece {
    Piece {
        kind,
        text: text.into(),
    }
}

pub(super) fn format(arg: &Value) -> Answer {
    let Format {
        options,
        value: text,
    } = args(arg)?;
    let locale = parse_locale(&options.locale)?;
    value(pairs(&Writer::new(&options, &locale)?.write(&text)?))
}

/// Reads a JavaScript number as text, exponents included.
pub(super) fn decimal(text: &str) -> Result<Decimal, String> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().map_err(failed)?),
        None => (text, 0),
    };
    let mut decimal = Decimal::try_from_str(mantissa).map_err(failed)?;
    decimal.absolute.multiply_pow10(exponent);
    Ok(decimal)
}

fn rounding(mode: &str) -> SignedRoundingMode {
    use SignedRoundingMode as M;
    use UnsignedRoundingMode as U;
    match mode {
        "ceil" => M::Ceil,
        "floor" => M::Floor,
        "expand" => M::Unsigned(U::Expand),
        "trunc" => M::Unsigned(U::Trunc),
        "halfCeil" => M::HalfCeil,
        "halfFloor" => M::HalfFloor,
        "halfTrunc" => M::Unsigned(U::HalfTrunc),
        "halfEven" => M::Unsigned(U::HalfEven),
        _ => M::Unsigned(U::HalfExpand),
    }
}

impl Options {
    /// Rounds and pads to the digits that were asked for.
    pub(super) fn precise(&self, mut n: Decimal) -> Decimal {
        let mode = rounding(&self.rounding_mode);
        n.absolute.trim_start();
        n.absolute.trim_end();
        if let (Some(min), Some(max)) = (
            self.minimum_significant_digits,
            self.maximum_significant_digits,
        ) {
            let top = if n.absolute.is_zero() {
                0
            } else {
                n.absolute.nonzero_magnitude_start()
            };
            n.round_with_mode(top - max + 1, mode);
            n.absolute.trim_end();
            let top = if n.absolute.is_zero() {
                0
            } else {
                n.absolute.nonzero_magnitude_start()
            };
            n.absolute.pad_end((top - min + 1).min(0));
        } else if let (Some(min), Some(max)) =
            (self.minimum_fraction_digits, self.maximum_fraction_digits)
        {
            n.round_with_mode(-max, mode);
            n.absolute.trim_end();
            n.absolute.pad_end(-min);
        } else {
            // Compact rounding: two digits below ten, whole numbers above.
            let top = if n.absolute.is_zero() {
                0
            } else {
                n.absolute.nonzero_magnitude_start()
            };
            n.round_with_mode((top - 1).min(0), mode);
            n.absolute.trim_end();
        }
        if self.strip_zeros {
            n.absolute.trim_end_if_integer();
        }
        n.absolute.pad_start(self.minimum_integer_digits);
        n
    }
}

struct Writer<'a> {
    options: &'a Options,
    locale: &'a Locale,
    plain: DecimalFormatter,
    minus: String,
    plus: String,
}

impl<'a> Writer<'a> {
    fn new(options: &'a Options, locale: &'a Locale) -> Result<Self, String> {
        let mut settings = DecimalFormatterOptions::default();
        settings.grouping_strategy = Some(match options.use_grouping.as_str() {
            "false" => GroupingStrategy::Never,
            "always" => GroupingStrategy::Always,
            "min2" => GroupingStrategy::Min2,
            _ => GroupingStrategy::Auto,
        });
        let plain = DecimalFormatter::try_new(locale.into(), settings).map_err(failed)?;
        let sign = |sign| {
            let mut one = Decimal::from(1);
            one.sign = sign;
            Pieces::innermost(&plain.format(&one))
                .into_iter()
                .take_while(|p| p.kind != "integer")
                .map(|p| p.text)
                .collect::<String>()
        };
        let (minus, plus) = (sign(Sign::Negative), sign(Sign::Positive));
        Ok(Self {
            options,
            locale,
            plain,
            minus,
            plus,
        })
    }

    fn write(&self, text: &str) -> Result<Vec<Piece>, String> {
        if matches!(text, "NaN" | "Infinity" | "-Infinity") {
            let (kind, shown) = if text == "NaN" {
                ("nan", "NaN")
            } else {
                ("infinity", "∞")
            };
            let sign = if text.starts_with('-') {
                Sign::Negative
            } else {
                Sign::None
            };
            let sign = self.shown_sign(sign, text == "NaN");
            return self.around(vec![piece(kind, shown)], &Decimal::from(1), sign);
        }
        let mut n = decimal(text)?;
        if self.options.style == "percent" {
            n.absolute.multiply_pow10(2);
        }
        let (n, digits) = match self.options.notation.as_str() {
            "scientific" | "engineering" => self.scientific(n),
            "compact" => self.compact(n)?,
            _ => {
                let n = self.options.precise(n);
                let digits = self.digits(&n);
                (n, digits)
            }
        };
        let sign = self.shown_sign(n.sign, n.absolute.is_zero());
        self.around(digits, &n, sign)
    }

    fn digits(&self, n: &Decimal) -> Vec<Piece> {
        let mut bare = n.clone();
        bare.sign = Sign::None;
        Pieces::innermost(&self.plain.format(&bare))
    }

    fn shown_sign(&self, sign: Sign, zero: bool) -> Sign {
        let negative = sign == Sign::Negative;
        match self.options.sign_display.as_str() {
            "always" if !negative => Sign::Positive,
            "exceptZero" if !negative && !zero => Sign::Positive,
            "never" => Sign::None,
            "exceptZero" | "negative" if zero => Sign::None,
            _ if negative => Sign::Negative,
            _ => Sign::None,
        }
    }

    fn scientific(&self, mut n: Decimal) -> (Decimal, Vec<Piece>) {
        let step = if self.options.notation == "engineering" {
            3
        } else {
            1
        };
        let exponent = |n: &Decimal| {
            if n.absolute.is_zero() {
                0
            } else {
                n.absolute.nonzero_magnitude_start().div_euclid(step) * step
            }
        };
        let first = exponent(&n);
        n.absolute.multiply_pow10(-first);
        let mut rounded = self.options.precise(n);
        // Rounding can carry into another digit.
        let carried = exponent(&rounded);
        rounded.absolute.multiply_pow10(-carried);
        let power = first + carried;
        let mut list = self.digits(&rounded);
        list.push(piece("exponentSeparator", "E"));
        if power < 0 {
            list.push(piece("exponentMinusSign", self.minus.clone()));
        }
        let power = Decimal::from(power.unsigned_abs());
        list.push(piece(
            "exponentInteger",
            self.plain.format(&power).write_to_string().into_owned(),
        ));
        (rounded, list)
    }

    /// The digits and the word for the power of ten.
    fn compact(&self, n: Decimal) -> Result<(Decimal, Vec<Piece>), String> {
        let mut settings = CompactDecimalFormatterOptions::default();
        settings.grouping_strategy = Some(GroupingStrategy::Min2);
        let long = self.options.compact_display.as_deref() == Some("long");
        let formatter = if long {
            CompactDecimalFormatter::try_new_long(self.locale.into(), settings)
        } else {
            CompactDecimalFormatter::try_new_short(self.locale.into(), settings)
        }
        .map_err(failed)?;
        let mut exponent = 0;
        let mut small;
        // Rounding 999,999 gives a million, which has another word.
        for _ in 0..2 {
            small = n.clone();
            small.absolute.multiply_pow10(-exponent);
            small = self.options.precise(small);
            let zero = small.absolute.is_zero();
            let magnitude = if zero {
                0
            } else {
                small.absolute.nonzero_magnitude_start() + exponent
            };
            let wanted = i16::from(formatter.compact_exponent_for_magnitude(magnitude));
            if wanted == exponent {
                break;
            }
            exponent = wanted;
        }
        small = n.clone();
        small.absolute.multiply_pow10(-exponent);
        small = self.options.precise(small);
        let digits = self.digits(&small);
        let mut bare = small.clone();
        bare.sign = Sign::None;
        let Ok(written) = formatter.format_with_exponent(&bare, exponent as u8) else {
            return Ok((small, digits));
        };
        let written = written.write_to_string().into_owned();
        let (before, after) = cut(&written);
        let mut list = Vec::new();
        affix(before, "compact", self, &mut list);
        list.extend(digits);
        affix(after, "compact", self, &mut list);
        Ok((small, list))
    }

    /// Puts sign, currency, percent sign or unit around the digits.
    fn around(&self, digits: Vec<Piece>, n: &Decimal, sign: Sign) -> Result<Vec<Piece>, String> {
        let mut probe = n.clone();
        probe.sign = if sign == Sign::None {
            Sign::None
        } else {
            Sign::Negative
        };
        let kind = match self.options.style.as_str() {
            "percent" => "percentSign",
            "currency" => "currency",
            "unit" => "unit",
            _ => "literal",
        };
        let written = match self.options.style.as_str() {
            "percent" => PercentFormatter::try_new(self.locale.into(), Default::default())
                .map_err(failed)?
                .format(&probe)
                .write_to_string()
                .into_owned(),
            "currency" => self.currency(&probe)?,
            "unit" => self.unit(&probe)?,
            _ => self.plain.format(&probe).write_to_string().into_owned(),
        };
        let (before, after) = cut(&written);
        let swap = |text: &str| {
            if sign == Sign::Positive {
                text.replace(&self.minus, &self.plus)
            } else {
                text.to_owned()
            }
        };
        let mut list = Vec::new();
        affix(&swap(before), kind, self, &mut list);
        list.extend(digits);
        affix(&swap(after), kind, self, &mut list);
        Ok(list)
    }

    fn currency(&self, n: &Decimal) -> Result<String, String> {
        let code = self.options.currency.as_deref().unwrap_or_default();
        let currency = CurrencyType::try_from_str(&code.to_ascii_lowercase()).map_err(failed)?;
        let mut settings = CurrencyFormatterOptions::default();
        if self.options.currency_sign.as_deref() == Some("accounting") {
            settings.usage = CurrencyUsage::Accounting;
        }
        let prefs = self.locale.into();
        Ok(match self.options.currency_display.as_deref() {
            Some("code") => {
                CurrencyFormatter::<DecimalFormatter>::try_new_code(prefs, currency, settings)
                    .map_err(failed)?
                    .format_fixed_decimal(n)
                    .write_to_string()
                    .into_owned()
            }
            Some("name") => CurrencyFormatter::<DecimalFormatter>::try_new_name(prefs, currency)
                .map_err(failed)?
                .format_fixed_decimal(n)
                .write_to_string()
                .into_owned(),
            Some("narrowSymbol") => CurrencyFormatter::<DecimalFormatter>::try_new_symbol_narrow(
                prefs, currency, settings,
            )
            .map_err(failed)?
            .format_fixed_decimal(n)
            .write_to_string()
            .into_owned(),
            _ => CurrencyFormatter::<DecimalFormatter>::try_new_symbol(prefs, currency, settings)
                .map_err(failed)?
                .format_fixed_decimal(n)
                .write_to_string()
                .into_owned(),
        })
    }

    fn unit(&self, n: &Decimal) -> Result<String, String> {
        let unit = self.options.unit.as_deref().unwrap_or_default();
        let width = self.options.unit_display.as_deref().unwrap_or("short");
        super::display::unit(self.locale, unit, width, n, &self.plain)
    }
}

/// What stands before the first digit and after the last.
fn cut(text: &str) -> (&str, &str) {
    let number = |(_, c): &(usize, char)| digit(*c).is_some();
    let Some((first, _)) = text.char_indices().find(number) else {
        return ("", text);
    };
    let last = text
        .char_indices()
        .rfind(number)
        .map_or(first, |(at, c)| at + c.len_utf8());
    (&text[..first], &text[last..])
}

/// Splits text beside the digits into signs, spaces and the rest.
fn affix(text: &str, kind: &'static str, writer: &Writer<'_>, list: &mut Vec<Piece>) {
    let mut rest = text;
    while !rest.is_empty() {
        let signs = [(&writer.minus, "minusSign"), (&writer.plus, "plusSign")];
        if let Some((sign, name)) = signs
            .into_iter()
            .find(|(sign, _)| !sign.is_empty() && rest.starts_with(sign.as_str()))
        {
            list.push(piece(name, sign.clone()));
            rest = &rest[sign.len()..];
            continue;
        }
        let outside = |c: char| {
            c.is_whitespace() || matches!(c, '(' | ')' | '\u{200e}' | '\u{200f}' | '\u{061c}')
        };
        let literal = rest.starts_with(outside);
        let mut end = rest.len();
        for (at, c) in rest.char_indices().skip(1) {
            let inside = rest[..at].ends_with(char::is_alphanumeric);
            let sign = !inside
                && signs
                    .iter()
                    .any(|(sign, _)| !sign.is_empty() && rest[at..].starts_with(sign.as_str()));
            // Spaces inside a name belong to it.
            let changes = if literal {
                !outside(c)
            } else {
                outside(c) && rest[at..].trim().is_empty() || matches!(c, '(' | ')')
            };
            if sign || changes {
                end = at;
                break;
            }
        }
        list.push(piece(if literal { "literal" } else { kind }, &rest[..end]));
        rest = &rest[end..];
    }
}
