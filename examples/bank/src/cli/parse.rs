//! Parsers for option values. Their error messages say what to write instead.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let invalid = || "not a number of seconds; write `30` or `0.5`".to_owned();
    let seconds: f64 = text.parse().map_err(|_| invalid())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| invalid())
}

pub(super) fn lease(text: &str) -> Result<Duration, String> {
    let lease = seconds(text)?;
    if !(Duration::from_millis(100)..=Duration::from_hours(24)).contains(&lease) {
        return Err("a lease takes between 0.1 seconds and 1 day (86400)".to_owned());
    }
    Ok(lease)
}

/// Parses an age such as `30d`. A day has 24 hours.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    let invalid = || "not an age; write `30d`, `12h` or `90m`".to_owned();
    let span: Span = text.parse().map_err(|_| invalid())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| invalid())?;
    Duration::try_from(duration).map_err(|_| invalid())
}
