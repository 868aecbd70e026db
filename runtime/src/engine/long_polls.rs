//! Reports handlers that hold their thread: meanwhile it runs nothing else of the program.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use super::engine::Engine;
use super::running_attempts::{AttemptId, RegisteredAttempt};

/// Runs the future of an attempt, and reports its long polls. The future stays where its owner has it: it is large.
pub(super) fn measure<T>(
    engine: &Engine,
    name: &str,
    registered: &RegisteredAttempt<'_>,
    mut attempt: Pin<&mut impl Future<Output = T>>,
) -> impl Future<Output = T> {
    let polls = &*registered.polls;
    poll_fn(move |cx| {
        polls.begin(engine.clock.elapsed());
        let polled = attempt.as_mut().poll(cx);
        if let Some(held) = polls.end(engine.clock.elapsed()) {
            let what = "the handler held its thread, which ran nothing else meanwhile";
            report(engine, registered.id, name, held, what);
        }
        polled
    })
}

/// Reports the attempts whose current poll takes long. This is called on a thread that they cannot block.
pub(super) fn report_current(engine: &Engine, now: Duration) {
    for (id, name, held) in engine.running.select(|polls| polls.current(now)) {
        let what = "the handler holds its thread, which runs nothing else meanwhile";
        report(engine, id, &name, held, what);
    }
}

fn report(engine: &Engine, id: AttemptId, name: &str, held: Duration, what: &str) {
    let Some((handler, source)) = engine.wiring.handler(name) else { return };
    let Some(polls) = engine.long_polls.to_report(handler, engine.clock.elapsed()) else { return };
    tracing::warn!(
        handler, %source, job = %id.job, attempt = id.number, ?held, polls,
        "{what}; run what blocks or computes for long in `tokio::task::spawn_blocking`"
    );
}
