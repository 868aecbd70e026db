//! A workflow over several entities: one execution writes one entity, and events lead from one to the next. Each step is
//! committed together with the job of the next, so a crash between two loses nothing.
//!
//! ```text
//! seat 7 is for ada
//! seat 7 is not for bob
//! BookSeat, to_the_guest, Answer
//! ```

use enact::prelude::*;
use enact::store::JobQuery;
use enact::{CorrelationId, MemoryStore};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Nothing on the way to the end gives up early.
const STEADILY: Retry = Retry::exponential(10, Duration::from_millis(10));

/// A seat on the boat.
#[entity]
struct Seat {
    id: u32,
    taken: bool,
}

/// Somebody's wish to go along.
#[entity(id = who)]
struct Booking {
    who: String,
    granted: bool,
}

/// Ask for a seat.
#[command(target = seat)]
struct BookSeat {
    seat: u32,
    who: String,
}

impl From<&BookSeat> for Seat {
    fn from(booking: &BookSeat) -> Self {
        Self { id: booking.seat, taken: false }
    }
}

/// A seat was asked for. That it was taken is an outcome, and no failure: something follows from it.
#[event]
struct SeatAskedFor {
    seat: u32,
    who: String,
    granted: bool,
}

#[command(create = if_missing)]
async fn book_seat(booking: BookSeat, seat: &mut Seat) {
    emit(SeatAskedFor { seat: seat.id, who: booking.who, granted: !seat.taken });
    seat.taken = true;
}

#[event_handler(retry = STEADILY)]
async fn to_the_guest(event: SeatAskedFor) {
    publish(Answer { who: event.who, seat: event.seat, granted: event.granted });
}

/// Put the answer on somebody's record.
#[command(target = who)]
struct Answer {
    who: String,
    seat: u32,
    granted: bool,
}

impl From<&Answer> for Booking {
    fn from(answer: &Answer) -> Self {
        Self { who: answer.who.clone(), granted: false }
    }
}

#[command(create = if_missing, retry = STEADILY)]
async fn answer(answer: Answer, booking: &mut Booking, letters: Arc<UnboundedSender<String>>) {
    booking.granted = answer.granted;
    let is = if answer.granted { "is" } else { "is not" };
    // Whether somebody still listens makes no difference to the booking.
    let _ = letters.send(format!("seat {} {is} for {}", answer.seat, answer.who));
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (letters, mut letterbox) = unbounded_channel::<String>();
    let boat = Runtime::builder(MemoryStore::new()).provide(Arc::new(letters)).start().await?;

    for who in ["ada", "bob"] {
        let seed = ContextSeed::new().with_correlation(format!("trip of {who}"));
        let booking = BookSeat { seat: 7, who: who.to_owned() };
        boat.scope(seed, async { boat.publish(booking).await }).await?;
        println!("{}", letterbox.recv().await.unwrap_or_default());
    }

    // The whole tree of one matter.
    let matter = CorrelationId::new("trip of ada");
    let jobs = boat.jobs().list(&JobQuery { correlation: Some(matter), ..JobQuery::default() }).await?.jobs;
    let names: Vec<_> = jobs.iter().map(|job| &*job.name).collect();
    println!("{}", names.join(", "));
    Ok(())
}
