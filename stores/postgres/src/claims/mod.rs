//! [`Store::claim`](enact::store::Store::claim), on a connection of its own.

mod round;
mod statements;

use std::collections::{HashMap, HashSet};

use enact::Job;
use enact::store::{Batch, Claim, Claimable, Claimed};
use tokio_postgres::Row;

use self::round::Round;
use crate::call::Call;
use crate::connection::Connection;
use crate::error::Error;
use crate::rows;
use crate::transaction::{Failed, Mode, Transaction};
use crate::value::{Micros, Text, integer, uuids};

/// How many ready jobs are examined at once, when some were put into lines.
const NEXT_CANDIDATES: usize = 256;
/// How often a claim runs again whose connection was lost, or that was blocked by another transaction.
const MAX_RUNS: usize = 5;

/// Claims jobs, again if the transaction is lost with its connection.
pub(crate) async fn claim(connection: &Connection, claim: &Claim) -> Result<Claimed, Error> {
    let mut runs = 0;
    let mut mode = Mode::Shared;
    loop {
        runs += 1;
        let mut found = Found::of(claim);
        match run(connection, claim, mode, &mut found).await {
            Ok(()) => return Ok(found.claimed),
            Err(Failed::InDoubt(doubt)) => {
                if doubt.was_committed(connection).await? {
                    return Ok(found.claimed);
                }
                if runs == MAX_RUNS {
                    return Err(Error::Silent);
                }
            }
            Err(Failed::Undone(error)) => {
                let is_repeated = error.is_connection_lost() || error.is_lost_race();
                if !is_repeated || runs == MAX_RUNS {
                    return Err(error);
                }
                if error.is_lost_race() {
                    mode = Mode::Exclusive;
                }
            }
        }
    }
}

/// What a claim has found so far.
struct Found {
    claimed: Claimed,
    firsts: Vec<First>,
    /// What is left of the room of each queue.
    room: Vec<usize>,
    put_in_line: usize,
}

/// A claimed job that has taken the turn of an entity.
struct First {
    job: enact::JobId,
    queue: usize,
    entity: String,
}

impl Found {
    fn of(claim: &Claim) -> Self {
        let claimed =
            Claimed { jobs: Vec::new(), batches: Vec::new(), unreadable: Vec::new(), next_due: None };
        Self { claimed, firsts: Vec::new(), room: claim.room.clone(), put_in_line: 0 }
    }

    fn has_room(&self) -> bool {
        self.room.iter().any(|room| *room > 0)
    }
}

async fn run(connection: &Connection, claim: &Claim, mode: Mode, found: &mut Found) -> Result<(), Failed> {
    let session = connection.session().await?;
    let mut calls = vec![
        Call::new(statements::LOCK_CLAIMS),
        Call::new(statements::WAKE).with(Micros::of(claim.now)).with(integer(Claim::MAX_WOKEN)),
        Call::new(statements::NEXT_DUE),
    ];
    calls.push(candidates(claim, &claim.room));
    let (transaction, mut rows) = Transaction::begin(connection, &session, mode, calls).await?;
    let has_woken = !rows[1].is_empty();
    let next_due = rows[2].first().and_then(rows::due_at);
    let mut candidates_found = rows.split_off(3).pop().unwrap_or_default();
    found.claimed.next_due = next_due;
    let (mut is_changed, mut must_be_durable) = (has_woken, false);
    let mut limits = claim.room.clone();
    loop {
        let mut candidates_now: Vec<_> = candidates_found.iter().map(rows::candidate).collect();
        if mode == Mode::Shared {
            lock_turns(&transaction, claim, &mut candidates_now).await?;
        }
        let mut read = vec![0; limits.len()];
        for candidate in &candidates_now {
            if let Some(read) = read.get_mut(candidate.queue) {
                *read += 1;
            }
        }
        let mut round = Round::default();
        let has_left_line = round.decide(claim, found, candidates_now);
        is_changed |= !round.is_empty();
        must_be_durable |= round.must_be_durable();
        let is_full = found.put_in_line == Claim::MAX_WOKEN;
        if is_full {
            found.claimed.next_due = Some(claim.now);
        }
        // All ready jobs of a queue were read if they were fewer than the limit.
        let queues = found.room.iter().zip(&limits).zip(&read);
        let has_more = queues.into_iter().any(|((room, limit), read)| *room > 0 && read >= limit);
        let again = (has_left_line || has_more) && !is_full && found.has_room();
        if mode == Mode::Shared && (again || round.moves_others()) {
            return Err(transaction.fail(Error::NotShared).await);
        }
        let calls = round.calls(claim);
        if again {
            limits = found
                .room
                .iter()
                .map(|room| if *room == 0 { 0 } else { NEXT_CANDIDATES.max(*room) })
                .collect();
            let mut calls = calls;
            calls.push(candidates(claim, &limits));
            candidates_found = transaction.run(calls).await?.pop().unwrap_or_default();
            continue;
        }
        let end = if is_changed { Some(must_be_durable) } else { None };
        return finish(transaction, claim, found, calls, end).await;
    }
}

/// Locks the turns of the entities that candidates bind, and looks which of them are taken.
async fn lock_turns(
    transaction: &Transaction<'_>,
    claim: &Claim,
    candidates: &mut [rows::Candidate],
) -> Result<(), Failed> {
    let turns: Vec<Option<String>> =
        candidates.iter().map(|candidate| turn_of_candidate(claim, candidate)).collect();
    let entities: HashSet<&str> = turns.iter().flatten().map(String::as_str).collect();
    if entities.is_empty() {
        return Ok(());
    }
    let entities: Vec<Text<'_>> = entities.into_iter().map(Text::of).collect();
    let calls = vec![
        Call::new(statements::LOCK_TURNS).with(entities.clone()),
        Call::new(statements::TAKEN).with(entities),
    ];
    let rows = transaction.run(calls).await?;
    let taken: HashSet<String> = rows.get(1).into_iter().flatten().map(rows::text).collect();
    for (candidate, turn) in candidates.iter_mut().zip(&turns) {
        candidate.is_taken = turn.as_ref().is_some_and(|turn| taken.contains(turn));
    }
    Ok(())
}

/// Claims what is behind the jobs that have taken turns, and commits. `None`: nothing was changed.
async fn finish(
    transaction: Transaction<'_>,
    claim: &Claim,
    found: &mut Found,
    mut calls: Vec<Call<'_>>,
    must_be_durable: Option<bool>,
) -> Result<(), Failed> {
    let firsts: Vec<&First> = found.firsts.iter().filter(|first| found.room[first.queue] > 0).collect();
    if claim.batch > 0 && !firsts.is_empty() {
        let entities: Vec<Text<'_>> = firsts.iter().map(|first| Text::of(&first.entity)).collect();
        calls.push(Call::new(statements::LINES).with(entities).with(integer(claim.batch)));
        let lines = transaction.run(calls).await?.pop().unwrap_or_default();
        let batches = batches(claim, found, &lines);
        let held: Vec<_> = batches.iter().flat_map(|batch| &batch.jobs).map(|job| job.id).collect();
        found.claimed.batches = batches;
        calls = Vec::new();
        if !held.is_empty() {
            let call = Call::new(statements::HOLD)
                .with(uuids(&held))
                .with(Text::of(claim.worker.as_str()))
                .with(Micros::of(claim.now));
            calls.push(call);
        }
    }
    match must_be_durable {
        None => transaction.roll_back().await,
        Some(true) => transaction.commit(calls).await.map(|_| ()),
        Some(false) => transaction.commit_soon(calls).await.map(|_| ()),
    }
}

/// The statement that finds the first ready jobs of each queue.
fn candidates<'c>(claim: &'c Claim, limits: &[usize]) -> Call<'c> {
    let (mut names, mut queues, mut binds, mut rooms) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (name, Claimable { queue, entity }) in claim.names.iter() {
        let room = limits.get(*queue).copied().unwrap_or(0);
        if room > 0 {
            names.push(Text::of(name));
            queues.push(i32::try_from(*queue).unwrap_or(i32::MAX));
            binds.push(entity.map(Text::of));
            rooms.push(integer(room));
        }
    }
    Call::new(statements::CANDIDATES).with(names).with(queues).with(binds).with(rooms)
}

/// The jobs in line that belong to the batches of the jobs that have taken turns, within the room of their queues.
fn batches(claim: &Claim, found: &mut Found, lines: &[Row]) -> Vec<Batch> {
    let mut by_entity: HashMap<String, Vec<rows::Candidate>> = HashMap::new();
    for row in lines {
        let candidate = rows::candidate(row);
        if let Some(entity) = candidate.entity.clone() {
            by_entity.entry(entity).or_default().push(candidate);
        }
    }
    let mut batches = Vec::new();
    for first in &found.firsts {
        let room = &mut found.room[first.queue];
        let line = by_entity.remove(&first.entity).unwrap_or_default();
        let belonging = line.into_iter().map_while(|candidate| belonging(claim, first, candidate));
        let jobs: Vec<Job> = belonging.take((*room).min(claim.batch)).collect();
        *room -= jobs.len();
        if !jobs.is_empty() {
            batches.push(Batch { first: first.job, jobs });
        }
    }
    batches
}

/// The job, if it can be read, has the queue of the first one and, as this claim sees it, binds the same entity.
fn belonging(claim: &Claim, first: &First, candidate: rows::Candidate) -> Option<Job> {
    let job = candidate.job.filter(|job| job.unreadable.is_empty())?;
    let Claimable { queue, entity } = claim.names.get(&job.name)?;
    let is_same_entity = turn_of(*entity, &job).as_ref() == Some(&first.entity);
    (*queue == first.queue && is_same_entity).then_some(job)
}

fn turn_of_candidate(claim: &Claim, candidate: &rows::Candidate) -> Option<String> {
    let job = candidate.job.as_ref()?;
    turn_of(claim.names.get(&job.name)?.entity, job)
}

/// The entity whose turn a job takes: its type and its id.
fn turn_of(entity: Option<&str>, job: &Job) -> Option<String> {
    Some(format!("{} {}", entity?, job.target.as_ref()?))
}
