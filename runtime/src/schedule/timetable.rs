//! The times at which a schedule ticks. Pure arithmetic: it knows no clock.

use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Times;

/// What puts more than one job a second on record is no schedule but a loop.
const SHORTEST_PERIOD: Duration = Duration::from_secs(1);

/// The times at which a schedule ticks.
#[derive(Clone, Debug)]
pub(crate) enum Timetable {
    /// The multiples of a period since the epoch, in microseconds. It is positive.
    Every(i64),
    /// What a pattern matches, in UTC.
    Cron(Box<Cron>),
}

impl Timetable {
    /// Works out the times, or says why there are none.
    pub(crate) fn of(times: &Times) -> Result<Self, String> {
        let timetable = match times {
            Times::Every(period) if *period < SHORTEST_PERIOD => {
                return Err(format!(
                    "it is to recur every {period:?}, and a period is a second at least: write \
                     `every = Duration::from_secs(1)`, or more"
                ));
            }
            // What does not fit is no multiple that would ever come.
            Times::Every(period) => Self::Every(i64::try_from(period.as_micros()).unwrap_or(i64::MAX)),
            Times::Cron(pattern) => {
                let parser =
                    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
                let cron = parser.parse(pattern).map_err(|error| {
                    format!(
                        "`{pattern}` is no cron pattern: {error} Write `minute hour day-of-month month day-of-week`, as \
                         in `cron = \"0 3 * * *\"` for three o'clock UTC every day"
                    )
                })?;
                Self::Cron(Box::new(cron))
            }
        };
        match timetable.after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(timetable),
            None => Err(match times {
                Times::Every(period) => format!("it is to recur every {period:?}, and that time never comes"),
                Times::Cron(pattern) => format!("the cron pattern `{pattern}` names no time that ever comes"),
            }),
        }
    }

    /// The first tick later than `time`; `None` if there is none.
    pub(super) fn after(&self, time: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(period) => {
                let count = time.as_microsecond().div_euclid(*period).checked_add(1)?;
                Timestamp::from_microsecond(count.checked_mul(*period)?).ok()
            }
            // It looks from the next second on, whatever stands behind the point.
            Self::Cron(cron) => cron.find_next_occurrence(&in_utc(time), false).ok().and_then(from_utc),
        }
    }

    /// The last tick that is not later than `time`; `None` if there is none.
    pub(super) fn until(&self, time: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(period) => {
                let count = time.as_microsecond().div_euclid(*period);
                Timestamp::from_microsecond(count.checked_mul(*period)?).ok()
            }
            Self::Cron(cron) => cron.find_previous_occurrence(&in_utc(time), true).ok().and_then(from_utc),
        }
    }
}

fn in_utc(time: Timestamp) -> DateTime {
    TimeZone::UTC.to_datetime(time)
}

fn from_utc(time: DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(time).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cron(pattern: &'static str) -> Timetable {
        Timetable::of(&Times::Cron(pattern.into())).unwrap()
    }

    fn every(seconds: u64) -> Timetable {
        Timetable::of(&Times::Every(Duration::from_secs(seconds))).unwrap()
    }

    #[test]
    fn a_period_ticks_at_its_multiples_since_the_epoch() {
        let minutes = every(60);
        assert_eq!(minutes.after(at("2030-01-01T00:00:59.9Z")), Some(at("2030-01-01T00:01:00Z")));
        assert_eq!(minutes.after(at("2030-01-01T00:01:00Z")), Some(at("2030-01-01T00:02:00Z")));
        assert_eq!(minutes.until(at("2030-01-01T00:01:00Z")), Some(at("2030-01-01T00:01:00Z")));
        assert_eq!(minutes.until(at("2030-01-01T00:01:59.9Z")), Some(at("2030-01-01T00:01:00Z")));
        assert_eq!(minutes.until(at("1969-12-31T23:59:59Z")), Some(at("1969-12-31T23:59:00Z")));
    }

    #[test]
    fn a_cron_pattern_is_in_utc_and_to_the_minute() {
        let nightly = cron("0 3 * * *");
        assert_eq!(nightly.after(at("2030-01-01T02:59:59.999999Z")), Some(at("2030-01-01T03:00:00Z")));
        assert_eq!(nightly.after(at("2030-01-01T03:00:00Z")), Some(at("2030-01-02T03:00:00Z")));
        assert_eq!(nightly.until(at("2030-01-01T03:00:00.5Z")), Some(at("2030-01-01T03:00:00Z")));
        assert_eq!(nightly.until(at("2030-01-01T02:59:59.9Z")), Some(at("2029-12-31T03:00:00Z")));
    }

    #[test]
    fn there_is_an_end_of_time() {
        assert_eq!(every(60).after(Timestamp::MAX), None);
        assert_eq!(cron("0 3 * * *").after(Timestamp::MAX), None);
        assert_eq!(every(60).until(Timestamp::MIN).map(|first| first < Timestamp::MIN), None);
    }

    #[test]
    fn what_never_ticks_is_no_timetable() {
        let complaint = |times| Timetable::of(&times).unwrap_err();
        let cases = [
            (Times::Every(Duration::ZERO), "a second at least"),
            (Times::Every(Duration::from_millis(999)), "a second at least"),
            (Times::Every(Duration::MAX), "never comes"),
            (Times::Cron("".into()), "is no cron pattern"),
            (Times::Cron("0 0 3 * * *".into()), "is no cron pattern"),
            (Times::Cron("60 * * * *".into()), "out of bounds"),
            (Times::Cron("0 0 30 2 *".into()), "no time that ever comes"),
        ];
        for (times, expected) in cases {
            let complaint = complaint(times);
            assert!(complaint.contains(expected), "{complaint}");
        }
    }
}
