//! Cancellation: a cancelled job commits nothing. A job that waits never runs, and a running one is signalled. Jobs that were
//! published to run after it are cancelled as well.
//!
//! ```text
//! baking
//! stopped baking
//! Bake is cancelled: Err(cancelled (cancelled): the job was cancelled)
//! Frost is cancelled: Err(cancelled (cancelled): the job was cancelled)
//! 0 cakes were baked
//! ```

use enact::Cursor;
use enact::MemoryStore;
use enact::prelude::*;
use tokio::sync::Notify;

/// Bake a cake.
#[command]
struct Bake {}

/// Frost a cake.
#[command]
struct Frost {}

/// A cake was baked.
#[event]
struct Baked {}

/// Notified when baking starts.
#[derive(Default)]
struct Oven(Notify);

#[command]
async fn bake(_: Bake, oven: Arc<Oven>) {
    emit(Baked {});
    println!("baking");
    oven.0.notify_one();
    // A handler that ignores the signal runs to its end, and its commit is refused.
    tokio::select! {
        () = tokio::time::sleep(Duration::from_hours(1)) => {}
        () = context().cancelled() => println!("stopped baking"),
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
    // Waits until the handler has returned.
    bakery.shutdown(Duration::from_secs(10)).await?;

    for job in [cake, frosting] {
        let stored = job.job().await?;
        println!("{} is {}: {:?}", stored.name, stored.state, job.outcome().await);
    }
    println!("{} cakes were baked", bakery.events().list(&Cursor::START, 10).await?.len());
    Ok(())
}
