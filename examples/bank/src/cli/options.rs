//! How values on the command line are read. What is wrong with one says what to write.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it is no number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "it is no number of seconds".to_owned())
}

pub(super) fn lease(text: &str) -> Result<Duration, String> {
    let lease = seconds(text)?;
    if !(Duration::from_millis(100)..=Duration::from_hours(24)).contains(&lease) {
        return Err("it must be between 0.1 seconds and a day".to_owned());
    }
    Ok(lease)
}

/// An age, as `30d`. A day has 24 hours.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    let no_age = || "it is no age; write `30d`, `12h` or `90m`".to_owned();
    let span: Span = text.parse().map_err(|_| no_age())?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| no_age())?;
    Duration::try_from(duration).map_err(|_| no_age())
}
