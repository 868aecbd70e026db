//! Writes everything that the operations of a group have changed: each table by one statement.

use enact::JobId;
use uuid::Uuid;

use super::settle::{self, Settles};
use super::{Live, NewSpec, World};
use crate::call::Call;
use crate::encode::id_array;
use crate::value::{Micros, Text, integer, uuid, uuids};

impl World {
    /// Whether there is nothing to write.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.specs.is_empty()
            && !self.live.values().any(|entry| entry.is_changed)
            && self.cancelled.is_empty()
            && self.late_effects.is_empty()
            && self.positions.is_empty()
            && self.pruned.is_empty()
            && self.events.is_empty()
    }

    /// The statements that write the changes, in the order in which they are to run, and what those of them settle that return rows.
    pub(crate) fn flush(&self) -> (Vec<Call<'_>>, Vec<(usize, Settles)>) {
        let mut calls = Vec::new();
        self.flush_specs(&mut calls);
        self.flush_live(&mut calls);
        self.flush_ends(&mut calls);
        self.flush_entities(&mut calls);
        self.flush_pruned(&mut calls);
        let mut settling = Vec::new();
        for (settles, call) in self.settle() {
            if let Some(settles) = settles {
                settling.push((calls.len(), settles));
            }
            calls.push(call);
        }
        // Last, because others that have events wait for it.
        self.flush_events(&mut calls);
        (calls, settling)
    }

    fn flush_specs<'w>(&'w self, calls: &mut Vec<Call<'w>>) {
        if !self.specs.is_empty() {
            calls.push(insert_specs(&self.specs));
        }
        if !self.new_keys.is_empty() {
            let (keys, jobs): (Vec<_>, Vec<_>) =
                self.new_keys.iter().map(|(key, job)| (Text::of_key(key), uuid(*job))).unzip();
            calls.push(Call::new(INSERT_KEYS).with(keys).with(jobs));
        }
        if !self.predecessors.is_empty() {
            let (predecessors, successors): (Vec<_>, Vec<_>) = self
                .predecessors
                .iter()
                .map(|(predecessor, successor)| (uuid(*predecessor), uuid(*successor)))
                .unzip();
            calls.push(Call::new(INSERT_PREDECESSORS).with(predecessors).with(successors));
        }
    }

    fn flush_live<'w>(&'w self, calls: &mut Vec<Call<'w>>) {
        let (mut removed, mut updated, mut inserted) = (Vec::new(), Vec::new(), Vec::new());
        for (id, entry) in self.live.iter().filter(|(_, entry)| entry.is_changed) {
            match (&entry.current, entry.is_stored) {
                (None, true) => removed.push(uuid(*id)),
                (None, false) => {}
                (Some(live), true) => updated.push((uuid(*id), live)),
                (Some(live), false) => inserted.push((uuid(*id), live)),
            }
        }
        if !removed.is_empty() {
            removed.sort_unstable();
            calls.push(Call::new(DELETE_LIVE).with(removed));
        }
        if !updated.is_empty() {
            updated.sort_unstable_by_key(|(id, _)| *id);
            calls.push(with_live_state(Call::new(UPDATE_LIVE), &updated));
        }
        if !inserted.is_empty() {
            inserted.sort_unstable_by_key(|(_, live)| live.seq);
            let call = with_live_state(Call::new(INSERT_LIVE), &inserted)
                .with(inserted.iter().map(|(_, live)| live.seq).collect::<Vec<_>>())
                .with(inserted.iter().map(|(_, live)| Text::of(&live.name)).collect::<Vec<_>>())
                .with(inserted.iter().map(|(_, live)| live.priority).collect::<Vec<_>>())
                .with(
                    inserted
                        .iter()
                        .map(|(_, live)| live.order_key.as_deref().map(Text::of))
                        .collect::<Vec<_>>(),
                )
                .with(inserted.iter().map(|(_, live)| live.repeatable).collect::<Vec<_>>());
            calls.push(call);
        }
    }

    fn flush_ends<'w>(&'w self, calls: &mut Vec<Call<'w>>) {
        if !self.cancelled.is_empty() {
            let (jobs, times): (Vec<_>, Vec<_>) =
                self.cancelled.iter().map(|(job, at)| (uuid(*job), Micros::of(*at))).unzip();
            calls.push(Call::new(INSERT_CANCELLED).with(jobs.clone()).with(times));
            calls.push(Call::new(FREE_KEYS).with(jobs.clone()));
            calls.push(Call::new(DELETE_PREDECESSORS).with(jobs));
        }
        if !self.attempts.is_empty() {
            calls.push(insert_attempts(&self.attempts));
        }
        if !self.late_effects.is_empty() {
            let mut late: Vec<_> = self.late_effects.iter().collect();
            late.sort_unstable();
            let jobs: Vec<Uuid> = late.iter().map(|((job, _), _)| uuid(*job)).collect();
            let numbers: Vec<i64> = late.iter().map(|((_, number), _)| i64::from(*number)).collect();
            let counts: Vec<i64> = late.iter().map(|(_, count)| integer(**count)).collect();
            calls.push(Call::new(ADD_LATE_EFFECTS).with(jobs).with(numbers).with(counts));
        }
    }

    fn flush_entities<'w>(&'w self, calls: &mut Vec<Call<'w>>) {
        if !self.bodies.is_empty() {
            let mut bodies: Vec<_> = self.bodies.iter().collect();
            bodies.sort_unstable_by_key(|(key, _)| *key);
            let entities: Vec<_> = bodies.iter().map(|((entity, _), _)| Text::of(entity)).collect();
            let ids: Vec<_> = bodies.iter().map(|((_, id), _)| Text::of_key(id)).collect();
            let versions: Vec<_> = bodies.iter().map(|(_, written)| integer(written.version)).collect();
            let texts: Vec<_> = bodies.iter().map(|(_, written)| Text::of(written.body.as_str())).collect();
            calls.push(Call::new(WRITE_ENTITIES).with(entities).with(ids).with(versions).with(texts));
        }
        if !self.positions.is_empty() {
            let names: Vec<_> = self.positions.keys().map(|name| Text::of(name)).collect();
            let ticks: Vec<_> = self.positions.values().map(|position| Micros::of(position.tick)).collect();
            let jobs: Vec<_> = self.positions.values().map(|position| position.job.map(uuid)).collect();
            calls.push(Call::new(SET_POSITIONS).with(names).with(ticks).with(jobs));
        }
    }

    fn flush_pruned<'w>(&'w self, calls: &mut Vec<Call<'w>>) {
        if !self.pruned.is_empty() {
            for sql in [FREE_KEYS, PRUNE_ATTEMPTS, PRUNE_CANCELLED, PRUNE_SPECS] {
                calls.push(Call::new(sql).with(uuids(&self.pruned)));
            }
        }
    }

    fn settle(&self) -> Vec<(Option<Settles>, Call<'_>)> {
        let mut calls = Vec::new();
        if !self.reentered.is_empty() {
            let (lanes, seqs): (Vec<_>, Vec<_>) =
                self.reentered.iter().map(|(lane, seq)| (Text::of(lane), *seq)).unzip();
            calls.push((None, Call::new(settle::REENTER).with(lanes).with(seqs)));
        }
        if !self.succeeded.is_empty() {
            let call = Call::new(settle::SUCCESSORS).with(uuids(&self.succeeded));
            calls.push((Some(Settles::Successors), call));
        }
        if !self.lanes.is_empty() {
            calls.push((Some(Settles::Lanes), Call::new(settle::LANES).with(texts(&self.lanes))));
        }
        if !self.turns.is_empty() {
            calls.push((Some(Settles::Turns), Call::new(settle::TURNS).with(texts(&self.turns))));
        }
        calls
    }

    fn flush_events<'w>(&'w self, calls: &mut Vec<Call<'w>>) {
        if self.events.is_empty() {
            return;
        }
        calls.push(Call::new(LOCK_EVENTS));
        let events = &self.events;
        let call = Call::new(INSERT_EVENTS)
            .with(events.iter().map(|event| event.id.into()).collect::<Vec<Uuid>>())
            .with(events.iter().map(|event| Text::of(&event.name)).collect::<Vec<_>>())
            .with(events.iter().map(|event| Text::of(event.payload.as_str())).collect::<Vec<_>>())
            .with(events.iter().map(|event| Text::of(event.correlation.as_str())).collect::<Vec<_>>())
            .with(events.iter().map(|event| event.cause.map(uuid)).collect::<Vec<_>>())
            .with(events.iter().map(|event| Micros::of(event.emitted_at)).collect::<Vec<_>>());
        calls.push(call);
    }
}

/// Each once, in order.
fn texts(texts: &[String]) -> Vec<Text<'_>> {
    let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    texts.sort_unstable();
    texts.dedup();
    texts.into_iter().map(Text::of).collect()
}

/// Adds the columns of live jobs that change.
fn with_live_state<'w>(call: Call<'w>, live: &[(Uuid, &'w Live)]) -> Call<'w> {
    call.with(live.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .with(live.iter().map(|(_, live)| Text::of(live.stage.as_str())).collect::<Vec<_>>())
        .with(live.iter().map(|(_, live)| i64::from(live.attempts)).collect::<Vec<_>>())
        .with(live.iter().map(|(_, live)| i64::from(live.spent)).collect::<Vec<_>>())
        .with(live.iter().map(|(_, live)| live.is_blocked).collect::<Vec<_>>())
        .with(live.iter().map(|(_, live)| live.pending).collect::<Vec<_>>())
        .with(live.iter().map(|(_, live)| live.due_at.map(Micros::of)).collect::<Vec<_>>())
        .with(live.iter().map(|(_, live)| live.entity.as_deref().map(Text::of)).collect::<Vec<_>>())
        .with(live.iter().map(|(_, live)| live.worker.as_deref().map(Text::of)).collect::<Vec<_>>())
        .with(live.iter().map(|(_, live)| live.started_at.map(Micros::of)).collect::<Vec<_>>())
}

fn insert_specs(specs: &[NewSpec]) -> Call<'_> {
    let jobs = || specs.iter().map(|new| &new.encoded.job);
    let after = |new: &NewSpec| -> Option<String> {
        let after: &[JobId] = new.after.as_ref().unwrap_or(&new.encoded.job.after);
        (!after.is_empty()).then(|| id_array(after))
    };
    let after: Vec<Option<String>> = specs.iter().map(after).collect();
    Call::new(INSERT_SPECS)
        .with(jobs().map(|job| uuid(job.id)).collect::<Vec<_>>())
        .with(specs.iter().map(|new| new.seq).collect::<Vec<_>>())
        .with(jobs().map(|job| Text::of(job.kind.as_str())).collect::<Vec<_>>())
        .with(jobs().map(|job| Text::of(&job.name)).collect::<Vec<_>>())
        .with(jobs().map(|job| Micros::of(job.created_at)).collect::<Vec<_>>())
        .with(jobs().map(|job| job.target.as_ref().map(Text::of_key)).collect::<Vec<_>>())
        .with(jobs().map(|job| job.order_key.as_ref().map(Text::of_key)).collect::<Vec<_>>())
        .with(jobs().map(|job| job.idempotency_key.as_ref().map(Text::of_key)).collect::<Vec<_>>())
        .with(jobs().map(|job| Text::of(job.correlation.as_str())).collect::<Vec<_>>())
        .with(
            jobs()
                .map(|job| job.cause.as_ref().map(|cause| Text::owned(&cause.to_string())))
                .collect::<Vec<_>>(),
        )
        .with(specs.iter().map(|new| new.encoded.context.as_deref().map(Text::of)).collect::<Vec<_>>())
        .with(jobs().map(|job| Text::of(job.payload.as_str())).collect::<Vec<_>>())
        .with(jobs().map(|job| job.priority).collect::<Vec<_>>())
        .with(after.iter().map(|after| after.as_deref().map(Text::owned)).collect::<Vec<_>>())
        .with(jobs().map(|job| job.deadline.map(Micros::of)).collect::<Vec<_>>())
        .with(jobs().map(|job| i64::from(job.depth)).collect::<Vec<_>>())
}

/// Ended attempts, as they are stored.
pub(crate) fn insert_attempts(ended: &[super::EndedAttempt]) -> Call<'_> {
    let attempts = || ended.iter().map(|ended| &ended.attempt);
    let json = |part: fn(&crate::encode::EncodedAttempt) -> &Option<String>| {
        ended.iter().map(|ended| part(&ended.encoded).as_deref().map(Text::of)).collect::<Vec<_>>()
    };
    let late = |count: u32| Some(i64::from(count)).filter(|count| *count > 0);
    Call::new(INSERT_ATTEMPTS)
        .with(ended.iter().map(|ended| uuid(ended.job)).collect::<Vec<_>>())
        .with(attempts().map(|attempt| i64::from(attempt.number)).collect::<Vec<_>>())
        .with(attempts().map(|attempt| Text::of(attempt.worker.as_str())).collect::<Vec<_>>())
        .with(attempts().map(|attempt| Micros::of(attempt.started_at)).collect::<Vec<_>>())
        .with(ended.iter().map(|ended| Micros::of(ended.ended_at)).collect::<Vec<_>>())
        .with(
            attempts().map(|attempt| attempt.reached.map(|step| Text::of(step.as_str()))).collect::<Vec<_>>(),
        )
        .with(attempts().map(|attempt| attempt.version_read.map(integer)).collect::<Vec<_>>())
        .with(attempts().map(|attempt| attempt.version_written.map(integer)).collect::<Vec<_>>())
        .with(json(|encoded| &encoded.strategies))
        .with(json(|encoded| &encoded.events))
        .with(json(|encoded| &encoded.failure))
        .with(
            ended
                .iter()
                .map(|ended| ended.output.as_ref().map(|output| Text::of(output.as_str())))
                .collect::<Vec<_>>(),
        )
        .with(attempts().map(|attempt| late(attempt.late_effects)).collect::<Vec<_>>())
}

const INSERT_SPECS: &str = "
    INSERT INTO {schema}.job_specs (id, seq, kind, name, created_at, target, order_key, idempotency_key, correlation, cause,
        context, payload, priority, after, deadline, depth)
    SELECT u.id, u.seq, u.kind, u.name, u.created_at, u.target, u.order_key, u.idempotency_key, u.correlation, u.cause,
        u.context, u.payload, u.priority, u.after::uuid[], u.deadline, u.depth
    FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::text[], $11::text[], $12::text[], $13::integer[], $14::text[], $15::timestamptz[], $16::bigint[])
        AS u (id, seq, kind, name, created_at, target, order_key, idempotency_key, correlation, cause, context, payload, priority,
            after, deadline, depth)";

const INSERT_KEYS: &str =
    "INSERT INTO {schema}.keys (key, job) SELECT * FROM unnest($1::text[], $2::uuid[]) AS u (key, job)";

const INSERT_PREDECESSORS: &str = "
    INSERT INTO {schema}.predecessors (predecessor, successor)
    SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS u (predecessor, successor)";

const DELETE_LIVE: &str = "DELETE FROM {schema}.live WHERE id = ANY($1)";

const UPDATE_LIVE: &str = "
    UPDATE {schema}.live AS l
    SET stage = u.stage, attempts = u.attempts, spent = u.spent, is_blocked = u.is_blocked, pending = u.pending, due_at = u.due_at,
        entity = u.entity, worker = u.worker, started_at = u.started_at
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::boolean[], $6::integer[], $7::timestamptz[], $8::text[],
        $9::text[], $10::timestamptz[])
        AS u (id, stage, attempts, spent, is_blocked, pending, due_at, entity, worker, started_at)
    WHERE l.id = u.id";

const INSERT_LIVE: &str = "
    INSERT INTO {schema}.live (id, stage, attempts, spent, is_blocked, pending, due_at, entity, worker, started_at, seq, name,
        priority, order_key, repeatable)
    SELECT *
    FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::boolean[], $6::integer[], $7::timestamptz[], $8::text[],
        $9::text[], $10::timestamptz[], $11::bigint[], $12::text[], $13::integer[], $14::text[], $15::boolean[])
        AS u (id, stage, attempts, spent, is_blocked, pending, due_at, entity, worker, started_at, seq, name, priority, order_key,
            repeatable)";

const INSERT_CANCELLED: &str = "
    INSERT INTO {schema}.cancelled (job, ended_at) SELECT * FROM unnest($1::uuid[], $2::timestamptz[]) AS u (job, ended_at)";

const FREE_KEYS: &str = "
    DELETE FROM {schema}.keys AS k USING {schema}.job_specs AS s
    WHERE s.id = ANY($1) AND k.key = s.idempotency_key AND k.job = s.id";

const DELETE_PREDECESSORS: &str =
    "DELETE FROM {schema}.predecessors WHERE predecessor = ANY($1) OR successor = ANY($1)";

const INSERT_ATTEMPTS: &str = "
    INSERT INTO {schema}.attempts (job, number, worker, started_at, ended_at, reached, version_read, version_written, strategies,
        events, failure, output, late_effects)
    SELECT *
    FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::bigint[], $8::bigint[],
        $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[])
        AS u (job, number, worker, started_at, ended_at, reached, version_read, version_written, strategies, events, failure, output,
            late_effects)";

const ADD_LATE_EFFECTS: &str = "
    UPDATE {schema}.attempts AS a SET late_effects = least(coalesce(a.late_effects, 0) + u.count, 4294967295)
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS u (job, number, count)
    WHERE a.job = u.job AND a.number = u.number";

const WRITE_ENTITIES: &str = "
    INSERT INTO {schema}.entities AS e (entity, id, version, body)
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS u (entity, id, version, body)
    ON CONFLICT (entity, id) DO UPDATE SET version = excluded.version, body = excluded.body";

const SET_POSITIONS: &str = "
    INSERT INTO {schema}.schedules (name, last_tick, last_job)
    SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::uuid[]) AS u (name, last_tick, last_job)
    ON CONFLICT (name) DO UPDATE SET last_tick = excluded.last_tick, last_job = excluded.last_job";

const PRUNE_ATTEMPTS: &str = "DELETE FROM {schema}.attempts WHERE job = ANY($1)";
const PRUNE_CANCELLED: &str = "DELETE FROM {schema}.cancelled WHERE job = ANY($1)";
const PRUNE_SPECS: &str = "DELETE FROM {schema}.job_specs WHERE id = ANY($1)";

/// Until the commit: no event is committed before one that has a lower position. It is the last lock, so nothing is waited for with it.
const LOCK_EVENTS: &str = "SELECT pg_advisory_xact_lock(hashtextextended('enact events {schema}', 0))";

/// Positions are assigned in the order of the arrays.
const INSERT_EVENTS: &str = "
    INSERT INTO {schema}.events (position, id, name, payload, correlation, cause, emitted_at)
    SELECT nextval('{schema}.event_position'), u.*
    FROM (SELECT id, name, payload, correlation, cause, emitted_at
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::timestamptz[]) WITH ORDINALITY
            AS e (id, name, payload, correlation, cause, emitted_at, number)
        ORDER BY number OFFSET 0) AS u";
