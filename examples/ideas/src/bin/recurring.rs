//! Commands that recur: a handler says when, and each tick is one job, however many processes share the store. Here a clock is
//! driven by hand, and a night passes quickly.
//!
//! ```text
//! the books of 2029-12-31 are closed
//! the books of 2030-01-01 are closed
//! the books of 2030-01-02 are closed
//! the office was closed for two nights
//! the books of 2030-01-03 are closed
//! the books of 2030-01-04 are closed
//! ```

use enact::MemoryStore;
use enact::clock::ManualClock;
use enact::prelude::*;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Close the books of a day.
#[command]
struct CloseBooks {
    day: String,
}

/// Those of the day before.
impl From<Tick> for CloseBooks {
    fn from(tick: Tick) -> Self {
        let day = tick.scheduled_at() - DAY;
        Self { day: day.strftime("%F").to_string() }
    }
}

const DAY: Duration = Duration::from_hours(24);

/// Where closed books go.
type Archive = UnboundedSender<String>;

/// At three in the morning, UTC. Each day has books of its own, so nights that were missed are made up for, one by one.
#[command(cron = "0 3 * * *", missed = Missed::All)]
async fn close_books(close: CloseBooks, archive: Arc<Archive>) {
    let _nobody_reads = archive.send(close.day);
}

async fn open_office(store: &MemoryStore, clock: &ManualClock) -> Result<Office, Box<dyn std::error::Error>> {
    let (archive, closed) = unbounded_channel();
    let builder = Runtime::builder(store.clone()).clock(clock.clone()).provide(Arc::new(archive));
    Ok(Office { runtime: builder.concurrency(1).start().await?, closed })
}

struct Office {
    runtime: Runtime,
    closed: UnboundedReceiver<String>,
}

impl Office {
    async fn read(&mut self) {
        if let Some(day) = self.closed.recv().await {
            println!("the books of {day} are closed");
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, clock) = (MemoryStore::new(), ManualClock::at("2030-01-01T12:00:00Z".parse()?));
    let mut office = open_office(&store, &clock).await?;

    // Whoever wants to can still ask for it, as for any command.
    office.runtime.execute(CloseBooks { day: "2029-12-31".to_owned() }).await?;
    office.read().await;
    for _night in 0..2 {
        clock.advance(DAY);
        office.read().await;
    }
    office.runtime.shutdown(DAY).await?;

    clock.advance(2 * DAY);
    println!("the office was closed for two nights");
    let mut office = open_office(&store, &clock).await?;
    office.read().await;
    office.read().await;
    Ok(())
}
