//! A runtime without a worker leaves to others what is published; and handlers go through all entities of a type (r14).
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

/// Count.
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

/// Name the counters, so many at a time.
#[command]
struct NameAll {
    page: usize,
}

#[command]
async fn name_all(all: NameAll, counters: Repository<Counter>) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = Vec::new();
    loop {
        let page = counters.list(names.last(), all.page).await?;
        if page.is_empty() {
            return Ok(names);
        }
        names.extend(page.into_iter().map(|counter| counter.id));
    }
}

fn of(counter: &str) -> Count {
    Count { counter: counter.to_owned() }
}

async fn it_runs_nothing_that_is_published_and_nothing_by_itself(world: World) {
    let builder = world.builder().retention(Retention::new().ended(MINUTE));
    let office = builder.without_worker().start().await.unwrap();
    let executed = office.execute(of("a")).await;
    assert_eq!(executed, Ok(()), "what is executed runs here");
    let published = office.publish(of("b")).await.unwrap();
    for _ in 0..3 {
        settle().await;
        world.advance(10 * MINUTE);
    }
    settle().await;
    assert_eq!(state(&office, published.id()).await, JobState::Ready);
    assert_eq!(jobs_of(&office, "Wind").await.len(), 0, "no schedule ticks");
    assert_eq!(jobs_of(&office, "Count").await.len(), 2, "nothing is deleted");

    let works = world.builder().start().await.unwrap();
    reaches(&works, published.id(), JobState::Succeeded).await;
    office.shutdown(MINUTE).await.unwrap();
}

async fn a_handler_goes_through_all_entities_of_a_type(world: World) {
    let runtime = world.builder().start().await.unwrap();
    for counter in ["c", "a", "b"] {
        runtime.execute(of(counter)).await.unwrap();
    }
    for page in [1, 2, 3, 10] {
        assert_eq!(runtime.execute(NameAll { page }).await.unwrap(), ["a", "b", "c"]);
    }
}

on_every_store!(
    it_runs_nothing_that_is_published_and_nothing_by_itself,
    a_handler_goes_through_all_entities_of_a_type,
);
