//! Log lines for ticks whose command is refused or panics (r38). The subscriber is global, so this test has a process of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::lines::Lines;
use common::{World, until};
use enact::prelude::*;

/// A command that is invalid at odd minutes and panics at every fourth.
#[command(name = "moody")]
struct Moody {
    #[schemars(range(max = 0))]
    odd: i64,
}

impl From<Tick> for Moody {
    fn from(tick: Tick) -> Self {
        let minute = tick.scheduled_at().as_second() / 60;
        assert!(minute % 4 != 0, "fails at every fourth minute");
        Self { odd: minute % 2 }
    }
}

#[command(every = MINUTE, missed = Missed::All)]
async fn moody(_: Moody) {}

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn r38_the_log_names_a_command_that_is_refused_or_panics_at_its_tick() {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
    let world = World::memory();
    let _runtime = world.builder().start().await.unwrap();
    let line = |text: &str| lines.text().lines().find(|line| line.contains(text)).map(str::to_owned);
    until("the refusal and the panic are logged", async || {
        world.advance(MINUTE / 4);
        line("is refused").is_some() && line("a panic").is_some()
    })
    .await;
    let refused = line("is refused").unwrap();
    for part in ["ERROR", "command=moody", "tick=2030-01-01T00:0", "/odd"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let panicked = line("a panic").unwrap();
    assert!(panicked.contains("command=moody") && panicked.contains("tick=2030-01-01T00:0"), "{panicked}");

    // A schedule that pauses says so, once, and one that the clock has left far ahead.
    let now = world.now();
    world.clock.set(now - 5 * MINUTE);
    until("the pause is logged", async || {
        world.advance(Duration::from_secs(1));
        line("the schedule pauses").is_some()
    })
    .await;
    world.advance(Duration::from_secs(1));
    common::settle().await;
    assert_eq!(lines.text().matches("the schedule pauses").count(), 1);
    world.clock.set(now - 500 * MINUTE);
    until("it is logged that the schedule continues", async || {
        world.advance(Duration::from_secs(1));
        line("continuing from now").is_some()
    })
    .await;
    let far = line("continuing from now").unwrap();
    assert!(far.contains("WARN") && far.contains("command=moody") && far.contains("last_tick=2030"), "{far}");
}
