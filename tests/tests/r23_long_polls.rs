//! The log names handlers that hold their thread (r23). The subscriber is global, so this test has a process of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::io::{self, Write};
use std::sync::{Condvar, Mutex};

use common::{World, until};
use enact::clock::{ManualClock, SystemClock};
use enact::prelude::*;

/// Block the thread until the log says so.
#[command(name = "block", alias = "formerly_block")]
struct Block {}

#[command]
async fn block(_: Block, lines: Arc<Lines>) {
    lines.wait_for("the handler holds its thread");
}

/// Take some time in one poll.
#[event]
struct Computed {
    millis: u64,
}

#[event_handler(name = "compute")]
async fn compute(computed: Computed, clock: Arc<ManualClock>) {
    tokio::task::yield_now().await;
    clock.advance(Duration::from_millis(computed.millis));
    tokio::task::yield_now().await;
}

/// The log output.
#[derive(Default)]
struct Lines {
    bytes: Mutex<Vec<u8>>,
    written: Condvar,
}

impl Lines {
    fn lines(&self, text: &str) -> Vec<String> {
        let bytes = self.bytes.lock().unwrap().clone();
        let lines = String::from_utf8(bytes).unwrap();
        lines.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }

    /// Blocks until a line contains a text.
    fn wait_for(&self, text: &str) {
        let contains = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(text);
        let bytes = self.bytes.lock().unwrap();
        let patience = Duration::from_secs(15);
        drop(self.written.wait_timeout_while(bytes, patience, |bytes| !contains(bytes)).unwrap());
    }
}

struct Writer(Arc<Lines>);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.bytes.lock().unwrap().extend_from_slice(bytes);
        self.0.written.notify_all();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn r23_the_log_names_a_handler_that_holds_its_thread() {
    let lines = Arc::<Lines>::default();
    let writer = lines.clone();
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || Writer(writer.clone())).init();
    common::run_test(World::memory(), async |world| {
        // While the thread is still blocked, and the first time is the only one for a minute.
        let clock = Arc::new(world.clock.clone());
        let builder = world.builder().clock(SystemClock).provide(lines.clone()).provide(clock.clone());
        let blocking = builder.start().await.unwrap();
        blocking.execute(Block {}).await.unwrap();
        blocking.execute(Block {}).await.unwrap();
        let blocked = lines.lines("handler=\"block\"");
        let [line] = &*blocked else { panic!("{blocked:?}") };
        let source = format!("source={}:", file!());
        for part in
            ["WARN", "the handler holds its thread", &source, "attempt=1", "polls=1", "spawn_blocking"]
        {
            assert!(line.contains(part), "{part}: {line}");
        }
        blocking.shutdown(Duration::ZERO).await.unwrap();

        // When the poll has returned: how long it took, and how often since the last line.
        let computing = world.builder().provide(lines.clone()).provide(clock).start().await.unwrap();
        let store = world.store();
        let succeeded = async || {
            let counts = store.count_jobs().await.unwrap();
            let succeeded = counts.iter().filter(|count| count.state == JobState::Succeeded);
            succeeded.map(|count| count.count).sum::<u64>()
        };
        let compute = async |millis| {
            let before = succeeded().await;
            computing.emit(Computed { millis }).await.unwrap();
            until("the event is handled", async || succeeded().await == before + 1).await;
        };
        compute(99).await;
        assert!(lines.lines("handler=\"compute\"").is_empty());
        compute(150).await;
        compute(200).await;
        compute(60_000).await;
        let computed = lines.lines("handler=\"compute\"");
        let [first, second] = &*computed else { panic!("{computed:?}") };
        for part in ["WARN", "the handler held its thread", &source, "held=150ms", "polls=1"] {
            assert!(first.contains(part), "{part}: {first}");
        }
        assert!(second.contains("polls=2"), "{second}");
    });
}
