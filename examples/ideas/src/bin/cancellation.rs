//! Cancellation: a job that is called off never runs, or is told while it runs; whatever it does then, nothing of it is committed.
//! What was to come after it is called off with it.
//!
//! ```text
//! baking
//! the oven is turned off
//! Bake is cancelled: Err(cancelled (cancelled): the job was cancelled)
//! Frost is cancelled: Err(cancelled (cancelled): the job was cancelled)
//! 0 cakes were baked
//! ```

use enact::MemoryStore;
use enact::prelude::*;
use enact::store::Cursor;
use tokio::sync::Notify;

/// Bake a cake, which takes its time.
#[command]
struct Bake {}

/// Frost a cake.
#[command]
struct Frost {}

/// A cake was baked.
#[event]
struct Baked {}

/// Told when something is in the oven.
#[derive(Default)]
struct Oven(Notify);

#[command]
async fn bake(_: Bake, oven: Arc<Oven>) {
    emit(Baked {});
    println!("baking");
    oven.0.notify_one();
    // A handler that does not listen would bake to the end. Its commit would be refused all the same.
    tokio::select! {
        () = tokio::time::sleep(Duration::from_hours(1)) => {}
        () = context().cancelled() => println!("the oven is turned off"),
    }
}

#[command]
async fn frost(_: Frost) {
    println!("frosting");
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let oven = Arc::new(Oven::default());
    let bakery = Runtime::builder(MemoryStore::new()).provide(oven.clone()).start().await?;

    let cake = bakery.publish(Bake {}).await?;
    let frosting = bakery.publish(Frost {}).after(&cake).await?;
    oven.0.notified().await;
    bakery.jobs().cancel(cake.id()).await?;
    // What runs may end, and does so at once.
    bakery.shutdown(Duration::from_secs(10)).await?;

    for job in [cake, frosting] {
        let record = job.job().await?;
        println!("{} is {}: {:?}", record.name, record.state, job.outcome().await);
    }
    println!("{} cakes were baked", bakery.events().list(Cursor::START, 10).await?.len());
    Ok(())
}
