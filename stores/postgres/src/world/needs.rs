//! What operations need of the database before they can decide.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use enact::store::{EntityKey, Limits, NewJob};
use enact::{JobId, Key, WorkerId};

use crate::call::Call;
use crate::transaction::Mode;
use crate::value::{Text, integer, uuid};
use crate::world::live::live_columns;

/// How many jobs of a name are counted beyond its limit. The number that a refusal reports is exact up to there.
const COUNTED_BEYOND_LIMIT: u64 = 1000;

/// What operations need of the database, to be loaded at once.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// Jobs that have not ended.
    pub(crate) live: HashSet<JobId>,
    /// Jobs, ended ones too.
    pub(crate) jobs: HashSet<JobId>,
    /// Jobs to cancel: with all their successors.
    pub(crate) cancelled: HashSet<JobId>,
    /// Jobs to delete, if they have ended and no other job waits for them.
    pub(crate) pruned: HashSet<JobId>,
    pub(crate) keys: HashSet<Key>,
    /// The names of which the live jobs are counted, up to a number.
    pub(crate) counts: HashMap<Arc<str>, u64>,
    pub(crate) entities: HashSet<EntityKey>,
    pub(crate) leases: HashSet<WorkerId>,
    pub(crate) schedules: HashSet<String>,
    /// The number of jobs that may be inserted.
    pub(crate) insertions: usize,
    /// Whether other transactions are to be kept out, because jobs are changed that no operation names.
    pub(crate) is_exclusive: bool,
    /// What is locked besides rows that exist, see [`Lock`].
    pub(crate) locks: HashSet<String>,
}

/// What is locked by its name, so that it is locked before it exists. Lanes and turns of loaded jobs are locked, too.
enum Lock<'a> {
    IdempotencyKey(&'a Key),
    Lane(&'a str),
    /// An entity that is to be created.
    Entity(&'a EntityKey),
    /// The number of jobs of a name.
    Count(&'a str),
}

impl Lock<'_> {
    /// The name; `LOCKS` writes those of lanes and turns in the same way.
    fn name(&self) -> String {
        match self {
            Self::IdempotencyKey(key) => format!("key {key}"),
            Self::Lane(lane) => format!("lane {lane}"),
            Self::Entity(key) => format!("entity {key}"),
            Self::Count(name) => format!("count {name}"),
        }
    }
}

impl Needs {
    /// What [`admit`](enact::store::admit) needs.
    pub(crate) fn admission<'j>(&mut self, jobs: impl Iterator<Item = &'j NewJob>, limits: Limits) {
        for job in jobs {
            self.insertions += 1;
            if let Some(key) = &job.idempotency_key {
                self.locks.insert(Lock::IdempotencyKey(key).name());
                self.keys.insert(key.clone());
            }
            if let Some(lane) = &job.order_key {
                self.locks.insert(Lock::Lane(lane.as_str()).name());
            }
            self.is_exclusive |= !job.after.is_empty();
            self.jobs.extend(&job.after);
            self.live.extend(&job.after);
            if let Some(limit) = job.max_queued.filter(|_| limits == Limits::Apply) {
                self.locks.insert(Lock::Count(&job.name).name());
                let most = self.counts.entry(job.name.clone()).or_default();
                *most = limit.saturating_add(COUNTED_BEYOND_LIMIT).max(*most);
            }
        }
    }

    /// An entity to write, of which this version is expected.
    pub(crate) fn write(&mut self, key: &EntityKey, expected: u64) {
        if expected == 0 {
            self.locks.insert(Lock::Entity(key).name());
        }
        self.entities.insert(key.clone());
    }

    /// The statements that lock and load them, and what each loads.
    pub(crate) fn calls(&self, mode: Mode) -> Vec<(Loaded, Call<'_>)> {
        let mut calls = Vec::new();
        if mode == Mode::Shared && !(self.locks.is_empty() && self.live.is_empty()) {
            let names: Vec<_> = self.locks.iter().map(|name| Text::of(name)).collect();
            calls.push((Loaded::Nothing, Call::new(LOCKS).with(names).with(sorted(&self.live))));
        }
        if self.insertions > 0 {
            calls.push((Loaded::Seqs, Call::new(SEQS).with(integer(self.insertions))));
        }
        if !self.live.is_empty() {
            calls.push((Loaded::Live, Call::new(LIVE).with(sorted(&self.live))));
        }
        if !self.jobs.is_empty() {
            calls.push((Loaded::Jobs, Call::new(JOBS).with(sorted(&self.jobs))));
        }
        if !self.cancelled.is_empty() {
            calls.push((Loaded::Live, Call::new(LIVE_SUCCESSORS).with(sorted(&self.cancelled))));
            calls.push((Loaded::Successors, Call::new(SUCCESSORS).with(sorted(&self.cancelled))));
        }
        if !self.pruned.is_empty() {
            calls.push((Loaded::Prunable, Call::new(PRUNABLE).with(sorted(&self.pruned))));
        }
        if !self.keys.is_empty() {
            let keys: Vec<_> = self.keys.iter().map(Text::of_key).collect();
            calls.push((Loaded::Keys, Call::new(KEYS).with(keys)));
        }
        if !self.counts.is_empty() {
            let (names, most): (Vec<_>, Vec<_>) =
                self.counts.iter().map(|(name, most)| (Text::of(name), integer(*most))).unzip();
            calls.push((Loaded::Counts, Call::new(COUNTS).with(names).with(most)));
        }
        if !self.entities.is_empty() {
            let (entities, ids): (Vec<_>, Vec<_>) =
                self.entities.iter().map(|key| (Text::of(key.entity), Text::of_key(&key.id))).unzip();
            calls.push((Loaded::Entities, Call::new(ENTITIES).with(entities).with(ids)));
        }
        if !self.leases.is_empty() {
            let workers: Vec<_> = self.leases.iter().map(|worker| Text::of(worker.as_str())).collect();
            calls.push((Loaded::Leases, Call::new(LEASES).with(workers)));
        }
        if !self.schedules.is_empty() {
            let names: Vec<_> = self.schedules.iter().map(|name| Text::of(name)).collect();
            calls.push((Loaded::Schedules, Call::new(SCHEDULES).with(names)));
        }
        calls
    }
}

/// What a statement loads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loaded {
    Nothing,
    Seqs,
    Live,
    Jobs,
    Successors,
    Prunable,
    Keys,
    Counts,
    Entities,
    Leases,
    Schedules,
}

fn sorted(ids: &HashSet<JobId>) -> Vec<uuid::Uuid> {
    let mut ids: Vec<_> = ids.iter().copied().map(uuid).collect();
    ids.sort_unstable();
    ids
}

/// In the order of their hashes, so that no two transactions wait for each other. A job keeps its lane, and its turn as long as its
/// attempt is the one that an operation names.
const LOCKS: &str = "
    SELECT pg_advisory_xact_lock(hashtext('enact {schema}'), h.hash) FROM (
        SELECT DISTINCT hashtext(n.name) AS hash FROM (
            SELECT name FROM unnest($1::text[]) AS given (name)
            UNION ALL
            SELECT 'lane ' || l.order_key FROM {schema}.live AS l WHERE l.id = ANY($2) AND l.order_key IS NOT NULL
            UNION ALL
            SELECT 'turn ' || l.entity FROM {schema}.live AS l WHERE l.id = ANY($2) AND l.entity IS NOT NULL) AS n
        ORDER BY hash) AS h";

const SEQS: &str = "SELECT nextval('{schema}.job_seq') FROM generate_series(1, $1::bigint)";

const LIVE: &str = concat!(
    "SELECT ",
    live_columns!(),
    " FROM {schema}.live AS l WHERE l.id = ANY($1) ORDER BY l.id FOR UPDATE"
);

const JOBS: &str = "
    SELECT j.id, j.state, j.seq, j.name, j.priority, j.order_key, j.attempts FROM {schema}.jobs AS j WHERE j.id = ANY($1)";

const LIVE_SUCCESSORS: &str = concat!(
    "WITH RECURSIVE gone AS (
        SELECT id FROM unnest($1::uuid[]) AS given (id)
        UNION
        SELECT p.successor FROM gone JOIN {schema}.predecessors AS p ON p.predecessor = gone.id)
    SELECT ",
    live_columns!(),
    " FROM gone JOIN {schema}.live AS l ON l.id = gone.id"
);

const SUCCESSORS: &str = "
    WITH RECURSIVE gone AS (
        SELECT id FROM unnest($1::uuid[]) AS given (id)
        UNION
        SELECT p.successor FROM gone JOIN {schema}.predecessors AS p ON p.predecessor = gone.id)
    SELECT p.predecessor, p.successor FROM gone JOIN {schema}.predecessors AS p ON p.predecessor = gone.id
    JOIN {schema}.live AS l ON l.id = p.successor ORDER BY l.seq";

/// Unless a worker is still to release it, or another job waits for it.
const PRUNABLE: &str = "
    SELECT j.id, j.state, j.ended_at FROM {schema}.jobs AS j
    WHERE j.id = ANY($1) AND j.ended_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM {schema}.live AS l WHERE l.id = j.id)
        AND NOT EXISTS (SELECT 1 FROM {schema}.predecessors AS p WHERE p.predecessor = j.id)";

const KEYS: &str = "
    SELECT k.key, j.id, j.name, j.payload, j.state
    FROM {schema}.keys AS k JOIN {schema}.jobs AS j ON j.id = k.job WHERE k.key = ANY($1)";

/// The jobs that have a worker are few.
const COUNTS: &str = "
    SELECT n.name,
        (SELECT count(*) FROM (
            SELECT 1 FROM {schema}.live AS l WHERE l.name = n.name AND l.stage = 'ready' LIMIT n.most) AS ready)
        + (SELECT count(*) FROM (
            SELECT 1 FROM {schema}.live AS l WHERE l.name = n.name AND l.stage IN ('waiting', 'in_line') LIMIT n.most) AS waiting)
        + (SELECT count(*) FROM {schema}.live AS l
            WHERE l.worker IS NOT NULL AND l.name = n.name AND l.stage IN ('held', 'running'))
    FROM unnest($1::text[], $2::bigint[]) AS n (name, most)";

const ENTITIES: &str = "
    SELECT e.entity, e.id, e.version
    FROM unnest($1::text[], $2::text[]) AS k (entity, id) JOIN {schema}.entities AS e ON e.entity = k.entity AND e.id = k.id
    ORDER BY e.entity, e.id FOR UPDATE OF e";

const LEASES: &str = "SELECT worker, renewals FROM {schema}.leases WHERE worker = ANY($1)";

const SCHEDULES: &str = "
    SELECT s.name, s.last_tick, s.last_job,
        EXISTS (SELECT 1 FROM {schema}.live AS l WHERE l.id = s.last_job AND l.stage <> 'unreleased')
    FROM {schema}.schedules AS s WHERE s.name = ANY($1)";
