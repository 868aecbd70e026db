//! The wiring: the whole domain as data, printed as a tree. It is also available as a Mermaid flowchart (`to_mermaid()`) and as
//! JSON (serde).
//!
//! ```text
//! Commands
//!
//! Lend: Lend a book to a reader.
//! └─ entity Book by `book`, created if missing
//!       checks on_shelf
//!
//! TakeBack: Take a book back.
//! │  up to 3 attempts, 1s apart
//! └─ entity Book by `book`, must exist
//!    └─ event BookReturned: A book was returned.
//!       └─ handler pass_on
//!          │  uses dyn WaitingList
//!          └─ command Lend
//!
//! Entities
//!
//! Book
//! └─ on_shelf, before Lend: A book is lent to one reader at a time.
//! ```

use enact::MemoryStore;
use enact::prelude::*;

/// A library book.
#[entity]
struct Book {
    id: u32,
    lent_to: Option<String>,
}

/// Lend a book to a reader.
#[command(target = book)]
struct Lend {
    book: u32,
    reader: String,
}

/// Take a book back.
#[command(target = book)]
struct TakeBack {
    book: u32,
}

/// A book was returned.
#[event]
struct BookReturned {
    book: u32,
}

/// A book is lent to one reader at a time.
#[invariant(when = Lend)]
fn on_shelf(book: &Book) -> bool {
    book.lent_to.is_none()
}

impl From<&Lend> for Book {
    fn from(lend: &Lend) -> Self {
        Self { id: lend.book, lent_to: None }
    }
}

#[command(create = if_missing)]
async fn lend(lend: Lend, book: &mut Book) {
    book.lent_to = Some(lend.reader);
}

#[command(retry = Retry::fixed(3, Duration::from_secs(1)))]
async fn take_back(returned: TakeBack, book: &mut Book) {
    book.lent_to = None;
    emit(BookReturned { book: returned.book });
}

/// The readers who wait for a book.
trait WaitingList: Send + Sync {
    fn next(&self, book: u32) -> Option<String>;
}

#[event_handler]
async fn pass_on(event: BookReturned, waiting: Arc<dyn WaitingList>) {
    if let Some(reader) = waiting.next(event.book) {
        publish(Lend { book: event.book, reader });
    }
}

struct NoReaders;

impl WaitingList for NoReaders {
    fn next(&self, _book: u32) -> Option<String> {
        None
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = Runtime::builder(MemoryStore::new()).provide::<dyn WaitingList>(Arc::new(NoReaders));
    print!("{}", builder.start().await?.wiring());
    Ok(())
}
