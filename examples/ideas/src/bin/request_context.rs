//! The caller's context: the boundary sets the identity and the tenant once, in a seed, and they are passed on to every job that
//! the request causes. The helpers in `enact::auth` check them.
//!
//! ```text
//! denied (missing_role): the role `teller` is required, and bob does not have it
//! ada (north) paid out 500 cents
//! audit (north) paid out 1 cents
//! ```

use enact::MemoryStore;
use enact::auth::{require_role, with_identity};
use enact::prelude::*;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Pay out money.
#[command]
struct PayOut {
    cents: u32,
}

/// Money was paid out.
#[event]
struct PaidOut {
    cents: u32,
}

#[command]
async fn pay_out(payment: PayOut) -> Result<(), Failure> {
    require_role("teller")?;
    emit(PaidOut { cents: payment.cents });
    // A second event, under another identity.
    with_identity(Identity::user("audit"), async { emit(PaidOut { cents: 1 }) }).await;
    Ok(())
}

/// Runs in a job of its own, with the identity under which the event was emitted.
#[event_handler]
async fn record(
    event: PaidOut,
    identity: Identity,
    context: ExecutionContext,
    journal: Arc<UnboundedSender<String>>,
) -> Result<(), Failure> {
    let branch = context.tenant().unwrap_or("no branch");
    let line = format!("{} ({branch}) paid out {} cents", identity.subject(), event.cents);
    journal.send(line).map_err(|error| Failure::from_error(error.into()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (journal, mut lines) = unbounded_channel::<String>();
    // One job at a time, so that the journal is in order.
    let bank = Runtime::builder(MemoryStore::new()).provide(Arc::new(journal)).concurrency(1).start().await?;
    let north = ContextSeed::new().with_tenant("north");

    let bob = north.clone().with_identity(Identity::user("bob"));
    if let Err(failure) = bank.scope(bob, async { bank.execute(PayOut { cents: 900 }).await }).await {
        println!("{failure:?}");
    }

    let ada = north.with_identity(Identity::user("ada").with_role("teller"));
    bank.scope(ada, async { bank.publish(PayOut { cents: 500 }).await }).await?;
    for _ in 0..2 {
        println!("{}", lines.recv().await.unwrap_or_default());
    }
    Ok(())
}
