//! Creation policies: what happens if a handler's entity does not exist, or exists already.
//!
//! ```text
//! always, missing:      Ok("welcome")
//! always, existing:     Err(already_exists (already_exists): Guest ada already exists)
//! never, existing:      Ok("1 night")
//! never, missing:       Err(not_found (not_found): Guest bob does not exist)
//! if_missing, missing:  Ok("1 tip")
//! if_missing, existing: Ok("2 tips")
//! ```

use enact::MemoryStore;
use enact::prelude::*;

/// A hotel guest.
#[entity(id = name)]
struct Guest {
    name: String,
    nights: u32,
}

/// The tips of a waiter.
#[entity(id = waiter)]
struct TipJar {
    waiter: String,
    tips: u32,
}

/// Welcome a new guest.
#[command(target = name)]
struct Welcome {
    name: String,
}

/// Creates a guest. `create = always` requires this conversion.
impl From<&Welcome> for Guest {
    fn from(welcome: &Welcome) -> Self {
        Self { name: welcome.name.clone(), nights: 0 }
    }
}

#[command(create = always)]
async fn welcome(_welcome: Welcome, _guest: &mut Guest) -> Result<String, Failure> {
    Ok("welcome".to_owned())
}

/// Add a night to a guest's stay.
#[command(target = name)]
struct Stay {
    name: String,
}

/// The default is `create = never`.
#[command]
async fn stay(_stay: Stay, guest: &mut Guest) -> Result<String, Failure> {
    guest.nights += 1;
    Ok(format!("{} night", guest.nights))
}

/// Give a waiter a tip.
#[command(target = waiter)]
struct Tip {
    waiter: String,
}

impl From<&Tip> for TipJar {
    fn from(tip: &Tip) -> Self {
        Self { waiter: tip.waiter.clone(), tips: 0 }
    }
}

#[command(create = if_missing)]
async fn tip(_tip: Tip, jar: &mut TipJar) -> Result<String, Failure> {
    jar.tips += 1;
    Ok(format!("{} tip{}", jar.tips, if jar.tips == 1 { "" } else { "s" }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hotel = Runtime::builder(MemoryStore::new()).start().await?;
    let [ada, bob, eve] = ["ada", "bob", "eve"].map(String::from);

    println!("always, missing:      {:?}", hotel.execute(Welcome { name: ada.clone() }).await);
    println!("always, existing:     {:?}", hotel.execute(Welcome { name: ada.clone() }).await);
    println!("never, existing:      {:?}", hotel.execute(Stay { name: ada }).await);
    println!("never, missing:       {:?}", hotel.execute(Stay { name: bob }).await);
    println!("if_missing, missing:  {:?}", hotel.execute(Tip { waiter: eve.clone() }).await);
    println!("if_missing, existing: {:?}", hotel.execute(Tip { waiter: eve }).await);
    Ok(())
}
