//! Who asks: a boundary says it once, in a seed, and it crosses into every job that follows from the request. The helpers
//! in `enact::auth` ask for it.
//!
//! ```text
//! denied (missing_role): this needs the role `teller`, which bob does not have
//! ada of the north branch has paid out 500 cents
//! the audit of the north branch has paid out 1 cents
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

/// Money has been paid out.
#[event]
struct PaidOut {
    cents: u32,
}

#[command]
async fn pay_out(payment: PayOut) -> Result<(), Failure> {
    require_role("teller")?;
    emit(PaidOut { cents: payment.cents });
    // A second one, in somebody else's name.
    with_identity(Identity::user("the audit"), async { emit(PaidOut { cents: 1 }) }).await;
    Ok(())
}

/// Its job runs later, and knows who asked for the first one.
#[event_handler]
async fn note(
    event: PaidOut,
    who: Identity,
    context: ExecutionContext,
    journal: Arc<UnboundedSender<String>>,
) -> Result<(), Failure> {
    let branch = context.tenant().unwrap_or("nowhere");
    let line = format!("{} of the {branch} branch has paid out {} cents", who.subject(), event.cents);
    journal.send(line).map_err(|error| Failure::from_error(error.into()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (journal, mut lines) = unbounded_channel::<String>();
    // One job at a time: so the journal has them in order.
    let bank = Runtime::builder(MemoryStore::new()).provide(Arc::new(journal)).concurrency(1).start().await?;
    let north = ContextSeed::new().with_tenant("north");

    let bob = north.clone().with_identity(Identity::user("bob"));
    if let Err(refused) = bank.scope(bob, async { bank.execute(PayOut { cents: 900 }).await }).await {
        println!("{refused:?}");
    }

    let ada = north.with_identity(Identity::user("ada").with_role("teller"));
    bank.scope(ada, async { bank.publish(PayOut { cents: 500 }).await }).await?;
    for _ in 0..2 {
        println!("{}", lines.recv().await.unwrap_or_default());
    }
    Ok(())
}
