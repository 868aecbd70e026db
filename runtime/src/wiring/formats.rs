//! Which formats are enforced, and how schemas are compiled.

use std::net::IpAddr;
use std::sync::LazyLock;

use jiff::{SignedDuration, Span, Timestamp, civil};
use jsonschema::{ValidationOptions, Validator};
use serde_json::{Value, json};
use uuid::Uuid;

/// Whether values are checked against a format. Other formats are annotations.
pub(super) fn is_enforced(format: &str) -> bool {
    ENFORCED.contains(&format)
}

const ENFORCED: [&str; 20] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "idn-email",
    "idn-hostname",
    "ip",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
];

/// The options of every validator.
///
/// Formats are enforced. Those that types of `chrono`, `jiff`, `url` and `uuid` have accept what these types write and read beyond
/// the standard: dates before the year 0, fractions in a duration, a UUID without hyphens. Unknown ones, such as schemars' `int64`,
/// are annotations.
pub(super) fn options() -> ValidationOptions<'static> {
    jsonschema::options()
        .offline()
        .should_validate_formats(true)
        .with_format("date", |text| {
            DATE.is_valid(text) || text.parse::<civil::Date>().is_ok() || is_long_date(text)
        })
        .with_format("date-time", |text| {
            DATE_TIME.is_valid(text) || text.parse::<Timestamp>().is_ok() || is_long_date_time(text)
        })
        .with_format("duration", |text| {
            DURATION.is_valid(text) || text.parse::<Span>().is_ok() || text.parse::<SignedDuration>().is_ok()
        })
        .with_format("ip", |text| text.parse::<IpAddr>().is_ok())
        .with_format("uri", |text| URI.is_valid(text) || is_url(text))
        .with_format("uuid", |text| UUID.is_valid(text) || Uuid::try_parse(text).is_ok())
}

/// A format as the standard has it.
struct Standard(Option<Validator>);

impl Standard {
    fn new(format: &str) -> Self {
        Self(jsonschema::options().should_validate_formats(true).build(&json!({ "format": format })).ok())
    }

    fn is_valid(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|format| format.is_valid(&Value::from(text)))
    }
}

static DATE: LazyLock<Standard> = LazyLock::new(|| Standard::new("date"));
static DATE_TIME: LazyLock<Standard> = LazyLock::new(|| Standard::new("date-time"));
static DURATION: LazyLock<Standard> = LazyLock::new(|| Standard::new("duration"));
static URI: LazyLock<Standard> = LazyLock::new(|| Standard::new("uri"));
static UUID: LazyLock<Standard> = LazyLock::new(|| Standard::new("uuid"));

#[cfg(feature = "chrono")]
fn is_long_date(text: &str) -> bool {
    text.parse::<chrono::NaiveDate>().is_ok()
}

#[cfg(not(feature = "chrono"))]
fn is_long_date(_: &str) -> bool {
    false
}

#[cfg(feature = "chrono")]
fn is_long_date_time(text: &str) -> bool {
    text.parse::<chrono::DateTime<chrono::FixedOffset>>().is_ok()
}

#[cfg(not(feature = "chrono"))]
fn is_long_date_time(_: &str) -> bool {
    false
}

#[cfg(feature = "url")]
fn is_url(text: &str) -> bool {
    url::Url::parse(text).is_ok()
}

#[cfg(not(feature = "url"))]
fn is_url(_: &str) -> bool {
    false
}
