//! A workflow over several entities: one execution writes one entity, and events connect the steps. Each step commits together
//! with the job of the next, so a crash between them loses nothing.
//!
//! ```text
//! seat 7 is granted to ada
//! seat 7 is denied to bob
//! BookSeat, forward_decision, RecordDecision
//! ```

use enact::prelude::*;
use enact::{CorrelationId, MemoryStore};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// The retry policy of the steps after the first.
const RETRY: Retry = Retry::exponential(10, Duration::from_millis(10));

/// A seat on the boat.
#[entity]
struct Seat {
    id: u32,
    taken: bool,
}

/// A guest's booking.
#[entity(id = guest)]
struct Booking {
    guest: String,
    granted: bool,
}

/// Book a seat.
#[command(target = seat)]
struct BookSeat {
    seat: u32,
    guest: String,
}

impl From<&BookSeat> for Seat {
    fn from(book: &BookSeat) -> Self {
        Self { id: book.seat, taken: false }
    }
}

/// A booking was decided. A denied one is an outcome and not a failure, because a step follows from it.
#[event]
struct SeatDecided {
    seat: u32,
    guest: String,
    granted: bool,
}

#[command(create = if_missing)]
async fn book_seat(book: BookSeat, seat: &mut Seat) {
    emit(SeatDecided { seat: seat.id, guest: book.guest, granted: !seat.taken });
    seat.taken = true;
}

#[event_handler(retry = RETRY)]
async fn forward_decision(event: SeatDecided) {
    publish(RecordDecision { guest: event.guest, seat: event.seat, granted: event.granted });
}

/// Record the decision in the guest's booking.
#[command(target = guest)]
struct RecordDecision {
    guest: String,
    seat: u32,
    granted: bool,
}

impl From<&RecordDecision> for Booking {
    fn from(decision: &RecordDecision) -> Self {
        Self { guest: decision.guest.clone(), granted: false }
    }
}

#[command(create = if_missing, retry = RETRY)]
async fn record_decision(
    decision: RecordDecision,
    booking: &mut Booking,
    messages: Arc<UnboundedSender<String>>,
) {
    booking.granted = decision.granted;
    let granted = if decision.granted { "granted" } else { "denied" };
    // Fails only once `main` has dropped the receiver.
    let _ = messages.send(format!("seat {} is {granted} to {}", decision.seat, decision.guest));
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (messages, mut receiver) = unbounded_channel::<String>();
    let boat = Runtime::builder(MemoryStore::new()).provide(Arc::new(messages)).start().await?;

    for guest in ["ada", "bob"] {
        let seed = ContextSeed::new().with_correlation(format!("booking of {guest}"));
        let command = BookSeat { seat: 7, guest: guest.to_owned() };
        boat.scope(seed, async { boat.publish(command).await }).await?;
        println!("{}", receiver.recv().await.unwrap_or_default());
    }

    // All jobs of one booking share its correlation id.
    let correlation = CorrelationId::new("booking of ada");
    let jobs = boat.jobs().list(&JobQuery::new().correlation(correlation)).await?.jobs;
    let names: Vec<_> = jobs.iter().map(|job| &*job.name).collect();
    println!("{}", names.join(", "));
    Ok(())
}
