//! A runtime without a worker runs executions only. Also: a handler pages through all entities of a type (r28).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{World, jobs_of, on_every_store, reaches, settle, state};
use enact::Retention;
use enact::prelude::*;

/// A counter.
#[entity]
struct Counter {
    id: String,
    count: u32,
}

/// Increment a counter.
#[command(target = counter)]
struct Count {
    counter: String,
}

impl From<&Count> for Counter {
    fn from(count: &Count) -> Self {
        Self { id: count.counter.clone(), count: 0 }
    }
}

#[command(create = if_missing)]
async fn count(_: Count, counter: &mut Counter) {
    counter.count += 1;
}

/// Wind the clock.
#[command]
struct Wind {}

impl From<Tick> for Wind {
    fn from(_: Tick) -> Self {
        Self {}
    }
}

#[command(every = MINUTE)]
async fn wind(_: Wind) {}

const MINUTE: Duration = Duration::from_mins(1);

/// List the ids of all counters, `page` at a time.
#[command]
struct NameAll {
    page: usize,
}

#[command]
async fn name_all(all: NameAll, counters: Repository<Counter>) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = Vec::new();
    let mut after = None;
    loop {
        let page = counters.list(after.as_ref(), all.page).await?;
        after.clone_from(&page.next);
        names.extend(page.into_iter().map(|counter| counter.id));
        if after.is_none() {
            return Ok(names);
        }
    }
}

fn of(counter: &str) -> Count {
    Count { counter: counter.to_owned() }
}

async fn a_runtime_without_a_worker_runs_no_published_job_no_schedule_and_no_retention(world: World) {
    let builder = world.builder().retention(Retention::new().ended(MINUTE));
    let client = builder.without_worker().start().await.unwrap();
    let executed = client.execute(of("a")).await;
    assert_eq!(executed, Ok(()), "an execution runs here");
    let published = client.publish(of("b")).await.unwrap();
    for _ in 0..3 {
        settle().await;
        world.advance(10 * MINUTE);
    }
    settle().await;
    assert_eq!(state(&client, published.id()).await, JobState::Ready);
    assert_eq!(jobs_of(&client, "Wind").await.len(), 0, "no schedule ticks");
    assert_eq!(jobs_of(&client, "Count").await.len(), 2, "nothing is deleted");

    let worker = world.builder().start().await.unwrap();
    reaches(&worker, published.id(), JobState::Succeeded).await;
    client.shutdown(MINUTE).await.unwrap();
}

async fn r28_a_handler_pages_through_all_entities_of_a_type(world: World) {
    let runtime = world.builder().start().await.unwrap();
    for counter in ["c", "a", "b"] {
        runtime.execute(of(counter)).await.unwrap();
    }
    for page in [1, 2, 3, 10] {
        assert_eq!(runtime.execute(NameAll { page }).await.unwrap(), ["a", "b", "c"]);
    }
}

on_every_store!(
    a_runtime_without_a_worker_runs_no_published_job_no_schedule_and_no_retention,
    r28_a_handler_pages_through_all_entities_of_a_type,
);
