//! The records that a group of operations decides about: what was loaded of the database, and what is to be written.
//!
//! A group runs in two round trips. First a transaction begins, and everything that the operations [need](Needs) is loaded. Then they
//! decide, one after the other, each on what those before it have left. Then all that they changed is [written](flush) at once,
//! [settled](settle), and committed.

mod admission;
mod flush;
mod live;
mod needs;
mod settle;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use enact::store::{EntityKey, KeyHolder, NewEvent, SchedulePosition};
use enact::{Attempt, JobId, JobState, Json, Key, WorkerId};
use jiff::Timestamp;
use tokio_postgres::Row;

pub(crate) use self::flush::insert_attempts;
pub(crate) use self::live::{Live, Stage};
pub(crate) use self::needs::{Loaded, Needs};
pub(crate) use self::settle::{LANES, Settled, TURNS, Touched};
use crate::cells::Cells;
use crate::encode::{EncodedAttempt, EncodedJob};
use crate::error::Error;
use crate::rows;

/// A job that was looked up, ended or not.
#[derive(Clone, Debug)]
pub(crate) struct FoundJob {
    pub(crate) state: JobState,
    pub(crate) seq: i64,
    pub(crate) name: Arc<str>,
    pub(crate) priority: i32,
    pub(crate) order_key: Option<String>,
    pub(crate) attempts: u32,
}

/// A row of `live`.
#[derive(Debug)]
struct LiveEntry {
    /// Whether the database has it.
    is_stored: bool,
    /// `None`: it has been removed.
    current: Option<Live>,
    is_changed: bool,
}

/// An entity to write.
#[derive(Debug)]
struct EntityBody {
    version: u64,
    body: Json,
}

/// An attempt to store.
#[derive(Debug)]
pub(crate) struct EndedAttempt {
    pub(crate) job: JobId,
    pub(crate) attempt: Attempt,
    pub(crate) encoded: Arc<EncodedAttempt>,
    pub(crate) ended_at: Timestamp,
    pub(crate) output: Option<Json>,
}

/// A schedule, and whether the last job of its ticks has not ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoundSchedule {
    pub(crate) position: SchedulePosition,
    pub(crate) is_running: bool,
}

/// A job to insert.
#[derive(Debug)]
struct NewSpec {
    seq: i64,
    encoded: Arc<EncodedJob>,
    after: Option<Vec<JobId>>,
}

/// What was loaded, as the operations so far have left it, and what is to be written.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// Whether there is a job to claim that was not there before.
    pub(crate) has_work: bool,
    seqs: VecDeque<i64>,
    live: HashMap<JobId, LiveEntry>,
    jobs: HashMap<JobId, FoundJob>,
    /// The states of jobs that ended in this transaction, or have an idempotency key.
    states: HashMap<JobId, JobState>,
    successors: HashMap<JobId, Vec<JobId>>,
    prunable: HashMap<JobId, (JobState, Option<Timestamp>)>,
    keys: HashMap<Key, KeyHolder>,
    counts: HashMap<Arc<str>, u64>,
    versions: HashMap<(String, Key), u64>,
    leases: HashMap<WorkerId, u64>,
    schedules: HashMap<String, FoundSchedule>,

    specs: Vec<NewSpec>,
    new_keys: Vec<(Key, JobId)>,
    predecessors: Vec<(JobId, JobId)>,
    cancelled: Vec<(JobId, Timestamp)>,
    pub(crate) attempts: Vec<EndedAttempt>,
    late_effects: HashMap<(JobId, u32), u64>,
    bodies: HashMap<(String, Key), EntityBody>,
    positions: BTreeMap<String, SchedulePosition>,
    pruned: Vec<JobId>,
    events: Vec<NewEvent>,
    /// Lanes that jobs have entered or left.
    lanes: Vec<String>,
    /// Lanes to which failed jobs return, and their sequence numbers.
    reentered: Vec<(String, i64)>,
    /// Entities whose turn jobs have left, or whose line.
    turns: Vec<String>,
    succeeded: Vec<JobId>,
}

impl World {
    /// Takes in the rows of a statement.
    pub(crate) fn load(&mut self, loaded: Loaded, rows: &[Row]) -> Result<(), Error> {
        for row in rows {
            match loaded {
                Loaded::Nothing => {}
                Loaded::Seqs => self.seqs.push_back(Cells::of(row).number("seq")),
                Loaded::Live => {
                    let (id, live) = Live::read(row);
                    let entry = LiveEntry { is_stored: true, current: Some(live), is_changed: false };
                    self.live.insert(id, entry);
                }
                Loaded::Jobs => {
                    let mut cells = Cells::of(row);
                    let id = cells.id("id").into();
                    let found = FoundJob {
                        state: rows::state_of(&cells.text("state")),
                        seq: cells.number("seq"),
                        name: cells.text("name").into(),
                        priority: cells.short("priority"),
                        order_key: cells.optional_text("order_key").map(Into::into),
                        attempts: cells.number("attempts"),
                    };
                    self.jobs.insert(id, found);
                }
                Loaded::Successors => {
                    let mut cells = Cells::of(row);
                    let (predecessor, successor) = (cells.id("predecessor"), cells.id("successor"));
                    self.successors.entry(predecessor.into()).or_default().push(successor.into());
                }
                Loaded::Prunable => {
                    let (id, state, ended_at) = rows::end(row);
                    self.prunable.insert(id, (state, ended_at));
                }
                Loaded::Keys => {
                    let (key, holder, state) = rows::key_holder(row);
                    self.states.insert(holder.id, state);
                    self.keys.insert(key, holder);
                }
                Loaded::Counts => {
                    let mut cells = Cells::of(row);
                    self.counts.insert(cells.text("name").into(), cells.number("count"));
                }
                Loaded::Entities => {
                    let mut cells = Cells::of(row);
                    let key = (cells.text("entity").into_owned(), Key::from_text(cells.text("id")));
                    self.versions.insert(key, cells.number("version"));
                }
                Loaded::Leases => {
                    let mut cells = Cells::of(row);
                    let worker = WorkerId::from_text(cells.text("worker"));
                    let renewals = cells.optional_integer("renewals").unwrap_or(0).cast_unsigned();
                    self.leases.insert(worker, renewals);
                }
                Loaded::Schedules => {
                    let position = rows::schedule_position(row)?;
                    let name = Cells::of(row).text("name").into_owned();
                    let is_running = Cells::from_column(row, 3).boolean("is_running");
                    self.schedules.insert(name, FoundSchedule { position, is_running });
                }
            }
        }
        Ok(())
    }

    /// A job that has not ended, or a cancelled one that is not released.
    pub(crate) fn live(&self, id: JobId) -> Option<&Live> {
        self.live.get(&id)?.current.as_ref()
    }

    /// To change such a job.
    pub(crate) fn live_mut(&mut self, id: JobId) -> Option<&mut Live> {
        let entry = self.live.get_mut(&id)?;
        entry.is_changed = true;
        entry.current.as_mut()
    }

    fn insert_live(&mut self, id: JobId, live: Live) {
        let is_stored = self.live.get(&id).is_some_and(|entry| entry.is_stored);
        self.live.insert(id, LiveEntry { is_stored, current: Some(live), is_changed: true });
    }

    /// Removes a job that is neither live nor unreleased any more.
    fn remove_live(&mut self, id: JobId) -> Option<Live> {
        let entry = self.live.get_mut(&id)?;
        entry.is_changed = true;
        entry.current.take()
    }

    /// The state of a job; `None` if there is no such job.
    pub(crate) fn state(&self, id: JobId) -> Option<JobState> {
        if let Some(live) = self.live(id) {
            return Some(live.stage.state());
        }
        self.states.get(&id).copied().or_else(|| self.jobs.get(&id).map(|found| found.state))
    }

    pub(crate) fn found(&self, id: JobId) -> Option<&FoundJob> {
        self.jobs.get(&id)
    }

    /// Whether a worker's lease has not been renewed since it was renewed for the `renewals`th time.
    pub(crate) fn has_lapsed(&self, worker: &WorkerId, renewals: u64) -> bool {
        self.leases.get(worker).copied().unwrap_or(0) == renewals
    }

    /// The version of an entity; 0 if it does not exist.
    pub(crate) fn version(&self, key: &EntityKey) -> u64 {
        self.versions.get(&(key.entity.to_owned(), key.id.clone())).copied().unwrap_or(0)
    }

    pub(crate) fn write_entity(&mut self, key: &EntityKey, version: u64, body: Json) {
        let key = (key.entity.to_owned(), key.id.clone());
        self.bodies.insert(key.clone(), EntityBody { version, body });
        self.versions.insert(key, version);
    }

    pub(crate) fn append_events(&mut self, events: &[NewEvent]) {
        self.events.extend_from_slice(events);
    }

    pub(crate) fn schedule(&self, name: &str) -> Option<FoundSchedule> {
        self.schedules.get(name).copied()
    }

    pub(crate) fn set_schedule(&mut self, name: &str, position: SchedulePosition) {
        self.positions.insert(name.to_owned(), position);
    }

    pub(crate) fn add_late_effects(&mut self, job: JobId, attempt: u32, count: u32) {
        *self.late_effects.entry((job, attempt)).or_default() += u64::from(count);
    }

    /// The state in which a job ended that may be deleted, and when.
    pub(crate) fn prunable(&self, id: JobId) -> Option<(JobState, Timestamp)> {
        let (state, ended_at) = self.prunable.get(&id)?;
        Some((*state, (*ended_at)?))
    }

    pub(crate) fn prune(&mut self, id: JobId) {
        self.pruned.push(id);
    }

    /// A job does not have its turn any more, or has left its line.
    pub(crate) fn leave_entity(&mut self, entity: Option<String>) {
        self.turns.extend(entity);
    }

    /// Ends a job whose attempt has ended.
    pub(crate) fn end(&mut self, id: JobId, state: JobState) {
        let Some(live) = self.remove_live(id) else { return };
        if live.stage != Stage::Unreleased {
            self.leave_count(&live.name);
        }
        self.states.insert(id, state);
        self.lanes.extend(live.order_key);
        self.leave_entity(live.entity);
        if state == JobState::Succeeded {
            self.succeeded.push(id);
        }
    }

    /// Cancels a job and returns its successors, which are to be cancelled, too. One that a worker runs or holds keeps its lane and
    /// its turn until it is released.
    pub(crate) fn cancel(&mut self, id: JobId, now: Timestamp) -> Vec<JobId> {
        let Some(live) = self.live_mut(id) else { return Vec::new() };
        let name = live.name.clone();
        if live.stage.has_worker() {
            (live.attempts, live.stage) = (live.attempt_number(), Stage::Unreleased);
            self.leave_count(&name);
        } else {
            self.end(id, JobState::Cancelled);
        }
        self.cancelled.push((id, now));
        self.successors.remove(&id).unwrap_or_default()
    }

    /// Makes a failed job live again.
    pub(crate) fn reopen(&mut self, id: JobId, found: &FoundJob) {
        let stage = if found.order_key.is_some() { Stage::Waiting } else { Stage::Ready };
        let live = Live {
            seq: found.seq,
            stage,
            name: found.name.clone(),
            priority: found.priority,
            order_key: found.order_key.clone(),
            attempts: found.attempts,
            spent: found.attempts,
            is_blocked: found.order_key.is_some(),
            pending: 0,
            due_at: None,
            entity: None,
            worker: None,
            started_at: None,
            // Not known any more. This is always safe.
            repeatable: false,
        };
        self.has_work = true;
        self.insert_live(id, live);
        self.enter_count(&found.name);
        if let Some(lane) = &found.order_key {
            self.reentered.push((lane.clone(), found.seq));
            self.lanes.push(lane.clone());
        }
    }

    fn enter_count(&mut self, name: &Arc<str>) {
        if let Some(count) = self.counts.get_mut(name) {
            *count += 1;
        }
    }

    fn leave_count(&mut self, name: &Arc<str>) {
        if let Some(count) = self.counts.get_mut(name) {
            *count = count.saturating_sub(1);
        }
    }
}
