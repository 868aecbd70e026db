//! Invariants that answer with a reason: a `Result` says more particularly than a `bool` what does not hold, and all that do
//! not hold are reported together.
//!
//! ```text
//! Ok(())
//! violated, because of floor_holds, below_the_ceiling
//!   floor_holds: it would weigh 1300 kg, and the floor bears 1000 kg
//!   below_the_ceiling: Nothing touches the ceiling.
//! ```

use enact::MemoryStore;
use enact::prelude::*;

/// A place in a warehouse.
#[entity]
struct Place {
    id: u32,
    crates: u32,
}

/// Put crates of 50 kg on top of what is there.
#[command(target = place)]
struct Stack {
    place: u32,
    crates: u32,
}

impl From<&Stack> for Place {
    fn from(stack: &Stack) -> Self {
        Self { id: stack.place, crates: 0 }
    }
}

#[command(create = if_missing)]
async fn stack(stack: Stack, place: &mut Place) {
    place.crates += stack.crates;
}

/// The floor holds.
#[invariant]
fn floor_holds(place: &Place) -> Result<(), String> {
    let kilograms = place.crates * 50;
    if kilograms <= 1000 {
        return Ok(());
    }
    Err(format!("it would weigh {kilograms} kg, and the floor bears 1000 kg"))
}

/// Nothing touches the ceiling.
#[invariant]
fn below_the_ceiling(place: &Place) -> bool {
    place.crates < 25
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let warehouse = Runtime::builder(MemoryStore::new()).start().await?;

    println!("{:?}", warehouse.execute(Stack { place: 1, crates: 6 }).await);
    if let Err(failure) = warehouse.execute(Stack { place: 1, crates: 20 }).await {
        let codes: Vec<_> = failure.violations().iter().map(enact::Violation::code).collect();
        println!("{}, because of {}", failure.kind(), codes.join(", "));
        for violation in failure.violations() {
            println!("  {}: {}", violation.code(), violation.message());
        }
    }
    Ok(())
}
