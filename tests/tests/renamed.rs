//! Domains of crates that know enact by another name (r52).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{World, jobs_of, on_every_store, until};
use enact::prelude::*;
use renamed::{LampId, TurnOn};
use renamed_throughout::{BellId, Ring};

async fn start(world: &World) -> Runtime {
    world.builder().start().await.unwrap()
}

async fn r52_a_crate_that_has_renamed_enact_says_so_at_each_item(world: World) {
    let house = start(&world).await;
    assert_eq!(house.execute(TurnOn { lamp: LampId("hall".to_owned()) }).await.unwrap(), 60);
    until("the event was handled", async || jobs_of(&house, "ReadMeter").await.len() == 1).await;
}

async fn r52_a_crate_that_has_renamed_enact_gives_it_its_name_once_for_all(world: World) {
    let house = start(&world).await;
    assert_eq!(house.execute(Ring { bell: BellId("door".to_owned()) }).await.unwrap(), 80);
    until("the event was handled", async || jobs_of(&house, "CountRings").await.len() == 1).await;
}

/// What everybody in this crate uses of enact, by a path of its own.
mod framework {
    pub(crate) use enact::*;
}

#[command]
#[enact(crate = "crate::framework")]
struct Knock {
    times: u32,
}

#[command]
#[enact(crate = "crate::framework")]
async fn knock(knock: Knock) -> Result<u32, Failure> {
    Ok(knock.times)
}

async fn r52_a_module_that_re_exports_enact_can_stand_for_it(world: World) {
    assert_eq!(start(&world).await.execute(Knock { times: 3 }).await.unwrap(), 3);
}

on_every_store! {
    r52_a_crate_that_has_renamed_enact_says_so_at_each_item,
    r52_a_crate_that_has_renamed_enact_gives_it_its_name_once_for_all,
    r52_a_module_that_re_exports_enact_can_stand_for_it,
}
