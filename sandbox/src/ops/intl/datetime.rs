//! Dates and times by the component options of `Intl.DateTimeFormat`.
//!
//! The formatter knows whole sets of fields (year, month and day; hour to
//! second). The smallest set that holds what is wanted is formatted, fields
//! nobody asked for are cut out, and single fields whose width differs from
//! their neighbours' (a long weekday beside a short month) are written again
//! on their own.

use std::cell::RefCell;
use std::collections::HashMap;

use icu_calendar::{AnyCalendarKind, Date, Iso};
use icu_datetime::fieldsets::builder::{DateFields, FieldSetBuilder, ZoneStyle};
use icu_datetime::fieldsets::enums::CompositeFieldSet;
use icu_datetime::options::{Alignment, Length, SubsecondDigits, TimePrecision, YearStyle};
use icu_datetime::preferences::HourCycle;
use icu_datetime::{DateTimeFormatter, DateTimeFormatterPreferences};
use icu_time::zone::models::AtTime;
use icu_time::zone::{TimeZone, UtcOffset};
use icu_time::{DateTime, Time, TimeZoneInfo, ZonedDateTime};
use serde::Deserialize;
use serde_json::{Value, json};

use super::zone::Zone;
use super::{Piece, Pieces, failed, pairs, parse_locale};
use crate::ops::{Answer, args, value};

#[derive(Clone, Default, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "camelCase", default)]
struct Options {
    locale: String,
    /// `h11`, `h12`, `h23`, `h24`, or `12` and `24` for what the locale means by them.
    hour_cycle: Option<String>,
    weekday: Option<String>,
    era: Option<String>,
    year: Option<String>,
    month: Option<String>,
    day: Option<String>,
    hour: Option<String>,
    minute: Option<String>,
    second: Option<String>,
    fractional_second_digits: Option<u8>,
    time_zone_name: Option<String>,
    date_style: Option<String>,
    time_style: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Format {
    options: Options,
    time_zone: String,
    /// Milliseconds since the epoch.
    at: f64,
}

type Formatter = DateTimeFormatter<CompositeFieldSet>;

thread_local! {
    // Making a formatter costs far more than using it.
    static FORMATTERS: RefCell<HashMap<Options, Vec<(Set, Formatter)>>> = RefCell::new(HashMap::new());
}

/// The choices that make one formatter.
#[derive(Clone, Copy, Default, PartialEq)]
struct Set {
    length: Option<Length>,
    date: Option<DateFields>,
    time: Option<TimePrecision>,
    zone: Option<ZoneStyle>,
    year: Option<YearStyle>,
    column: bool,
}

impl Options {
    fn is(field: &Option<String>, value: &str) -> bool {
        field.as_deref() == Some(value)
    }

    fn length(&self) -> Length {
        match self.date_style.as_deref() {
            Some("full" | "long") => return Length::Long,
            Some("medium") => return Length::Medium,
            Some(_) => return Length::Short,
            None => {}
        }
        match self.month.as_deref() {
            Some("long") => Length::Long,
            Some("short" | "narrow") => Length::Medium,
            Some(_) => Length::Short,
            None if Self::is(&self.weekday, "long") => Length::Long,
            None if self.weekday.is_some() => Length::Medium,
            None => Length::Short,
        }
    }

    fn date(&self) -> Option<DateFields> {
        match self.date_style.as_deref() {
            Some("full") => return Some(DateFields::YMDE),
            Some(_) => return Some(DateFields::YMD),
            None => {}
        }
        let year = self.year.is_some() || self.era.is_some();
        Some(
            match (
                year,
                self.month.is_some(),
                self.day.is_some(),
                self.weekday.is_some(),
            ) {
                (false, false, false, false) => return None,
                (false, false, false, true) => DateFields::E,
                (false, false, true, false) => DateFields::D,
                (false, false, true, true) => DateFields::DE,
                (false, true, false, false) => DateFields::M,
                (false, true, true, false) => DateFields::MD,
                (false, true, _, true) => DateFields::MDE,
                (true, false, false, false) => DateFields::Y,
                (true, true, false, false) => DateFields::YM,
                (true, _, true, false) => DateFields::YMD,
                (true, _, _, true) => DateFields::YMDE,
            },
        )
    }

    fn time(&self) -> Option<TimePrecision> {
        if let Some(style) = self.time_style.as_deref() {
            return Some(if style == "short" {
                TimePrecision::Minute
            } else {
                TimePrecision::Second
            });
        }
        if let Some(digits) = self.fractional_second_digits {
            return SubsecondDigits::try_from_int(digits).map(TimePrecision::Subsecond);
        }
        if self.second.is_some() {
            Some(TimePrecision::Second)
        } else if self.minute.is_some() {
            Some(TimePrecision::Minute)
        } else {
            self.hour.as_ref().map(|_| TimePrecision::Hour)
        }
    }

    fn zone(&self) -> Option<ZoneStyle> {
        match self.time_style.as_deref() {
            Some("full") => return Some(ZoneStyle::SpecificLong),
            Some("long") => return Some(ZoneStyle::SpecificShort),
            _ => {}
        }
        Some(match self.time_zone_name.as_deref()? {
            "long" => ZoneStyle::SpecificLong,
            "shortOffset" => ZoneStyle::LocalizedOffsetShort,
            "longOffset" => ZoneStyle::LocalizedOffsetLong,
            "shortGeneric" => ZoneStyle::GenericShort,
            "longGeneric" => ZoneStyle::GenericLong,
            _ => ZoneStyle::SpecificShort,
        })
    }

    fn set(&self) -> Set {
        let date = self.date();
        let has_year = matches!(
            date,
            Some(DateFields::Y | DateFields::YM | DateFields::YMD | DateFields::YMDE)
        );
        let styled = self.date_style.is_some();
        Set {
            length: Some(self.length()),
            date,
            time: self.time(),
            zone: self.zone(),
            year: (has_year && !styled).then(|| {
                if self.era.is_some() {
                    YearStyle::WithEra
                } else if Self::is(&self.year, "2-digit") {
                    YearStyle::Auto
                } else {
                    YearStyle::Full
                }
            }),
            column: Self::is(&self.month, "2-digit") || Self::is(&self.day, "2-digit"),
        }
    }
}

fn preferences(options: &Options) -> Result<DateTimeFormatterPreferences, String> {
    let locale = parse_locale(&options.locale)?;
    let mut prefs = DateTimeFormatterPreferences::from(&locale);
    match options.hour_cycle.as_deref() {
        Some("h11") => prefs.hour_cycle = Some(HourCycle::H11),
        Some("h12") => prefs.hour_cycle = Some(HourCycle::H12),
        Some("h23" | "h24") => prefs.hour_cycle = Some(HourCycle::H23),
        Some("12") => prefs.hour_cycle = Some(HourCycle::Clock12),
        Some("24") => prefs.hour_cycle = Some(HourCycle::Clock24),
        _ => {}
    }
    Ok(prefs)
}

fn build(options: &Options, set: Set) -> Result<Formatter, String> {
    let mut builder = FieldSetBuilder::new();
    builder.date_fields = set.date;
    builder.time_precision = set.time;
    builder.zone_style = set.zone;
    builder.year_style = set.year;
    // A zone alone has no other choices.
    if set.date.is_some() || set.time.is_some() {
        builder.length = set.length;
        if set.column {
            builder.alignment = Some(Alignment::Column);
        }
    }
    let fields = builder.build_composite().map_err(failed)?;
    Formatter::try_new(preferences(options)?, fields).map_err(failed)
}

fn with<T>(options: &Options, set: Set, work: impl FnOnce(&Formatter) -> T) -> Result<T, String> {
    FORMATTERS.with_borrow_mut(|known| {
        if !known.contains_key(options) {
            if known.len() >= 64 {
                known.clear();
            }
            known.insert(options.clone(), Vec::new());
        }
        let Some(sets) = known.get_mut(options) else {
            return Err("RangeError: no formatter".to_owned());
        };
        let at = match sets.iter().position(|(given, _)| *given == set) {
            Some(at) => at,
            None => {
                sets.push((set, build(options, set)?));
                sets.len() - 1
            }
        };
        Ok(work(&sets[at].1))
    })
}

type Moment = ZonedDateTime<Iso, TimeZoneInfo<AtTime>>;

fn moment(at: f64, zone: &Zone) -> Result<Moment, String> {
    let invalid = || "RangeError: Invalid time value".to_owned();
    if !at.is_finite() || at.abs() > 8.64e15 {
        return Err(invalid());
    }
    let millis = at as i64;
    let seconds = millis.div_euclid(1000);
    let offset = zone.offset(seconds);
    let local = seconds + i64::from(offset);
    let (days, of_day) = (local.div_euclid(86_400), local.rem_euclid(86_400) as u32);
    let date = date_of(days).ok_or_else(invalid)?;
    let time = Time::try_new(
        (of_day / 3600) as u8,
        (of_day / 60 % 60) as u8,
        (of_day % 60) as u8,
        millis.rem_euclid(1000) as u32 * 1_000_000,
    )
    .map_err(failed)?;
    let local = DateTime { date, time };
    let id = match zone {
        Zone::Fixed(_) => TimeZone::UNKNOWN,
        Zone::Named { name, .. } => TimeZone::from_iana_id(name),
    };
    let offset = UtcOffset::try_from_seconds(offset).ok();
    Ok(ZonedDateTime {
        date,
        time,
        zone: id.with_offset(offset).at_date_time(local),
    })
}

/// The date `days` after the epoch.
fn date_of(days: i64) -> Option<Date<Iso>> {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    Date::try_new_iso(i32::try_from(year).ok()?, month as u8, day as u8).ok()
}

fn pieces(options: &Options, set: Set, at: &Moment) -> Result<Vec<Piece>, String> {
    with(options, set, |formatter| {
        Pieces::outermost(&formatter.format(at))
    })
}

/// One field written on its own, by the length that gives the wanted width.
fn alone(
    options: &Options,
    date: DateFields,
    kind: &str,
    width: &str,
    at: &Moment,
) -> Result<Option<String>, String> {
    let date = if width == "narrow" {
        if kind == "month" {
            DateFields::M
        } else {
            DateFields::E
        }
    } else {
        date
    };
    let length = match width {
        "long" => Length::Long,
        "numeric" | "2-digit" => Length::Short,
        _ => Length::Medium,
    };
    let set = Set {
        length: Some(length),
        date: Some(date),
        ..Set::default()
    };
    let text = pieces(options, set, at)?
        .into_iter()
        .find(|piece| piece.kind == kind)
        .map(|piece| piece.text);
    Ok(match text {
        // No set of fields is narrow: its first letter serves.
        Some(text) if width == "narrow" => text
            .chars()
            .next()
            .map(|first| first.to_uppercase().collect()),
        other => other,
    })
}

fn width_of(length: Length) -> &'static str {
    match length {
        Length::Long => "long",
        Length::Medium => "short",
        _ => "numeric",
    }
}

/// Where ICU's names differ from ECMA-402's.
fn renamed(kind: &'static str) -> &'static str {
    match kind {
        "relatedYear" | "yearName" | "year" | "era" | "month" | "day" | "weekday" | "dayPeriod"
        | "hour" | "minute" | "second" | "timeZoneName" => kind,
        "extendedYear" => "year",
        "period" => "dayPeriod",
        "zone" => "timeZoneName",
        _ => "literal",
    }
}

/// Languages whose short date pads day and month (04.03.24) though the same
/// fields asked for as numbers are not padded (4.3.2024).
const UNPADDED: &[&str] = &[
    "am", "be", "cs", "cy", "da", "de", "en-IN", "es-MX", "et", "gl", "id", "ja", "ka", "ms", "nb",
    "nl", "nn", "no", "si", "sw", "te",
];

/// The medium and short dates of some locales differ from what their parts
/// would give: medium ones have no month name, short ones pad day and month.
fn complete(
    options: &Options,
    set: &mut Set,
    at: &Moment,
    list: &mut Vec<Piece>,
) -> Result<(), String> {
    let named = matches!(options.month.as_deref(), Some("short" | "narrow"));
    let digits = |list: &[Piece]| {
        let month = list.iter().find(|piece| piece.kind == "month");
        month.is_some_and(|piece| piece.text.chars().all(|c| digit(c).is_some()))
    };
    if named && digits(list) {
        set.length = Some(Length::Long);
        *list = pieces(options, *set, at)?;
    }
    let with_year = matches!(set.date, Some(DateFields::YMD | DateFields::YMDE));
    let language = options.locale.split("-u-").next().unwrap_or_default();
    let unpadded = UNPADDED.iter().any(|known| {
        let rest = language.strip_prefix(known);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    });
    if with_year && set.length == Some(Length::Short) && !set.column && unpadded {
        for piece in list.iter_mut() {
            if matches!(piece.kind, "month" | "day") {
                unpad(&mut piece.text);
            }
        }
    }
    Ok(())
}

fn adjust(options: &Options, set: Set, at: &Moment, list: &mut Vec<Piece>) -> Result<(), String> {
    let styled = options.date_style.is_some() || options.time_style.is_some();
    for piece in list.iter_mut() {
        piece.kind = renamed(piece.kind);
    }
    if !styled {
        cut(options, list);
        // Beside a day, names may take another form than on their own.
        let (month, weekday) = match set.date {
            Some(DateFields::E | DateFields::DE) => (DateFields::M, DateFields::E),
            Some(DateFields::M | DateFields::YM) => (DateFields::M, DateFields::E),
            _ => (DateFields::MD, DateFields::MDE),
        };
        let length = set.length.unwrap_or(Length::Medium);
        for piece in list.iter_mut() {
            match piece.kind {
                "weekday" => {
                    let wanted = options.weekday.as_deref().unwrap_or("short");
                    let given = if length == Length::Long {
                        "long"
                    } else {
                        "short"
                    };
                    if wanted != given
                        && let Some(text) = alone(options, weekday, "weekday", wanted, at)?
                    {
                        piece.text = text;
                    }
                }
                "month" => {
                    let wanted = options.month.as_deref().unwrap_or("numeric");
                    if wanted == "narrow"
                        || (wanted != width_of(length)
                            && matches!(wanted, "long" | "short")
                            && piece.text.chars().any(|c| digit(c).is_none()))
                    {
                        if let Some(text) = alone(options, month, "month", wanted, at)? {
                            piece.text = text;
                        }
                    } else if wanted == "2-digit" {
                        pad(&mut piece.text);
                    }
                }
                "day" if Options::is(&options.day, "2-digit") => pad(&mut piece.text),
                "hour" if Options::is(&options.hour, "2-digit") => pad(&mut piece.text),
                "day" if Options::is(&options.day, "numeric") && set.column => {
                    unpad(&mut piece.text)
                }
                "year" if Options::is(&options.year, "2-digit") => {
                    let count = piece.text.chars().count();
                    if count > 2 {
                        piece.text = piece.text.chars().skip(count - 2).collect();
                    }
                }
                _ => {}
            }
        }
    }
    split_fraction(options, list);
    if Options::is(&options.hour_cycle, "h24") {
        for piece in list.iter_mut().filter(|piece| piece.kind == "hour") {
            if matches!(piece.text.as_str(), "00" | "0") {
                piece.text = "24".to_owned();
            }
        }
    }
    Ok(())
}

/// Takes out the fields that only complete a set, with the literal that ties
/// them to the rest.
fn cut(options: &Options, list: &mut Vec<Piece>) {
    let wanted = |kind: &str| match kind {
        "year" | "relatedYear" | "yearName" => options.year.is_some(),
        "era" => options.era.is_some(),
        "month" => options.month.is_some(),
        "day" => options.day.is_some(),
        "weekday" => options.weekday.is_some(),
        "hour" | "dayPeriod" => options.hour.is_some(),
        "minute" => options.minute.is_some() || options.hour.is_some() && options.second.is_some(),
        "second" => options.second.is_some() || options.fractional_second_digits.is_some(),
        _ => true,
    };
    let before = list.len();
    while let Some(at) = list
        .iter()
        .position(|piece| piece.kind != "literal" && !wanted(piece.kind))
    {
        list.remove(at);
        if at < list.len() && list[at].kind == "literal" {
            list.remove(at);
        } else if at > 0 && list[at - 1].kind == "literal" {
            list.remove(at - 1);
        }
    }
    if list.len() == before {
        return;
    }
    let dangling = |piece: &Piece| piece.kind == "literal" && piece.text.trim().len() <= 1;
    if list.last().is_some_and(dangling) {
        list.pop();
    }
    if list.first().is_some_and(dangling) {
        list.remove(0);
    }
}

fn pad(text: &mut String) {
    if text.chars().count() == 1
        && let Some(first) = text.chars().next()
        && let Some(value) = digit(first)
        && let Some(zero) = char::from_u32(first as u32 - value)
    {
        text.insert(0, zero);
    }
}

fn unpad(text: &mut String) {
    if text.len() == 2 && text.starts_with('0') {
        text.remove(0);
    }
}

/// The value of a decimal digit of any script that ICU writes numbers in.
pub(super) fn digit(c: char) -> Option<u32> {
    const ZEROS: [u32; 14] = [
        0x30, 0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50,
        0x1040,
    ];
    ZEROS
        .iter()
        .map(|zero| (c as u32).wrapping_sub(*zero))
        .find(|value| *value < 10)
}

/// `09.123` as second, decimal and fraction.
fn split_fraction(options: &Options, list: &mut Vec<Piece>) {
    if options.fractional_second_digits.is_none() {
        return;
    }
    let Some(at) = list.iter().position(|piece| piece.kind == "second") else {
        return;
    };
    let text = list[at].text.clone();
    let Some(dot) = text.find(|c| digit(c).is_none()) else {
        return;
    };
    let mark = text[dot..].chars().next().map_or(0, char::len_utf8);
    let (whole, point, rest) = (&text[..dot], &text[dot..dot + mark], &text[dot + mark..]);
    let mut parts = vec![Piece {
        kind: "fractionalSecond",
        text: rest.to_owned(),
    }];
    if options.second.is_some() {
        parts.insert(
            0,
            Piece {
                kind: "literal",
                text: point.to_owned(),
            },
        );
        parts.insert(
            0,
            Piece {
                kind: "second",
                text: whole.to_owned(),
            },
        );
    }
    list.splice(at..=at, parts);
}

pub(super) fn format(arg: &Value) -> Answer {
    let Format {
        options,
        time_zone,
        at,
    } = args(arg)?;
    let zone = Zone::parse(&time_zone)
        .ok_or_else(|| format!("RangeError: Invalid time zone specified: {time_zone}"))?;
    let at = moment(at, &zone)?;
    let mut set = options.set();
    let mut list = pieces(&options, set, &at)?;
    if options.date_style.is_none() {
        complete(&options, &mut set, &at, &mut list)?;
    }
    adjust(&options, set, &at, &mut list)?;
    value(pairs(&list))
}

fn calendar_name(kind: AnyCalendarKind) -> &'static str {
    use AnyCalendarKind as Kind;
    match kind {
        Kind::Buddhist => "buddhist",
        Kind::Chinese => "chinese",
        Kind::Coptic => "coptic",
        Kind::Dangi => "dangi",
        Kind::Ethiopian => "ethiopic",
        Kind::Hebrew => "hebrew",
        Kind::Indian => "indian",
        Kind::Iso => "iso8601",
        Kind::Japanese => "japanese",
        Kind::Persian => "persian",
        Kind::Roc => "roc",
        _ => "gregory",
    }
}

/// What the locale brings along: hour cycle, numbering system, calendar.
pub(super) fn info(arg: &Value) -> Answer {
    let options: Options = args(arg)?;
    let at = moment(0.0, &Zone::Fixed(0))?;
    let set = Set {
        length: Some(Length::Short),
        time: Some(TimePrecision::Minute),
        ..Set::default()
    };
    let midnight = pieces(&options, set, &at)?;
    let hour: String = midnight
        .iter()
        .filter(|p| p.kind == "hour")
        .map(|p| p.text.as_str())
        .collect();
    let period = midnight
        .iter()
        .any(|piece| renamed(piece.kind) == "dayPeriod");
    let zero = hour.chars().any(|c| digit(c) == Some(0))
        && !hour.chars().any(|c| matches!(digit(c), Some(1..)));
    let cycle = match (period, zero) {
        (true, true) => "h11",
        (true, false) => "h12",
        (false, _) => "h23",
    };
    let day = Set {
        length: Some(Length::Medium),
        date: Some(DateFields::YMD),
        ..Set::default()
    };
    let calendar = with(&options, day, |formatter| {
        calendar_name(formatter.calendar().0.kind())
    })?;
    let numbers = pieces(&options, day, &at)?;
    let first = numbers
        .iter()
        .flat_map(|p| p.text.chars())
        .find_map(|c| digit(c).map(|value| c as u32 - value));
    let system = match first {
        Some(0x660) => "arab",
        Some(0x6f0) => "arabext",
        Some(0x966) => "deva",
        Some(0x9e6) => "beng",
        Some(0x1040) => "mymr",
        _ => "latn",
    };
    value(json!({ "hourCycle": cycle, "calendar": calendar, "numberingSystem": system }))
}
