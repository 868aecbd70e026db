//! Records each tick of each schedule once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::draft::Draft;
use super::engine::Engine;
use super::schedule_positions::SchedulePositions;
use crate::context::Origin;
use crate::domain::{LONGEST_SILENCE, Missed, Overlap, Tick};
use crate::model::{Failure, HealthPart, JobId, Key, LogText, drop_caught};
use crate::store::{NewJob, NewTick, Submitted, Ticked};
use crate::wiring::SchedulePlan;

/// The longest sleep: the wall clock may be set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// How many missed ticks are recorded in one transaction.
const TICKS_PAGE: usize = 100;

/// A recurring command, with its last tick as this process knows it.
#[derive(Clone, Copy)]
struct ScheduledCommand<'a> {
    plan: &'a SchedulePlan,
    positions: &'a SchedulePositions,
    index: usize,
}

/// The recurring commands.
fn scheduled(engine: &Engine) -> impl Iterator<Item = ScheduledCommand<'_>> {
    let positions = &engine.schedules;
    let plans = engine.plans.schedules().iter().enumerate();
    plans.map(move |(index, plan)| ScheduledCommand { plan, positions, index })
}

/// Ticks to record together.
#[derive(Debug, PartialEq, Eq)]
struct DueTicks {
    /// The ticks that run; missed ones may be left out.
    run: Vec<Timestamp>,
    /// The last tick, whether or not it runs.
    last: Timestamp,
}

/// Records the ticks that are due and sleeps until the next one, until the runtime stops.
pub(crate) async fn run_schedules(engine: Arc<Engine>) {
    if engine.plans.schedules().is_empty() {
        return;
    }
    loop {
        // Read first, so that the time that the ticks take is not slept twice.
        let start = engine.clock.elapsed();
        let pause = match tick_due(&engine).await {
            Ok(()) => {
                engine.health.works(&*engine.clock, HealthPart::Schedules);
                until_next(&engine)
            }
            Err(failure) => {
                engine.health.failed(&*engine.clock, HealthPart::Schedules, failure);
                LONGEST_SLEEP
            }
        };
        tokio::select! {
            () = engine.stop.cancelled() => return,
            () = engine.clock.sleep_until(start.saturating_add(pause)) => {}
        }
    }
}

/// How long no tick is due.
fn until_next(engine: &Engine) -> Duration {
    let now = engine.clock.now();
    let pause =
        next_tick(engine).map_or(LONGEST_SLEEP, |next| Duration::try_from(next - now).unwrap_or_default());
    pause.min(LONGEST_SLEEP)
}

/// The next tick of any schedule, as far as this process knows.
pub(crate) fn next_tick(engine: &Engine) -> Option<Timestamp> {
    scheduled(engine).filter_map(ScheduledCommand::next_tick).min()
}

/// Records every tick that is due. Schedules take turns, so that one with many missed ticks does not delay the others.
///
/// # Errors
/// The first failure of the store. The other schedules are recorded nevertheless.
pub(crate) async fn tick_due(engine: &Engine) -> Result<(), Failure> {
    let mut outcome = Ok(());
    let mut open: Vec<_> = scheduled(engine).collect();
    while !open.is_empty() {
        let mut unfinished = Vec::new();
        for schedule in open {
            if engine.stop.is_cancelled() {
                return outcome;
            }
            match schedule.record_due(engine).await {
                Ok(true) => unfinished.push(schedule),
                Ok(false) => {}
                Err(failure) => outcome = outcome.and(Err(failure)),
            }
        }
        open = unfinished;
    }
    outcome
}

impl ScheduledCommand<'_> {
    /// Records the initial tick or the next ticks that are due, and returns whether there were any.
    async fn record_due(self, engine: &Engine) -> Result<bool, Failure> {
        let now = engine.clock.now();
        let last = match self.last() {
            None => self.stored_last(engine).await?,
            known => known,
        };
        self.set_last(last);
        let (at, jobs) = match last {
            // The tick, without a job, from which a new schedule starts. Ticks may have come since the runtime has started.
            None => (self.positions.started().min(now), Vec::new()),
            Some(last) if self.is_far_ahead(last, now) => (now, Vec::new()),
            Some(last) => {
                let Some(due) = self.due_ticks(last, now) else { return Ok(false) };
                let jobs = due.run.into_iter().filter_map(|at| self.job(engine, at, now)).collect();
                (due.last, jobs)
            }
        };
        let SchedulePlan { name, aliases, settings, .. } = self.plan;
        let unless_running = settings.overlap == Overlap::Skip;
        let tick = NewTick { schedule: name.clone(), aliases, last, at, unless_running, jobs };
        let jobs: Vec<_> = tick.jobs.iter().map(|job| job.id).collect();
        match engine.store.tick(tick).await? {
            Ticked::Done(submitted) => {
                self.set_last(Some(at));
                self.log(&jobs, &submitted);
                if !jobs.is_empty() {
                    engine.work.notify_one();
                }
            }
            Ticked::Overlaps(job) => {
                self.set_last(Some(at));
                tracing::warn!(command = %name, tick = %at, %job, "the run of an earlier tick has not ended; skipped the tick");
            }
            // Another process was faster: go on from its tick.
            Ticked::Stale(last) => self.set_last(last),
        }
        Ok(true)
    }

    /// The last tick that is stored under any name of the command.
    async fn stored_last(self, engine: &Engine) -> Result<Option<Timestamp>, Failure> {
        let mut last = engine.store.last_tick(&self.plan.name).await?;
        for alias in self.plan.aliases {
            last = last.max(engine.store.last_tick(alias).await?);
        }
        Ok(last)
    }

    /// Whether the last tick is so far ahead of the clock that the schedule continues from now. Logs that, and a pause until
    /// the last tick has passed again.
    fn is_far_ahead(self, last: Timestamp, now: Timestamp) -> bool {
        let ahead = Duration::try_from(last - now).unwrap_or_default();
        let is_far_ahead = ahead > LONGEST_SILENCE;
        if is_far_ahead {
            tracing::warn!(
                command = %self.plan.name, last_tick = %last, %now,
                "the last tick of the schedule is in the future: the clock was wrong then, or is now; continuing from now"
            );
        }
        let pauses = !is_far_ahead && ahead > LONGEST_SLEEP;
        if self.positions.note_pause(self.index, pauses) {
            tracing::warn!(
                command = %self.plan.name, last_tick = %last, %now,
                "the clock was set back; the schedule pauses until the time of its last tick has passed again"
            );
        }
        is_far_ahead
    }

    /// The ticks that are due after the last one; `None` if none is.
    fn due_ticks(self, last: Timestamp, now: Timestamp) -> Option<DueTicks> {
        let next = self.plan.timetable.after(last).filter(|next| *next <= now)?;
        if self.plan.settings.missed == Missed::All {
            let ticks = std::iter::successors(Some(next), |tick| self.plan.timetable.after(*tick));
            let run: Vec<_> = ticks.take_while(|tick| *tick <= now).take(TICKS_PAGE).collect();
            return run.last().copied().map(|last| DueTicks { run, last });
        }
        // Looking back may find an earlier tick than looking ahead, when clocks change.
        let latest = self.plan.timetable.last_until(now).map_or(next, |latest| latest.max(next));
        let is_too_late = self.plan.settings.missed == Missed::Skip
            && Duration::try_from(now - latest).is_ok_and(|late| late >= Missed::TOO_LATE);
        Some(DueTicks { run: if is_too_late { Vec::new() } else { vec![latest] }, last: latest })
    }

    /// The next tick, as far as this process knows.
    fn next_tick(self) -> Option<Timestamp> {
        let last = self.last();
        last.and_then(|last| self.plan.timetable.after(last))
    }

    /// The job of a tick; `None` if its command is refused, which is logged: no caller waits for the result.
    fn job(self, engine: &Engine, at: Timestamp, now: Timestamp) -> Option<NewJob> {
        let tick = Tick::new(self.plan.name.clone(), at);
        // Unwind safe: nothing of a panicking `From<Tick>` is kept.
        let drafted = catch_unwind(AssertUnwindSafe(|| self.draft(engine, tick, now)));
        match drafted {
            Ok(Ok(job)) => Some(job),
            Ok(Err(failure)) => {
                tracing::error!(command = %self.plan.name, tick = %at, "the command of a tick is refused and does not run: {}", LogText(&failure));
                None
            }
            Err(panic) => {
                drop_caught(panic);
                tracing::error!(command = %self.plan.name, tick = %at, "a panic in `From<Tick>`; the command does not run");
                None
            }
        }
    }

    fn draft(self, engine: &Engine, tick: Tick, now: Timestamp) -> Result<NewJob, Failure> {
        let (mut job, _) = Draft::of(engine, (self.plan.make)(tick))?.into_job(Origin::default(), now);
        if self.plan.settings.overlap == Overlap::Queue && job.order_key.is_none() {
            job.order_key = self.lane();
        }
        engine.check_job(&job)?;
        Ok(job)
    }

    /// The lane of the schedule's jobs. It has the oldest name, so that programs before and after a change of it share the lane.
    fn lane(self) -> Option<Key> {
        let name = self.plan.aliases.last().copied().unwrap_or(&self.plan.name);
        Key::of(&format!("schedule {name}"))
    }

    /// Logs what the store has done with the jobs of the ticks.
    fn log(self, jobs: &[JobId], submitted: &[Submitted]) {
        for (job, submitted) in jobs.iter().zip(submitted) {
            match submitted {
                Submitted::New => tracing::debug!(command = %self.plan.name, %job, "ticked"),
                Submitted::Existing(existing) => {
                    tracing::debug!(command = %self.plan.name, job = %existing, "ticked; its job exists already");
                }
                refused => {
                    tracing::error!(command = %self.plan.name, ?refused, "the store refused the command of a tick; it does not run");
                }
            }
        }
    }

    fn last(self) -> Option<Timestamp> {
        self.positions.last(self.index)
    }

    fn set_last(self, tick: Option<Timestamp>) {
        self.positions.set_last(self.index, tick);
    }
}
