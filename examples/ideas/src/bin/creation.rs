//! Creation policies: what a handler finds where its entity does not exist yet, or exists already.
//!
//! ```text
//! always:     Ok("made")
//! again:      Err(already_exists (already_exists): Guest ada exists already)
//! never:      Ok("1 night")
//! nobody:     Err(not_found (not_found): Guest bob does not exist)
//! if_missing: Ok("1 tip")
//! again:      Ok("2 tips")
//! ```

use enact::MemoryStore;
use enact::prelude::*;

/// A guest of the house.
#[entity(id = name)]
struct Guest {
    name: String,
    nights: u32,
}

/// What a waiter has been given.
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

/// How a guest begins: the domain's own code.
impl From<&Welcome> for Guest {
    fn from(welcome: &Welcome) -> Self {
        Self { name: welcome.name.clone(), nights: 0 }
    }
}

#[command(create = always)]
async fn welcome(_welcome: Welcome, _guest: &mut Guest) -> Result<String, Failure> {
    Ok("made".to_owned())
}

/// Let a guest stay for a night.
#[command(target = name)]
struct Stay {
    name: String,
}

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
    let house = Runtime::builder(MemoryStore::new()).start().await?;
    let [ada, bob, eve] = ["ada", "bob", "eve"].map(String::from);

    println!("always:     {:?}", house.execute(Welcome { name: ada.clone() }).await);
    println!("again:      {:?}", house.execute(Welcome { name: ada.clone() }).await);
    println!("never:      {:?}", house.execute(Stay { name: ada }).await);
    println!("nobody:     {:?}", house.execute(Stay { name: bob }).await);
    println!("if_missing: {:?}", house.execute(Tip { waiter: eve.clone() }).await);
    println!("again:      {:?}", house.execute(Tip { waiter: eve }).await);
    Ok(())
}
