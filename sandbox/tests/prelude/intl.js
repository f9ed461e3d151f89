// Intl and the locale methods, against what node 22 gives.
const at = Date.UTC(2024, 8, 1, 13, 5, 9, 123);
const date = (locale, options) => new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options }).format(at);
equal(date("en-US", {}), "9/1/2024");
equal(date("en-US", { dateStyle: "full", timeStyle: "long", timeZone: "America/New_York" }), "Sunday, September 1, 2024 at 9:05:09 AM EDT");
equal([date("de-DE", { year: "numeric", month: "2-digit", day: "2-digit" }), date("de-DE", {}), date("en-GB", {}), date("ja-JP", {})], ["01.09.2024", "1.9.2024", "01/09/2024", "2024/9/1"]);
equal([date("fr", { weekday: "long", day: "numeric", month: "long" }), date("de", { month: "short", day: "numeric", year: "numeric" }), date("es", { month: "long", year: "numeric" })], ["dimanche 1 septembre", "1. Sept. 2024", "septiembre de 2024"]);
equal([date("en-US", { hour: "2-digit", minute: "2-digit", hour12: false }), date("en-US", { hour: "numeric", minute: "2-digit", hourCycle: "h23" }), date("en-US", { minute: "2-digit", second: "2-digit" })], ["13:05", "13:05", "05:09"]);
equal([date("en-US", { hour: "numeric", timeZone: "Asia/Tokyo", timeZoneName: "short" }), date("en-US", { timeZoneName: "longOffset", hour: "numeric", minute: "numeric", hourCycle: "h23", timeZone: "Asia/Kolkata" })], ["10 PM GMT+9", "18:35 GMT+05:30"]);
equal(new Intl.DateTimeFormat("en-US", { timeZone: "Europe/Berlin", hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 }).formatToParts(at).map((p) => `${p.type}=${p.value}`).join("|"), "month=09|literal=/|day=01|literal=/|year=2024|literal=, |hour=15|literal=:|minute=05|literal=:|second=09|literal=.|fractionalSecond=123");
// The hour that Berlin skips and the one that it repeats.
const berlin = new Intl.DateTimeFormat("en-US", { timeZone: "Europe/Berlin", hour: "numeric", minute: "numeric", hourCycle: "h23", timeZoneName: "shortOffset" });
equal([Date.UTC(2024, 2, 31, 0), Date.UTC(2024, 2, 31, 1), Date.UTC(2024, 9, 27, 0), Date.UTC(2024, 9, 27, 1)].map((t) => berlin.format(t)), ["01:00 GMT+1", "03:00 GMT+2", "02:00 GMT+2", "02:00 GMT+1"]);
equal([new Date(at).toLocaleString("en-US", { timeZone: "UTC" }), new Date(at).toLocaleDateString("en-US", { timeZone: "UTC" }), new Date(at).toLocaleTimeString("en-US", { timeZone: "UTC" }), new Date(NaN).toLocaleString()], ["9/1/2024, 1:05:09 PM", "9/1/2024", "1:05:09 PM", "Invalid Date"]);
const resolved = new Intl.DateTimeFormat("de", { timeZone: "europe/berlin", hour: "numeric" }).resolvedOptions();
equal([resolved.locale, resolved.timeZone, resolved.calendar, resolved.numberingSystem, resolved.hourCycle], ["de", "Europe/Berlin", "gregory", "latn", "h23"]);
throws(() => new Intl.DateTimeFormat("en", { timeZone: "Nope/Nope" }), "RangeError");
throws(() => new Intl.DateTimeFormat("en", { dateStyle: "full", year: "numeric" }), "TypeError");
throws(() => new Intl.DateTimeFormat().format(NaN), "RangeError");

const number = (n, locale, options) => new Intl.NumberFormat(locale, options).format(n);
equal([number(1234567.891, "en-US"), number(1234567.891, "de-DE"), number(1234567.891, "en-IN"), number(1234.5, "fr-FR")], ["1,234,567.891", "1.234.567,891", "12,34,567.891", "1\u202f234,5"]);
equal([number(1234.5, "en-US", { style: "currency", currency: "USD" }), number(-1234.5, "de-DE", { style: "currency", currency: "EUR" }), number(1234.5, "ja-JP", { style: "currency", currency: "JPY" }), number(5, "en-US", { style: "currency", currency: "USD", currencyDisplay: "name" }), number(-5, "en-US", { style: "currency", currency: "USD", currencySign: "accounting" })], ["$1,234.50", "-1.234,50\u00a0€", "￥1,235", "5.00 US dollars", "($5.00)"]);
equal([number(0.256, "en-US", { style: "percent" }), number(0.256, "de-DE", { style: "percent", maximumFractionDigits: 1 }), number(1234567, "en-US", { notation: "compact" }), number(1234567, "en-US", { notation: "compact", compactDisplay: "long" }), number(999999, "en", { notation: "compact" }), number(123456, "en", { notation: "engineering" })], ["26%", "25,6\u00a0%", "1.2M", "1.2 million", "1M", "123.456E3"]);
equal([number(5, "en", { minimumIntegerDigits: 2, minimumFractionDigits: 2 }), number(123456, "en", { maximumSignificantDigits: 2 }), number(1e21, "en"), number(12345678901234567890n, "en"), number(-0, "en"), number(NaN, "en"), number(5, "en", { signDisplay: "always" }), number(2.5, "en", { maximumFractionDigits: 0, roundingMode: "halfEven" }), number(1234, "en", { useGrouping: false })], ["05.00", "120,000", "1,000,000,000,000,000,000,000", "12,345,678,901,234,567,890", "-0", "NaN", "+5", "2", "1234"]);
equal([number(2, "en", { style: "unit", unit: "hour", unitDisplay: "long" }), number(16, "en", { style: "unit", unit: "megabyte" }), (1234.5).toLocaleString("en-US"), (10n ** 6n).toLocaleString("de"), [1234.5, 2].toLocaleString("de")], ["2 hours", "16 MB", "1,234.5", "1.000.000", "1.234,5,2"]);
throws(() => new Intl.NumberFormat("en", { style: "currency" }), "TypeError");
throws(() => number(1, "en", { maximumFractionDigits: 200 }), "RangeError");
throws(() => new Intl.NumberFormat("x"), "RangeError");

equal(["b", "a", "C", "ä", "z"].sort((x, y) => x.localeCompare(y)), ["a", "ä", "b", "C", "z"]);
equal(["ö", "z"].sort(new Intl.Collator("sv").compare), ["z", "ö"]);
equal(["a10", "a9"].sort(new Intl.Collator("en", { numeric: true }).compare), ["a9", "a10"]);
equal(["é".localeCompare("E", "en", { sensitivity: "base" }), "a".localeCompare("a")], [0, 0]);
equal([1, 2, 3, 11, 22].map((n) => new Intl.PluralRules("en", { type: "ordinal" }).select(n)), ["one", "two", "few", "other", "two"]);
equal([1, 3, 5, 1.5].map((n) => new Intl.PluralRules("pl").select(n)), ["one", "few", "many", "other"]);
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
equal([relative.format(-1, "day"), relative.format(3, "months"), new Intl.RelativeTimeFormat("de", { style: "short" }).format(-2, "hour")], ["yesterday", "in 3 months", "vor 2 Std."]);
equal([new Intl.ListFormat("en").format(["a", "b", "c"]), new Intl.ListFormat("de", { type: "disjunction" }).format(["a", "b"])], ["a, b, and c", "a oder b"]);
equal([new Intl.DisplayNames("de", { type: "region" }).of("US"), new Intl.DisplayNames("en", { type: "language" }).of("fr-CA")], ["Vereinigte Staaten", "Canadian French"]);
equal([...new Intl.Segmenter().segment("a👨‍👩‍👧é")].map((s) => s.segment), ["a", "👨‍👩‍👧", "é"]);
equal([...new Intl.Segmenter("en", { granularity: "word" }).segment("Hi, you")].filter((s) => s.isWordLike).map((s) => s.segment), ["Hi", "you"]);
equal([Intl.getCanonicalLocales("EN-us")[0], Intl.DateTimeFormat.supportedLocalesOf(["de", "zz"]), new Intl.Locale("en", { region: "GB" }).toString(), "ı".toLocaleUpperCase("tr"), "I".toLocaleLowerCase("tr")], ["en-US", ["de"], "en-GB", "I", "ı"]);
equal([Intl.DateTimeFormat().resolvedOptions().timeZone === (process.env.TZ || "UTC"), Object.prototype.toString.call(Intl), Intl.supportedValuesOf("timeZone").includes("Europe/Paris")], [true, "[object Intl]", true]);
