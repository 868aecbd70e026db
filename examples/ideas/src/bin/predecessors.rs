//! Predecessors: with `.after(job)`, a job runs once its predecessors have succeeded. If one of them fails, the job keeps waiting,
//! because the operator can retry the failed one.
//!
//! ```text
//! built the walls
//! BuildRoof is failed, MoveIn is waiting
//! built the roof
//! moved in
//! ```

use std::sync::atomic::{AtomicBool, Ordering};

use enact::MemoryStore;
use enact::prelude::*;

/// Build the walls.
#[command]
struct BuildWalls {}

/// Build the roof.
#[command]
struct BuildRoof {}

/// Move into the house.
#[command]
struct MoveIn {}

/// Whether tiles are in stock.
#[derive(Default)]
struct Tiles(AtomicBool);

#[command]
async fn build_walls(_: BuildWalls) {
    println!("built the walls");
}

#[command]
async fn build_roof(_: BuildRoof, tiles: Arc<Tiles>) -> Result<(), String> {
    if !tiles.0.load(Ordering::Relaxed) {
        return Err("no tiles in stock".to_owned());
    }
    println!("built the roof");
    Ok(())
}

#[command]
async fn move_in(_: MoveIn) {
    println!("moved in");
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tiles = Arc::new(Tiles::default());
    let site = Runtime::builder(MemoryStore::new()).provide(tiles.clone()).start().await?;

    let walls = site.publish(BuildWalls {}).await?;
    let roof = site.publish(BuildRoof {}).after(&walls).await?;
    let move_in = site.publish(MoveIn {}).after(&walls).after(&roof).await?;
    let _failure = roof.outcome().await;
    println!("BuildRoof is {}, MoveIn is {}", roof.state().await?, move_in.state().await?);

    tiles.0.store(true, Ordering::Relaxed);
    site.jobs().retry(roof.id()).await?;
    move_in.outcome().await?;
    Ok(())
}
