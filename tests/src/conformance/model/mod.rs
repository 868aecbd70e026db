//! Random calls, which a store must answer as an obvious model does.

mod obvious;
mod step;

use enact::store::{Claim, Commit, CommitError, Cursor, EntityWrite, NewEvent, NewJob, Next};
use enact::{Attempt, Failure, JobState};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::test_runner::{Config, TestRunner};

use self::obvious::{Obvious, Refusal};
use self::step::{End, Fence, Request, Step};
use super::sample::{account, at, event, job, json, key, worker};
use super::subject::Everything;
use super::taken::Taken;
use super::{Subject, block_on};

/// Makes random calls on new stores, and compares every answer, and at last everything that is on record.
pub fn every_answer_is_that_of_the_model(open: impl Fn() -> Subject) {
    const CASES: u32 = 48;
    let config = Config { failure_persistence: None, max_shrink_iters: 2_000, ..Config::with_cases(CASES) };
    let compared = TestRunner::new(config).run(&vec(step::any(), 1..60), |steps| {
        block_on(async {
            let mut comparison = Comparison { store: open(), model: Obvious::default(), now: 0 };
            for step in steps {
                comparison.take(step).await;
            }
            let expected = comparison.model.everything();
            assert_eq!(without_cursors(comparison.store.everything().await), expected);
        });
        Ok(())
    });
    if let Err(failed) = compared {
        panic!("{failed}");
    }
}

/// What a cursor's number is, is the store's affair.
fn without_cursors(mut everything: Everything) -> Everything {
    for event in &mut everything.events {
        event.cursor = Cursor::START;
    }
    everything
}

struct Comparison {
    store: Subject,
    model: Obvious,
    now: i64,
}

impl Comparison {
    fn now(&self) -> Timestamp {
        at(self.now)
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Wait { seconds } => self.now += i64::from(seconds),
            Step::Submit { events, requests } => {
                let (events, jobs) = (self.events(events), self.jobs(&requests));
                let answer = self.store.submit(events.clone(), jobs.clone()).await.expect("submit");
                assert_eq!(answer, self.model.submit(events, jobs));
            }
            Step::Claim { worker: by, names, limit } => {
                let names = names.iter().map(|name| (*name).into()).collect();
                let claim = Claim { worker: worker(by), names, limit, now: self.now() };
                let claimed = self.store.claim(claim.clone()).await.expect("claim");
                assert_eq!((claimed.jobs, claimed.next_due), self.model.claim(&claim));
            }
            Step::Renew { worker: by, seconds } => {
                let until = at(self.now + i64::from(seconds));
                self.store.lease(&worker(by), until).await;
                self.model.renew(&worker(by), until);
            }
            Step::Lapsed { limit } => {
                let lapsed = self.store.lapsed(self.now(), limit).await.expect("lapsed");
                assert_eq!(lapsed, self.model.lapsed(self.now(), limit));
            }
            Step::Commit(end) => {
                let Some(commit) = self.commit_of(&end) else { return };
                let answer = self.store.commit(commit.clone()).await;
                match (answer, self.model.commit(commit)) {
                    (Ok(()), Ok(())) => {}
                    // Where several reasons apply, any may be given.
                    (Err(refusal), Err(reasons)) => {
                        assert!(
                            reasons.contains(&refusal_of(&refusal)),
                            "{refusal:?} is none of {reasons:?}"
                        );
                    }
                    (answer, expected) => panic!("{answer:?}, expected {expected:?}"),
                }
            }
        }
    }

    fn events(&self, count: u8) -> Vec<NewEvent> {
        (0..count).map(|_| NewEvent { emitted_at: self.now(), ..event("sent") }).collect()
    }

    fn jobs(&self, requests: &[Request]) -> Vec<NewJob> {
        let jobs = requests.iter().map(|request| NewJob {
            payload: json(request.payload),
            order_key: request.lane.filter(|_| request.start.is_none()).map(key),
            idempotency_key: request.key.map(key),
            repeatable: request.payload % 2 == 0,
            start: request.start.map(worker),
            created_at: self.now(),
            ..job(request.name)
        });
        jobs.collect()
    }

    /// The commit that a step describes, for one of the jobs that are there.
    fn commit_of(&self, end: &End) -> Option<Commit> {
        let all = &self.model.jobs;
        let running: Vec<_> = all.iter().filter(|(job, _)| job.state == JobState::Running).collect();
        let (job, attempts) = match end.fence {
            Fence::Held | Fence::Lapsed if !running.is_empty() => *end.job.get(&running),
            _ if !all.is_empty() => end.job.get(all),
            _ => return None,
        };
        let last = attempts.last();
        let taken = Taken {
            job: job.clone(),
            worker: last.map_or_else(|| worker("w"), |attempt| attempt.worker.clone()),
            started_at: last.map_or(self.now(), |attempt| attempt.started_at),
        };
        let taken = match end.fence {
            Fence::AnotherWorker => Taken { worker: worker("stranger"), ..taken },
            Fence::AnotherAttempt => {
                let mut taken = taken;
                taken.job.attempts += 1;
                taken
            }
            _ => taken,
        };
        let failure = match end.next {
            step::Next::Succeed => None,
            _ => Some(Failure::denied("no")),
        };
        Some(Commit {
            job: job.id,
            attempt: Attempt { ended_at: Some(self.now()), failure, ..taken.ended() },
            lapsed_at: (end.fence == Fence::Lapsed).then(|| self.now()),
            next: match end.next {
                step::Next::Succeed => Next::Succeeded(json("done")),
                step::Next::Fail => Next::Failed,
                step::Next::Retry { seconds } => Next::Retry(at(self.now + i64::from(seconds))),
            },
            write: end.write.map(|(id, expected)| {
                let found = self.model.version(&account(id));
                EntityWrite { key: account(id), expected: expected.unwrap_or(found), body: json(found) }
            }),
            events: self.events(end.events),
            jobs: self.jobs(&end.requests),
        })
    }
}

fn refusal_of(error: &CommitError) -> Refusal {
    match *error {
        CommitError::Fenced => Refusal::Fenced,
        CommitError::Conflict { found } => Refusal::Conflict(found),
        CommitError::Mismatch { staged, existing } => Refusal::Mismatch(staged, existing),
        CommitError::Store(ref error) => panic!("{error}"),
    }
}
