//! Predecessors: `.after(job)` runs a job once others have succeeded, whatever their order. If one of them fails, it waits on,
//! because somebody may mend what was wrong and let that one run again.
//!
//! ```text
//! walls
//! Roof is failed, and MoveIn is waiting
//! roof
//! in we go
//! ```

use std::sync::atomic::{AtomicBool, Ordering};

use enact::MemoryStore;
use enact::prelude::*;

/// Build the walls.
#[command]
struct Walls {}

/// Build the roof.
#[command]
struct Roof {}

/// Move into the house.
#[command]
struct MoveIn {}

/// Whether there are tiles.
#[derive(Default)]
struct Tiles(AtomicBool);

#[command]
async fn walls(_: Walls) {
    println!("walls");
}

#[command]
async fn roof(_: Roof, tiles: Arc<Tiles>) -> Result<(), String> {
    if !tiles.0.load(Ordering::Relaxed) {
        return Err("there are no tiles".to_owned());
    }
    println!("roof");
    Ok(())
}

#[command]
async fn move_in(_: MoveIn) {
    println!("in we go");
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tiles = Arc::new(Tiles::default());
    let site = Runtime::builder(MemoryStore::new()).provide(tiles.clone()).start().await?;

    let walls = site.publish(Walls {}).await?;
    let roof = site.publish(Roof {}).after(&walls).await?;
    let move_in = site.publish(MoveIn {}).after(&walls).after(&roof).await?;
    let _no_tiles = roof.outcome().await;
    println!("Roof is {}, and MoveIn is {}", roof.state().await?, move_in.state().await?);

    tiles.0.store(true, Ordering::Relaxed);
    site.jobs().retry(roof.id()).await?;
    move_in.outcome().await?;
    Ok(())
}
