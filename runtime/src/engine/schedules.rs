//! Sees to it that each tick is put on record once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::draft::Draft;
use super::engine::Engine;
use super::schedule_positions::SchedulePositions;
use crate::context::Origin;
use crate::domain::{Missed, Tick};
use crate::model::{Failure, JobId};
use crate::store::{NewJob, NewTick, Submitted, Ticked};
use crate::wiring::SchedulePlan;

/// How long a sleep lasts at most: the wall clock may have been set meanwhile.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(1);

/// How many missed ticks are put on record in one transaction.
const TICKS_AT_ONCE: usize = 100;

/// A command that recurs, with what this process knows of its last tick.
#[derive(Clone, Copy)]
struct ScheduledCommand<'a> {
    plan: &'a SchedulePlan,
    positions: &'a SchedulePositions,
    index: usize,
}

/// The commands that recur.
fn scheduled(engine: &Engine) -> impl Iterator<Item = ScheduledCommand<'_>> {
    let positions = &engine.schedules;
    let plans = engine.plans.schedules().iter().enumerate();
    plans.map(move |(index, plan)| ScheduledCommand { plan, positions, index })
}

/// Ticks that are to be put on record together.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    /// Those that run.
    run: Vec<Timestamp>,
    /// The last one that is done with then.
    last: Timestamp,
}

/// Does all that is due, and sleeps until the next tick, until the runtime stops.
pub(crate) async fn run_schedules(engine: Arc<Engine>) {
    if engine.plans.schedules().is_empty() {
        return;
    }
    loop {
        // Taken first: if time passes meanwhile, it is not slept away.
        let begun = engine.clock.elapsed();
        let pause = match tick_due(&engine).await {
            Ok(()) => until_next(&engine),
            Err(failure) => {
                tracing::error!("cannot put on record what recurs, and tries again: {failure}");
                LOOK_AT_CLOCK
            }
        };
        tokio::select! {
            () = engine.stop.cancelled() => return,
            () = engine.clock.sleep_until(begun.saturating_add(pause)) => {}
        }
    }
}

/// How long nothing is due for certain.
fn until_next(engine: &Engine) -> Duration {
    let now = engine.clock.now();
    let pause =
        next_tick(engine).map_or(LOOK_AT_CLOCK, |next| Duration::try_from(next - now).unwrap_or_default());
    pause.min(LOOK_AT_CLOCK)
}

/// When something recurs next, as far as this process knows.
pub(crate) fn next_tick(engine: &Engine) -> Option<Timestamp> {
    scheduled(engine).filter_map(ScheduledCommand::next).min()
}

/// Puts every tick on record that is due. In turns, so that what one schedule has to make up for does not hold up the others.
///
/// # Errors
/// The first of what the store has to say. What could be done is done nevertheless.
pub(crate) async fn tick_due(engine: &Engine) -> Result<(), Failure> {
    let mut outcome = Ok(());
    let mut open: Vec<_> = scheduled(engine).collect();
    while !open.is_empty() {
        let mut unfinished = Vec::new();
        for schedule in open {
            if engine.stop.is_cancelled() {
                return outcome;
            }
            match schedule.advance(engine).await {
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
    /// Takes one step, if there is one to take: whether to look again.
    async fn advance(self, engine: &Engine) -> Result<bool, Failure> {
        let now = engine.clock.now();
        let last = self.last();
        let tick = match last {
            None => self.beginning(engine, now).await?,
            Some(last) => {
                let Some(due) = self.due(last, now) else { return Ok(false) };
                let jobs = due.run.into_iter().filter_map(|at| self.job(engine, at, now)).collect();
                NewTick { schedule: self.plan.name.clone(), last: Some(last), at: due.last, jobs }
            }
        };
        let at = tick.at;
        let jobs: Vec<_> = tick.jobs.iter().map(|job| job.id).collect();
        match engine.store.tick(tick).await? {
            Ticked::Done(submitted) => {
                self.set_last(Some(at));
                self.report(&jobs, &submitted);
                if !jobs.is_empty() {
                    engine.work.notify_one();
                }
            }
            // Another process was faster. From here on it is as if this one had done it.
            Ticked::Stale(last) => self.set_last(last),
        }
        Ok(true)
    }

    /// What is recorded before the first tick, so that there is a last one: now, or the last tick under a former name of the
    /// command. If the schedule has ticked already, it is [stale](Ticked::Stale).
    async fn beginning(self, engine: &Engine, now: Timestamp) -> Result<NewTick, Failure> {
        let mut at = now;
        for alias in self.plan.aliases {
            if let Some(last) = engine.store.last_tick(alias).await? {
                at = last;
                break;
            }
        }
        Ok(NewTick { schedule: self.plan.name.clone(), last: None, at, jobs: Vec::new() })
    }

    /// What is due now, after the last tick on record; `None` if nothing is.
    fn due(self, last: Timestamp, now: Timestamp) -> Option<Due> {
        let next = self.plan.timetable.after(last).filter(|next| *next <= now)?;
        if self.plan.settings.missed == Missed::All {
            let ticks = std::iter::successors(Some(next), |tick| self.plan.timetable.after(*tick));
            let run: Vec<_> = ticks.take_while(|tick| *tick <= now).take(TICKS_AT_ONCE).collect();
            return run.last().copied().map(|last| Due { run, last });
        }
        // Whatever a timetable finds when it looks back, it is not before the tick that it has found ahead.
        let latest = self.plan.timetable.until(now).map_or(next, |latest| latest.max(next));
        let is_too_late = self.plan.settings.missed == Missed::Skip
            && Duration::try_from(now - latest).is_ok_and(|late| late >= Missed::TOO_LATE);
        Some(Due { run: if is_too_late { Vec::new() } else { vec![latest] }, last: latest })
    }

    /// When it ticks next, as far as this process knows.
    fn next(self) -> Option<Timestamp> {
        let last = self.last();
        last.and_then(|last| self.plan.timetable.after(last))
    }

    /// The job of a tick; `None` if the command that is made from it is refused at the door, which is the log's to tell:
    /// nobody waits for an answer.
    fn job(self, engine: &Engine, at: Timestamp, now: Timestamp) -> Option<NewJob> {
        let tick = Tick::new(self.plan.name.clone(), at);
        // Nothing of it is kept if the domain's own code panics.
        let drafted = catch_unwind(AssertUnwindSafe(|| Draft::of(engine, (self.plan.make)(tick))));
        match drafted {
            Ok(Ok(draft)) => Some(draft.into_job(Origin::default(), now)),
            Ok(Err(failure)) => {
                tracing::error!(command = %self.plan.name, tick = %at, "the command of a tick is refused, and does not run: {failure}");
                None
            }
            Err(_) => {
                tracing::error!(command = %self.plan.name, tick = %at, "a panic in the `From<Tick>` of a command, which does not run");
                None
            }
        }
    }

    /// Tells of jobs that the store has not taken.
    fn report(self, jobs: &[JobId], submitted: &[Submitted]) {
        for (job, answer) in jobs.iter().zip(submitted) {
            match answer {
                Submitted::New => tracing::debug!(command = %self.plan.name, %job, "ticked"),
                Submitted::Existing(existing) => {
                    tracing::debug!(command = %self.plan.name, job = %existing, "ticked; its request is on record already");
                }
                refused => {
                    tracing::error!(command = %self.plan.name, ?refused, "the command of a tick is not taken, and does not run");
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
