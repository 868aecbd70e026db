//! The times at which a schedule ticks. Pure arithmetic: it knows no clock.

use std::time::Duration;

#[cfg(feature = "cron")]
use cronexpr::{Crontab, FallbackTimezoneOption, MakeTimestamp, ParseOptions, parse_crontab_with};
#[cfg(feature = "cron")]
use jiff::SignedDuration;
use jiff::Timestamp;

use super::schedule::Times;

/// What puts more than one job a second on record is no schedule but a loop.
const SHORTEST_PERIOD: Duration = Duration::from_secs(1);

/// The times at which a schedule ticks.
#[derive(Clone, Debug)]
pub(crate) enum Timetable {
    /// The multiples of a period since the epoch, in microseconds. It is positive.
    Every(i64),
    /// What a pattern matches, in its time zone.
    #[cfg(feature = "cron")]
    Cron(Box<Crontab>),
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
            #[cfg(feature = "cron")]
            Times::Cron(pattern) => {
                let mut options = ParseOptions::default();
                options.fallback_timezone_option = FallbackTimezoneOption::UTC;
                let crontab = parse_crontab_with(pattern, options).map_err(|error| {
                    format!(
                        "`{pattern}` is no cron pattern: write `minute hour day-of-month month day-of-week`, and a \
                         time zone behind it if it is not UTC, as in `cron = \"0 3 * * * Europe/Zurich\"` for three \
                         o'clock every night:\n{error}"
                    )
                })?;
                Self::Cron(Box::new(crontab))
            }
        };
        match timetable.after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(timetable),
            None => Err(match times {
                Times::Every(period) => format!("it is to recur every {period:?}, and that time never comes"),
                #[cfg(feature = "cron")]
                Times::Cron(pattern) => format!("the cron pattern `{pattern}` names no time that ever comes"),
            }),
        }
    }

    /// The first tick later than `time`; `None` if there is none.
    pub(crate) fn after(&self, time: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(period) => {
                let count = time.as_microsecond().div_euclid(*period).checked_add(1)?;
                Timestamp::from_microsecond(count.checked_mul(*period)?).ok()
            }
            #[cfg(feature = "cron")]
            Self::Cron(crontab) if time < Timestamp::MAX - HORIZON => {
                let next = crontab.find_next(MakeTimestamp(time)).ok()?;
                Some(next.timestamp())
            }
            #[cfg(feature = "cron")]
            Self::Cron(_) => None,
        }
    }

    /// The last tick that is not later than `time`; `None` if there is none.
    pub(crate) fn until(&self, time: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(period) => {
                let count = time.as_microsecond().div_euclid(*period);
                Timestamp::from_microsecond(count.checked_mul(*period)?).ok()
            }
            // The crate looks forwards only: from some time before, as short as there is a tick behind it.
            #[cfg(feature = "cron")]
            Self::Cron(_) => LOOKS_BACK.iter().find_map(|hours| {
                let begin = time.checked_sub(SignedDuration::from_hours(*hours)).ok()?;
                let ticks = std::iter::successors(self.after(begin), |tick| self.after(*tick));
                ticks.take_while(|tick| *tick <= time).last()
            }),
        }
    }
}

/// How far the crate looks ahead for a match, and somewhat more.
#[cfg(feature = "cron")]
const HORIZON: SignedDuration = SignedDuration::from_hours(5 * 366 * 24);

/// How far to look back for the last tick, in hours: patterns that tick often are found by the first, and few ticks lie in
/// between for those that do not.
#[cfg(feature = "cron")]
const LOOKS_BACK: [i64; 5] = [1, 24, 31 * 24, 366 * 24, 4 * 366 * 24];

#[cfg(all(test, feature = "cron"))]
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
    fn a_cron_pattern_keeps_to_its_time_zone() {
        let nightly = cron("0 3 * * * Europe/Zurich");
        assert_eq!(nightly.after(at("2030-01-01T00:00:00Z")), Some(at("2030-01-01T02:00:00Z")));
        assert_eq!(nightly.after(at("2030-07-01T00:00:00Z")), Some(at("2030-07-01T01:00:00Z")));
    }

    #[test]
    fn the_last_tick_is_found_however_seldom_a_pattern_ticks() {
        let time = at("2030-06-15T12:34:56Z");
        for (pattern, last) in [
            ("* * * * *", "2030-06-15T12:34:00Z"),
            ("0 3 * * *", "2030-06-15T03:00:00Z"),
            ("0 0 1 * *", "2030-06-01T00:00:00Z"),
            ("0 0 1 7 *", "2029-07-01T00:00:00Z"),
            ("0 0 29 2 *", "2028-02-29T00:00:00Z"),
        ] {
            assert_eq!(cron(pattern).until(time), Some(at(last)), "{pattern}");
        }
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
            (Times::Cron("60 * * * *".into()), "must be in range"),
            (Times::Cron("0 3 * * * Europe/Atlantis".into()), "is no cron pattern"),
            (Times::Cron("0 0 30 2 *".into()), "no time that ever comes"),
        ];
        for (times, expected) in cases {
            let complaint = complaint(times);
            assert!(complaint.contains(expected), "{complaint}");
        }
    }
}
