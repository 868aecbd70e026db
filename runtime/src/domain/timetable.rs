//! The arithmetic of schedules. It reads no clock.

use std::time::Duration;

#[cfg(feature = "cron")]
use jiff::SignedDuration;
use jiff::Timestamp;

#[cfg(feature = "cron")]
use super::cron::Cron;
use super::schedule::Times;

/// Guards against schedules that would flood the store.
const SHORTEST_PERIOD: Duration = Duration::from_secs(1);

/// The times at which a schedule ticks.
#[derive(Clone, Debug)]
pub(crate) enum Timetable {
    /// The multiples of a period since the epoch. In microseconds, positive.
    Every(i64),
    /// The matches of a pattern, in its time zone.
    #[cfg(feature = "cron")]
    Cron(Box<Cron>),
}

impl Timetable {
    /// Resolves a declaration, or returns why it is invalid.
    pub(crate) fn of(times: &Times) -> Result<Self, String> {
        let timetable = match times {
            Times::Every(period) if *period < SHORTEST_PERIOD => {
                return Err(format!(
                    "the period {period:?} is too short: write at least `every = Duration::from_secs(1)`"
                ));
            }
            // A period that does not fit never ticks; it is refused below.
            Times::Every(period) => Self::Every(i64::try_from(period.as_micros()).unwrap_or(i64::MAX)),
            #[cfg(feature = "cron")]
            Times::Cron(pattern) => Self::Cron(Box::new(Cron::parse(pattern)?)),
        };
        match timetable.after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(timetable),
            None => Err(match times {
                Times::Every(period) => {
                    format!("the period {period:?} is too long: its first tick is out of range; shorten it")
                }
                #[cfg(feature = "cron")]
                Times::Cron(pattern) => {
                    format!("the cron pattern `{pattern}` never matches: change the day or the month")
                }
            }),
        }
    }

    /// The first tick after `time`.
    pub(crate) fn after(&self, time: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(period) => {
                let count = time.as_microsecond().div_euclid(*period).checked_add(1)?;
                Timestamp::from_microsecond(count.checked_mul(*period)?).ok()
            }
            #[cfg(feature = "cron")]
            Self::Cron(cron) if time < Timestamp::MAX - HORIZON => cron.after(time),
            #[cfg(feature = "cron")]
            Self::Cron(_) => None,
        }
    }

    /// The last tick at or before `time`.
    pub(crate) fn last_until(&self, time: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(period) => {
                let count = time.as_microsecond().div_euclid(*period);
                Timestamp::from_microsecond(count.checked_mul(*period)?).ok()
            }
            // `cronexpr` searches forwards only, so search from increasingly distant times before `time`.
            #[cfg(feature = "cron")]
            Self::Cron(_) => LOOKBACKS.iter().find_map(|hours| {
                let begin = time.checked_sub(SignedDuration::from_hours(*hours)).ok()?;
                let ticks = std::iter::successors(self.after(begin), |tick| self.after(*tick));
                ticks.take_while(|tick| *tick <= time).last()
            }),
        }
    }
}

/// More than `cronexpr` searches ahead for a match.
#[cfg(feature = "cron")]
const HORIZON: SignedDuration = SignedDuration::from_hours(5 * 366 * 24);

/// How far to search back for the last tick, in hours. Frequent patterns match within the first; rare ones have few ticks to
/// iterate over.
#[cfg(feature = "cron")]
const LOOKBACKS: [i64; 5] = [1, 24, 31 * 24, 366 * 24, 4 * 366 * 24];

#[cfg(all(test, feature = "cron"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

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
        assert_eq!(minutes.last_until(at("2030-01-01T00:01:00Z")), Some(at("2030-01-01T00:01:00Z")));
        assert_eq!(minutes.last_until(at("2030-01-01T00:01:59.9Z")), Some(at("2030-01-01T00:01:00Z")));
        assert_eq!(minutes.last_until(at("1969-12-31T23:59:59Z")), Some(at("1969-12-31T23:59:00Z")));
    }

    #[test]
    fn a_cron_pattern_is_in_utc_and_to_the_minute() {
        let nightly = cron("0 3 * * *");
        assert_eq!(nightly.after(at("2030-01-01T02:59:59.999999Z")), Some(at("2030-01-01T03:00:00Z")));
        assert_eq!(nightly.after(at("2030-01-01T03:00:00Z")), Some(at("2030-01-02T03:00:00Z")));
        assert_eq!(nightly.last_until(at("2030-01-01T03:00:00.5Z")), Some(at("2030-01-01T03:00:00Z")));
        assert_eq!(nightly.last_until(at("2030-01-01T02:59:59.9Z")), Some(at("2029-12-31T03:00:00Z")));
    }

    #[test]
    fn a_cron_pattern_follows_its_time_zone() {
        let nightly = cron("0 3 * * * Europe/Zurich");
        assert_eq!(nightly.after(at("2030-01-01T00:00:00Z")), Some(at("2030-01-01T02:00:00Z")));
        assert_eq!(nightly.after(at("2030-07-01T00:00:00Z")), Some(at("2030-07-01T01:00:00Z")));
    }

    #[test]
    fn the_last_tick_of_a_rare_pattern_is_found() {
        let time = at("2030-06-15T12:34:56Z");
        for (pattern, last) in [
            ("* * * * *", "2030-06-15T12:34:00Z"),
            ("0 3 * * *", "2030-06-15T03:00:00Z"),
            ("0 0 1 * *", "2030-06-01T00:00:00Z"),
            ("0 0 1 7 *", "2029-07-01T00:00:00Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
        ] {
            assert_eq!(cron(pattern).last_until(time), Some(at(last)), "{pattern}");
        }
    }

    #[test]
    fn there_is_no_tick_beyond_the_range_of_timestamps() {
        assert_eq!(every(60).after(Timestamp::MAX), None);
        assert_eq!(cron("0 3 * * *").after(Timestamp::MAX), None);
        assert_eq!(every(60).last_until(Timestamp::MIN).map(|first| first < Timestamp::MIN), None);
    }

    #[test]
    fn a_declaration_without_ticks_is_refused() {
        let reason = |times| Timetable::of(&times).unwrap_err();
        let cases = [
            (Times::Every(Duration::ZERO), "is too short"),
            (Times::Every(Duration::from_millis(999)), "is too short"),
            (Times::Every(Duration::MAX), "is too long"),
            (Times::Cron("".into()), "is not a cron pattern"),
            (Times::Cron("0 0 3 * * *".into()), "is not a cron pattern"),
            (Times::Cron("60 * * * *".into()), "must be in range"),
            (Times::Cron("0 3 * * * Europe/Atlantis".into()), "is not a cron pattern"),
            (Times::Cron("0 0 30 2 *".into()), "never matches"),
        ];
        for (times, expected) in cases {
            let reason = reason(times);
            assert!(reason.contains(expected), "{reason}");
        }
    }
}
