//! Recurring commands: the handler declares a schedule, and each tick is one job, however many processes share the store. This
//! program drives the clock by hand.
//!
//! ```text
//! closed the books of 2029-12-31
//! closed the books of 2030-01-01
//! closed the books of 2030-01-02
//! the program is down for two nights
//! closed the books of 2030-01-03
//! closed the books of 2030-01-04
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

/// Each tick closes the books of the day before.
impl From<Tick> for CloseBooks {
    fn from(tick: Tick) -> Self {
        let day = tick.scheduled_at() - DAY;
        Self { day: day.strftime("%F").to_string() }
    }
}

const DAY: Duration = Duration::from_hours(24);

/// Receives the days whose books are closed.
type Archive = UnboundedSender<String>;

/// Runs at 03:00 UTC. `Missed::All` runs every tick that was missed while no process was up.
#[command(cron = "0 3 * * *", missed = Missed::All)]
async fn close_books(close: CloseBooks, archive: Arc<Archive>) {
    // Fails only once `main` has dropped the receiver.
    let _ = archive.send(close.day);
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
    async fn print_next(&mut self) {
        if let Some(day) = self.closed.recv().await {
            println!("closed the books of {day}");
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, clock) = (MemoryStore::new(), ManualClock::at("2030-01-01T12:00:00Z".parse()?));
    let mut office = open_office(&store, &clock).await?;

    // A recurring command can also be executed like any other.
    office.runtime.execute(CloseBooks { day: "2029-12-31".to_owned() }).await?;
    office.print_next().await;
    for _night in 0..2 {
        clock.advance(DAY);
        office.print_next().await;
    }
    office.runtime.shutdown(DAY).await?;

    clock.advance(2 * DAY);
    println!("the program is down for two nights");
    let mut office = open_office(&store, &clock).await?;
    office.print_next().await;
    office.print_next().await;
    Ok(())
}
