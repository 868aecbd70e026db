//! The times of a cron pattern, in its time zone.

use cronexpr::{Crontab, FallbackTimezoneOption, MakeTimestamp, ParseOptions, parse_crontab_with};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

/// The times of a cron pattern. [`Schedule::cron`](super::Schedule::cron) says what happens when the clocks of its time zone change.
#[derive(Clone, Debug)]
pub(crate) struct Cron {
    /// In UTC: it finds local times, as if they were times in UTC.
    crontab: Crontab,
    zone: TimeZone,
    /// Whether it ticks at each moment whose local time matches, and not at each local time once.
    is_of_intervals: bool,
}

impl Cron {
    /// Parses a pattern, or returns why it is invalid.
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        let mut options = ParseOptions::default();
        options.fallback_timezone_option = FallbackTimezoneOption::UTC;
        let invalid = |error: &dyn std::fmt::Display| {
            format!(
                "`{pattern}` is not a cron pattern: write `minute hour day-of-month month day-of-week`, followed \
                 by a time zone if it is not UTC, such as `cron = \"0 3 * * * Europe/Zurich\"`:\n{error}"
            )
        };
        // With its time zone, which errors are about, too.
        let zoned = parse_crontab_with(pattern, options).map_err(|error| invalid(&error))?;
        let fields: Vec<_> = pattern.split_ascii_whitespace().take(5).collect();
        let crontab = parse_crontab_with(&fields.join(" "), options).map_err(|error| invalid(&error))?;
        let Ok(first) = zoned.find_next(MakeTimestamp(Timestamp::UNIX_EPOCH)) else {
            return Err(format!("the cron pattern `{pattern}` never matches: change the day or the month"));
        };
        let is_of_intervals = fields[1].starts_with('*') || fields[1] == "0-23";
        Ok(Self { crontab, zone: first.time_zone().clone(), is_of_intervals })
    }

    /// The first tick after `time`.
    pub(crate) fn after(&self, time: Timestamp) -> Option<Timestamp> {
        if self.is_of_intervals { self.moment_after(time) } else { self.time_of_day_after(time) }
    }

    /// The first local time after this one that matches.
    fn local_after(&self, local: DateTime) -> Option<DateTime> {
        let as_utc = TimeZone::UTC.to_timestamp(local).ok()?;
        Some(self.crontab.find_next(MakeTimestamp(as_utc)).ok()?.datetime())
    }

    /// The first moment after `time` whose local time matches.
    fn moment_after(&self, time: Timestamp) -> Option<Timestamp> {
        let mut changes = self.zone.following(time);
        let mut offset = self.zone.to_offset(time);
        let mut local = offset.to_datetime(time);
        loop {
            let found = offset.to_timestamp(self.local_after(local)?).ok()?;
            match changes.next() {
                Some(change) if change.timestamp() <= found => {
                    // Search on from there, the moment of the change included.
                    offset = change.offset();
                    let before = change.timestamp().checked_sub(jiff::SignedDuration::from_micros(1)).ok()?;
                    local = offset.to_datetime(before);
                }
                _ => return Some(found),
            }
        }
    }

    /// The first time of the day after `time` that matches.
    fn time_of_day_after(&self, time: Timestamp) -> Option<Timestamp> {
        let mut local = self.zone.to_datetime(time);
        loop {
            local = self.local_after(local)?;
            let found = self.moment_of(local)?;
            // Several skipped times come at one moment, and the second occurrences of repeated ones never.
            if found > time {
                return Some(found);
            }
        }
    }

    /// The moment of a local time: its first occurrence, or the end of the gap that skips it.
    fn moment_of(&self, local: DateTime) -> Option<Timestamp> {
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                offset.to_timestamp(local).ok()
            }
            AmbiguousOffset::Gap { after, .. } => {
                let before_the_gap = after.to_timestamp(local).ok()?;
                self.zone.following(before_the_gap).next().map(|change| change.timestamp())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use super::*;

    /// The ticks of a pattern in a time zone from one moment to another.
    fn ticks(pattern: &str, from: &str, until: &str) -> Vec<String> {
        let cron = Cron::parse(pattern).unwrap();
        let until: Timestamp = until.parse().unwrap();
        let first = cron.after(from.parse().unwrap());
        let ticks = std::iter::successors(first, |tick| cron.after(*tick)).take_while(|tick| *tick <= until);
        ticks.map(|tick| tick.strftime("%dT%H:%M").to_string()).collect()
    }

    #[test]
    fn r38_a_skipped_time_of_the_day_comes_at_the_end_of_the_gap() {
        // Zurich: 02:00 becomes 03:00 on 31 March 2030 at 01:00 UTC.
        let days = ("2030-03-29T12:00:00Z", "2030-04-01T12:00:00Z");
        let zurich = |times: &str| ticks(&format!("{times} Europe/Zurich"), days.0, days.1);
        assert_eq!(zurich("30 2 * * *"), ["30T01:30", "31T01:00", "01T00:30"]);
        assert_eq!(zurich("0 2 * * *"), ["30T01:00", "31T01:00", "01T00:00"]);
        assert_eq!(zurich("59 1 * * *"), ["30T00:59", "31T00:59", "31T23:59"]);
        assert_eq!(zurich("0 3 * * *"), ["30T02:00", "31T01:00", "01T01:00"]);
        // Those that are skipped come together.
        assert_eq!(zurich("*/30 2 * * *"), ["30T01:00", "30T01:30", "31T01:00", "01T00:00", "01T00:30"]);
        assert_eq!(
            zurich("30 2,3 * * *"),
            ["30T01:30", "30T02:30", "31T01:00", "31T01:30", "01T00:30", "01T01:30"]
        );
        // New York: 02:00 becomes 03:00 on 10 March 2030 at 07:00 UTC.
        let york = ticks("30 2 * * * America/New_York", "2030-03-08T12:00:00Z", "2030-03-11T12:00:00Z");
        assert_eq!(york, ["09T07:30", "10T07:00", "11T06:30"]);
        // Lord Howe: half an hour, 02:00 becomes 02:30 on 6 October 2030 at 15:30 UTC of the day before.
        let lord_howe =
            ticks("15 2 * * * Australia/Lord_Howe", "2030-10-04T00:00:00Z", "2030-10-06T23:00:00Z");
        assert_eq!(lord_howe, ["04T15:45", "05T15:30", "06T15:15"]);
    }

    #[test]
    fn r38_a_repeated_time_of_the_day_comes_at_its_first_occurrence() {
        // Zurich: 03:00 becomes 02:00 on 27 October 2030 at 01:00 UTC.
        let days = ("2030-10-25T12:00:00Z", "2030-10-28T12:00:00Z");
        let zurich = |times: &str| ticks(&format!("{times} Europe/Zurich"), days.0, days.1);
        assert_eq!(zurich("30 2 * * *"), ["26T00:30", "27T00:30", "28T01:30"]);
        assert_eq!(zurich("0 3 * * *"), ["26T01:00", "27T02:00", "28T02:00"]);
        assert_eq!(
            zurich("*/30 2 * * *"),
            ["26T00:00", "26T00:30", "27T00:00", "27T00:30", "28T01:00", "28T01:30"]
        );
        // New York: 02:00 becomes 01:00 on 3 November 2030 at 06:00 UTC.
        let york = ticks("30 1 * * * America/New_York", "2030-11-01T12:00:00Z", "2030-11-04T12:00:00Z");
        assert_eq!(york, ["02T05:30", "03T05:30", "04T06:30"]);
        // From within the second occurrence.
        assert_eq!(
            ticks("30 2 * * * Europe/Zurich", "2030-10-27T01:10:00Z", "2030-10-28T12:00:00Z"),
            ["28T01:30"]
        );
    }

    #[test]
    fn r38_intervals_go_on_when_clocks_change() {
        for (from, until) in [
            ("2030-03-31T00:00:00Z", "2030-03-31T02:00:00Z"),
            ("2030-10-27T00:00:00Z", "2030-10-27T02:00:00Z"),
        ] {
            let day = &from[8..10];
            let every_twenty: Vec<_> = ["00:20", "00:40", "01:00", "01:20", "01:40", "02:00"]
                .map(|time| format!("{day}T{time}"))
                .into();
            for hours in ["*", "0-23", "*/1"] {
                let pattern = format!("*/20 {hours} * * * Europe/Zurich");
                assert_eq!(ticks(&pattern, from, until), every_twenty, "{pattern}");
                let pattern = format!("0 {hours} * * * Europe/Zurich");
                assert_eq!(
                    ticks(&pattern, from, until),
                    [format!("{day}T01:00"), format!("{day}T02:00")],
                    "{pattern}"
                );
            }
        }
        // A local time that is repeated matches twice, one that is skipped never.
        assert_eq!(
            ticks("0 */2 * * * Europe/Zurich", "2030-10-26T22:30:00Z", "2030-10-27T03:00:00Z"),
            ["27T00:00", "27T01:00", "27T03:00"]
        );
        assert_eq!(
            ticks("0 */2 * * * Europe/Zurich", "2030-03-30T23:30:00Z", "2030-03-31T04:00:00Z"),
            ["31T02:00", "31T04:00"]
        );
    }
}
