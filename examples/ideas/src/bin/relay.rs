//! A relay: reads committed events from a cursor, in commit order, and sends them to another system at least once.
//!
//! ```text
//! received Measured {"celsius":20}
//! received Measured {"celsius":21}
//! received Measured {"celsius":22}
//! crash before the cursor is saved
//! received Measured {"celsius":22}
//! received Measured {"celsius":23}
//! the receiver has 4 events
//! ```

use std::collections::BTreeSet;

use enact::prelude::*;
use enact::{Cursor, StoredEvent};
use enact::{EventId, MemoryStore};

/// A temperature was measured.
#[event]
struct Measured {
    celsius: i32,
}

/// The other system. It recognizes events by their ids, so a repeated delivery has no effect.
#[derive(Default)]
struct Receiver(BTreeSet<EventId>);

impl Receiver {
    fn receive(&mut self, event: &StoredEvent) {
        println!("received {} {}", event.name, event.payload);
        self.0.insert(event.id);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let station = Runtime::builder(MemoryStore::new()).start().await?;
    let mut receiver = Receiver::default();
    // A real relay stores this: in a file, or in the other system.
    let mut saved = Cursor::START.to_string();

    for celsius in [20, 21, 22] {
        station.emit(Measured { celsius }).await?;
    }
    for event in station.events().list(&saved.parse()?, 2).await? {
        receiver.receive(&event);
        saved = event.cursor.to_string();
    }
    for event in station.events().list(&saved.parse()?, 2).await? {
        receiver.receive(&event);
        println!("crash before the cursor is saved");
    }

    station.emit(Measured { celsius: 23 }).await?;
    for event in station.events().list(&saved.parse()?, 10).await? {
        receiver.receive(&event);
    }
    println!("the receiver has {} events", receiver.0.len());
    Ok(())
}
