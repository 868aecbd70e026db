//! A relay: committed events stay readable in commit order behind a cursor, to be passed on to another system at least once.
//!
//! ```text
//! passes on Measured {"celsius":20}
//! passes on Measured {"celsius":21}
//! passes on Measured {"celsius":22}
//! … and dies before it has noted that
//! passes on Measured {"celsius":22}
//! passes on Measured {"celsius":23}
//! the other system knows 4 events
//! ```

use std::collections::BTreeSet;

use enact::prelude::*;
use enact::store::{Cursor, StoredEvent};
use enact::{EventId, MemoryStore};

/// A temperature has been measured.
#[event]
struct Measured {
    celsius: i32,
}

/// Who receives the events: it knows each by its id, so a second delivery changes nothing.
#[derive(Default)]
struct OtherSystem(BTreeSet<EventId>);

impl OtherSystem {
    fn receive(&mut self, event: &StoredEvent) {
        println!("passes on {} {}", event.name, event.payload);
        self.0.insert(event.id);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let station = Runtime::builder(MemoryStore::new()).start().await?;
    let mut other = OtherSystem::default();
    // Kept where it survives: in a file, in the other system.
    let mut noted = Cursor::START.as_u64();

    for celsius in [20, 21, 22] {
        station.emit(Measured { celsius }).await?;
    }
    for event in station.events().list(Cursor::from_u64(noted), 2).await? {
        other.receive(&event);
        noted = event.cursor.as_u64();
    }
    for event in station.events().list(Cursor::from_u64(noted), 2).await? {
        other.receive(&event);
        println!("… and dies before it has noted that");
    }

    station.emit(Measured { celsius: 23 }).await?;
    for event in station.events().list(Cursor::from_u64(noted), 10).await? {
        other.receive(&event);
    }
    println!("the other system knows {} events", other.0.len());
    Ok(())
}
