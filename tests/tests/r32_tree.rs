//! The whole job tree is found from any of its jobs (r32).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{World, jobs, on_every_store, reaches};
use enact::prelude::*;
use enact::{CorrelationId, JobId, JobQuery};

/// Begin a story.
#[command]
struct Begin {
    chapters: u32,
}

/// A story has begun.
#[event]
struct Begun {
    chapters: u32,
}

#[command]
async fn begin_story(begin: Begin) {
    emit(Begun { chapters: begin.chapters });
    publish(Title {});
}

#[event_handler]
async fn write_chapters(begun: Begun) {
    for number in 1..=begun.chapters {
        publish(Chapter { number });
    }
}

#[event_handler]
async fn announce(_: Begun) {}

/// Write a chapter.
#[command]
struct Chapter {
    number: u32,
}

#[command]
async fn chapter(chapter: Chapter) -> Result<(), String> {
    if chapter.number == 13 { Err("unlucky".to_owned()) } else { Ok(()) }
}

/// Find a title.
#[command]
struct Title {}

#[command]
async fn title(_: Title) {}

async fn tree(runtime: &Runtime, correlation: &CorrelationId) -> Vec<String> {
    let nodes = runtime.jobs().tree(correlation).await.unwrap();
    nodes.iter().map(|node| format!("{}{}", "  ".repeat(node.depth), node.job.name)).collect()
}

async fn all_succeed(runtime: &Runtime, count: usize) {
    common::until("all jobs have ended", async || {
        let jobs = jobs(runtime).await;
        jobs.len() == count && jobs.iter().all(|job| job.state == JobState::Succeeded)
    })
    .await;
}

async fn r32_the_whole_tree_is_found_from_any_job(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let root: JobId = runtime.publish(Begin { chapters: 2 }).await.unwrap().id();
    runtime.publish(Title {}).await.unwrap();
    all_succeed(&runtime, 7).await;
    let expected = ["Begin", "  Title", "  announce", "  write_chapters", "    Chapter", "    Chapter"];
    for job in jobs(&runtime).await.iter().filter(|job| job.correlation.as_str() == root.to_string()) {
        assert_eq!(tree(&runtime, &job.correlation).await, expected, "from {}", job.name);
    }
}

async fn r32_a_correlation_may_have_several_roots(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let seed = || ContextSeed::new().with_correlation("correlation");
    for _ in 0..2 {
        let job = runtime.scope(seed(), async { runtime.publish(Title {}).await }).await.unwrap();
        reaches(&runtime, job.id(), JobState::Succeeded).await;
    }
    assert_eq!(tree(&runtime, &CorrelationId::new("correlation")).await, ["Title", "Title"]);
    assert!(tree(&runtime, &CorrelationId::new("unknown")).await.is_empty());
}

async fn r32_a_job_whose_cause_was_deleted_is_a_root(world: World) {
    let runtime = world.builder().start().await.unwrap();
    let root = runtime.publish(Begin { chapters: 13 }).await.unwrap();
    common::until("all jobs have ended", async || {
        let jobs = jobs(&runtime).await;
        jobs.len() == 17 && jobs.iter().all(|job| job.state.has_ended())
    })
    .await;
    world.advance(Duration::from_hours(1));
    runtime.jobs().prune(&enact::Retention::new().succeeded(Duration::from_secs(1))).await.unwrap();
    assert_eq!(tree(&runtime, &CorrelationId::new(root.id().to_string())).await, ["Chapter"]);
}

async fn r32_a_chain_of_three_thousand_jobs_is_a_tree(world: World) {
    let runtime = world.builder().max_chain(3000).start().await.unwrap();
    let first = runtime.publish(Link { left: 3000 }).await.unwrap();
    let latest = JobQuery::new().latest_first().limit(1);
    for depth in [1000, 2000, 3000] {
        common::until("the chain has grown", async || {
            runtime.jobs().list(&latest).await.unwrap().jobs[0].depth >= depth
        })
        .await;
    }
    let nodes = runtime.jobs().tree(&CorrelationId::new(first.id().to_string())).await.unwrap();
    assert_eq!(nodes.len(), 3001);
    assert_eq!(nodes[3000].depth, 3000);
}

/// Add a link.
#[command]
struct Link {
    left: u32,
}

#[command]
async fn link(link: Link) {
    if link.left > 0 {
        publish(Link { left: link.left - 1 });
    }
}

on_every_store!(
    r32_the_whole_tree_is_found_from_any_job,
    r32_a_correlation_may_have_several_roots,
    r32_a_job_whose_cause_was_deleted_is_a_root,
    r32_a_chain_of_three_thousand_jobs_is_a_tree,
);
