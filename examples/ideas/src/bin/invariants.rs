//! Invariants with reasons: an invariant that returns a `Result` says why it does not hold. All violated invariants are reported
//! together.
//!
//! ```text
//! Ok(())
//! violated: floor_load, ceiling_height
//!   floor_load: the crates weigh 1300 kg; the floor bears 1000 kg
//!   ceiling_height: The stack does not touch the ceiling.
//! ```

use enact::MemoryStore;
use enact::prelude::*;

/// A stack of crates in a warehouse.
#[entity]
struct Stack {
    id: u32,
    crates: u32,
}

/// Add crates of 50 kg to a stack.
#[command(target = stack)]
struct AddCrates {
    stack: u32,
    crates: u32,
}

impl From<&AddCrates> for Stack {
    fn from(add: &AddCrates) -> Self {
        Self { id: add.stack, crates: 0 }
    }
}

#[command(create = if_missing)]
async fn add_crates(add: AddCrates, stack: &mut Stack) {
    stack.crates += add.crates;
}

/// The floor bears the stack.
#[invariant]
fn floor_load(stack: &Stack) -> Result<(), String> {
    let kilograms = stack.crates * 50;
    if kilograms <= 1000 {
        return Ok(());
    }
    Err(format!("the crates weigh {kilograms} kg; the floor bears 1000 kg"))
}

/// The stack does not touch the ceiling.
#[invariant]
fn ceiling_height(stack: &Stack) -> bool {
    stack.crates < 25
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let warehouse = Runtime::builder(MemoryStore::new()).start().await?;

    println!("{:?}", warehouse.execute(AddCrates { stack: 1, crates: 6 }).await);
    if let Err(failure) = warehouse.execute(AddCrates { stack: 1, crates: 20 }).await {
        let codes: Vec<_> = failure.violations().iter().map(enact::Violation::code).collect();
        println!("{}: {}", failure.kind(), codes.join(", "));
        for violation in failure.violations() {
            println!("  {}: {}", violation.code(), violation.message());
        }
    }
    Ok(())
}
