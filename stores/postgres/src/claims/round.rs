//! Decides about some candidates of a claim.

use std::collections::HashSet;
use std::sync::Arc;

use enact::store::{Claim, unreadable_job};
use enact::{Attempt, Job, JobId, JobState, Unreadable};

use super::{First, Found, statements, turn_of};
use crate::call::Call;
use crate::encode::EncodedAttempt;
use crate::rows::Candidate;
use crate::value::{Micros, Text, uuid, uuids};
use crate::world::{EndedAttempt, LANES, TURNS, insert_attempts};

/// What happens to the candidates of a round.
#[derive(Default)]
pub(super) struct Round {
    /// The jobs that run, and the entity whose turn each has taken.
    running: Vec<(JobId, Option<String>)>,
    /// The jobs that are put in line, and the entity.
    in_line: Vec<(JobId, String)>,
    /// The jobs that are neither: those that cannot be read have failed, those without a spec were deleted by hand.
    removed: Vec<JobId>,
    failed: Vec<EndedAttempt>,
    /// Lanes that jobs have left.
    lanes: Vec<String>,
    /// Entities whose lines other jobs may leave.
    turns: Vec<String>,
    /// Whether the start of an attempt must be durable.
    must_be_durable: bool,
}

impl Round {
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty() && self.in_line.is_empty() && self.removed.is_empty()
    }

    /// Whether what was decided must be durable before a handler runs: an attempt may not be repeated, or a job has failed.
    pub(super) fn must_be_durable(&self) -> bool {
        self.must_be_durable || !self.removed.is_empty()
    }

    /// Whether lanes or lines of other jobs are to move on.
    pub(super) fn moves_others(&self) -> bool {
        !self.lanes.is_empty() || !self.turns.is_empty()
    }

    /// Decides about the candidates in order, up to one that lets another leave the line of an entity. Returns whether there is such a one.
    pub(super) fn decide(&mut self, claim: &Claim, found: &mut Found, candidates: Vec<Candidate>) -> bool {
        let mut taken: HashSet<String> = HashSet::new();
        for candidate in candidates {
            if found.room.get(candidate.queue).is_none_or(|room| *room == 0) {
                continue;
            }
            let left = candidate.entity.clone();
            let turn = self.decide_one(claim, found, candidate, &mut taken);
            // If it had left the line of another entity, the next of its name leaves that line, and may precede the other candidates.
            if let Some(left) = left.filter(|left| turn.as_ref() != Some(left)) {
                self.turns.push(left);
                return true;
            }
            if found.put_in_line == Claim::MAX_WOKEN {
                break;
            }
        }
        false
    }

    /// Claims a job, or puts it in line for its entity. Returns the entity whose turn or line it has.
    fn decide_one(
        &mut self,
        claim: &Claim,
        found: &mut Found,
        candidate: Candidate,
        taken: &mut HashSet<String>,
    ) -> Option<String> {
        let Candidate { id, queue, attempts, order_key, is_taken, repeatable, job, .. } = candidate;
        let Some(mut job) = job else {
            self.removed.push(id);
            self.lanes.extend(order_key);
            return None;
        };
        let binds = claim.names.get(&job.name);
        if binds.is_none() {
            job.unreadable.push(Unreadable::new("name", "is not the name by which the job was found"));
        }
        let turn = turn_of(binds.and_then(|claimable| claimable.entity), &job);
        if let Some(entity) = turn.clone().filter(|entity| is_taken || taken.contains(entity)) {
            self.in_line.push((id, entity));
            found.put_in_line += 1;
            return turn;
        }
        found.room[queue] -= 1;
        if !job.unreadable.is_empty() {
            self.removed.push(id);
            self.lanes.extend(order_key);
            let job = self.fail(claim, job);
            found.claimed.unreadable.push(job);
            return None;
        }
        (job.state, job.attempts) = (JobState::Running, attempts.saturating_add(1));
        found.claimed.jobs.push(job);
        if let Some(entity) = &turn {
            taken.insert(entity.clone());
            found.firsts.push(First { job: id, queue, entity: entity.clone() });
        }
        self.must_be_durable |= !repeatable;
        self.running.push((id, turn.clone()));
        turn
    }

    /// Ends a job that cannot be read.
    fn fail(&mut self, claim: &Claim, mut job: Job) -> Job {
        let failure = unreadable_job(&job.unreadable);
        let number = job.attempts.saturating_add(1);
        let mut attempt = Attempt::begun(number, claim.worker.clone(), claim.now);
        attempt.failure = Some(failure.clone());
        let encoded = EncodedAttempt::of(&attempt).unwrap_or_default();
        self.failed.push(EndedAttempt {
            job: job.id,
            attempt,
            encoded: Arc::new(encoded),
            ended_at: claim.now,
            output: None,
        });
        (job.state, job.attempts) = (JobState::Failed, number);
        (job.ended_at, job.failure) = (Some(claim.now), Some(failure));
        job
    }

    /// The statements that write what was decided.
    pub(super) fn calls<'c>(&'c self, claim: &'c Claim) -> Vec<Call<'c>> {
        let mut calls = Vec::new();
        if !self.running.is_empty() {
            let ids: Vec<_> = self.running.iter().map(|(id, _)| uuid(*id)).collect();
            let entities: Vec<_> =
                self.running.iter().map(|(_, entity)| entity.as_deref().map(Text::of)).collect();
            let call = Call::new(statements::RUN).with(ids).with(entities);
            calls.push(call.with(Text::of(claim.worker.as_str())).with(Micros::of(claim.now)));
        }
        if !self.in_line.is_empty() {
            let ids: Vec<_> = self.in_line.iter().map(|(id, _)| uuid(*id)).collect();
            let entities: Vec<_> = self.in_line.iter().map(|(_, entity)| Text::of(entity)).collect();
            calls.push(Call::new(statements::PUT_IN_LINE).with(ids).with(entities));
        }
        if !self.removed.is_empty() {
            calls.push(Call::new(statements::REMOVE).with(uuids(&self.removed)));
        }
        if !self.failed.is_empty() {
            calls.push(insert_attempts(&self.failed));
        }
        for (texts, sql) in [(&self.lanes, LANES), (&self.turns, TURNS)] {
            if !texts.is_empty() {
                let texts: Vec<_> = texts.iter().map(|text| Text::of(text)).collect();
                calls.push(Call::new(sql).with(texts));
            }
        }
        calls
    }
}
