//! Types by other names: the compiler tells what they are, not their tokens.
#![deny(missing_docs, unused_qualifications, clippy::pedantic)]

use enact::prelude::*;

use super::execute;

type ThingId = String;
type Target = ThingId;
type Thing = Gadget;
type Rename = RenameGadget;
type Outcome = Result<u64, Failure>;
type Context = ExecutionContext;
type Read<T> = Repository<T>;

/// A thing that goes by two names.
#[entity]
pub struct Gadget {
    /// Its identity.
    id: ThingId,
    /// What it is called.
    name: String,
}

/// Call a thing something else.
#[command(target = thing)]
pub struct RenameGadget {
    /// The thing.
    thing: Target,
    /// Its new name.
    name: String,
}

/// A thing is called something else.
#[event]
pub struct Renamed {
    /// How often it was renamed.
    times: u64,
}

impl From<&Rename> for Thing {
    fn from(rename: &Rename) -> Self {
        Self { id: rename.thing.clone(), name: String::new() }
    }
}

/// A thing has a name.
#[invariant]
fn named(thing: &Thing) -> Result<(), &'static str> {
    if thing.name.is_empty() { Err("it has none") } else { Ok(()) }
}

#[command(create = if_missing)]
async fn rename(rename: Rename, thing: &mut Thing, _context: Context, things: Read<Thing>) -> Outcome {
    let before = things.get(&rename.thing).await?;
    thing.name = rename.name;
    emit(Renamed { times: 1 });
    Ok(before.map_or(0, |_| 1))
}

#[event_handler]
async fn count(renamed: Renamed) -> Result<(), Failure> {
    assert_eq!(renamed.times, 1);
    Ok(())
}

#[tokio::test]
async fn a_type_may_go_by_another_name() {
    let rename = |name: &str| Rename { thing: "t-1".to_owned(), name: name.to_owned() };
    assert_eq!(execute(rename("lamp")).await.expect("it has a name"), 0);
    assert_eq!(execute(rename("")).await.expect_err("it has none").code(), "named");
}
